//! Several locks at once: who waits gets `n` of its names together, so nobody holds some and waits for others.
//!
//! Names that somebody waits for are kept for those who came earlier: many small requests can't keep
//! a large one waiting for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::desk::{Asker, On};
use super::{Call, Coordination, Outcome};
use crate::data::{AskError, Data};
use crate::ids::ClientId;

/// Names that are held, and who waits, in order.
#[derive(Debug, Default)]
pub(super) struct MultiLocks {
    held: BTreeMap<Arc<str>, (ClientId, Arc<str>)>,
    pub(super) queue: Vec<Request>,
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) asker: Asker,
    id: Arc<str>,
    names: Vec<Arc<str>>,
    n: usize,
}

impl MultiLocks {
    /// Holds `n` free names for a request, if there are so many that nobody waits for.
    fn take(&mut self, request: &Request, kept: &BTreeSet<Arc<str>>) -> bool {
        let free = request
            .names
            .iter()
            .filter(|name| !self.held.contains_key(&***name) && !kept.contains(&***name));
        let free: Vec<Arc<str>> = free.take(request.n).cloned().collect();
        if free.len() < request.n {
            return false;
        }
        let holder = (request.asker.client, request.id.clone());
        self.held.extend(free.into_iter().map(|name| (name, holder.clone())));
        true
    }

    /// Those who can have their names now, in order.
    fn granted(&mut self) -> Vec<Asker> {
        let mut kept = BTreeSet::new();
        let mut granted = Vec::new();
        for request in std::mem::take(&mut self.queue) {
            if self.take(&request, &kept) {
                granted.push(request.asker);
            } else {
                kept.extend(request.names.iter().cloned());
                self.queue.push(request);
            }
        }
        granted
    }
}

impl Coordination {
    pub(super) fn multilock_acquire(&mut self, call: Call<'_>) -> Outcome {
        let mut names: Vec<Arc<str>> = Vec::new();
        for name in call.body.need("names")?.items() {
            let name = name.as_text().cloned().unwrap_or_else(|| name.to_string().into());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let n = call.body.get("n").and_then(Data::as_int);
        let n = n.map_or(names.len(), |n| usize::try_from(n).unwrap_or(0));
        if n == 0 || n > names.len() {
            let text = format!("{n} of {} locks can't be acquired", names.len());
            return Err(AskError::new("ValueError", text));
        }
        let request = Request { asker: call.asker, id: call.text("id")?, names, n };
        let kept = self.multilocks.queue.iter().flat_map(|request| request.names.clone()).collect();
        if self.multilocks.take(&request, &kept) {
            return Ok(Some(true.into()));
        }
        let outcome = self.desk.wait(call, On::MultiLock)?;
        if outcome.is_none() {
            self.multilocks.queue.push(request);
        }
        Ok(outcome)
    }

    pub(super) fn multilock_release(&mut self, call: Call<'_>) -> Outcome {
        let id = call.text("id")?;
        let before = self.multilocks.held.len();
        self.multilocks.held.retain(|_, holder| holder.1 != id);
        if self.multilocks.held.len() == before {
            let text = format!("{id} holds no locks: acquire them before they are released");
            return Err(AskError::new("ValueError", text));
        }
        self.settle_multilocks();
        Ok(Some(true.into()))
    }

    pub(super) fn multilock_left(&mut self, asker: Asker) {
        self.multilocks.queue.retain(|request| request.asker != asker);
        self.settle_multilocks();
    }

    pub(super) fn multilocks_of_lost(&mut self, client: ClientId) {
        self.multilocks.held.retain(|_, holder| holder.0 != client);
        self.settle_multilocks();
    }

    fn settle_multilocks(&mut self) {
        for asker in self.multilocks.granted() {
            self.desk.grant(asker);
        }
    }
}
