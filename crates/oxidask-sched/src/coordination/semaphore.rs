//! Semaphores: so many leases, which end unless they are refreshed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::desk::{Asker, Desk, On};
use super::{Call, Coordination, Outcome};
use crate::data::{AskError, Data};
use crate::ids::{ClientId, Time};

/// When leases end: the semaphore and the lease.
pub(super) type LeaseEnds = BTreeSet<(Time, Arc<str>, Arc<str>)>;

/// One semaphore.
#[derive(Debug)]
pub(super) struct Semaphore {
    pub(super) max_leases: usize,
    /// Seconds that a lease lasts without being refreshed; none for ever.
    lease_s: Option<f64>,
    pub(super) leases: BTreeMap<Arc<str>, Lease>,
    pub(super) queue: VecDeque<(Asker, Arc<str>)>,
}

#[derive(Debug)]
pub(super) struct Lease {
    client: ClientId,
    until: Option<Time>,
}

impl Coordination {
    pub(super) fn semaphore_register(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        let max_leases = call.body.need("max_leases")?.as_int().unwrap_or(0);
        let Some(max_leases) = usize::try_from(max_leases).ok().filter(|n| *n > 0) else {
            let text = format!("max_leases of semaphore {name} is {max_leases}, less than one");
            return Err(AskError::new("ValueError", text));
        };
        let lease_s = call.body.get("lease_timeout_s").and_then(Data::as_float);
        let semaphore = self.semaphores.entry(name.clone()).or_insert_with(|| Semaphore {
            max_leases,
            lease_s,
            leases: BTreeMap::new(),
            queue: VecDeque::new(),
        });
        if semaphore.max_leases != max_leases {
            let text = format!(
                "semaphore {name} has {} leases, not {max_leases}: use another name, or close it first",
                semaphore.max_leases
            );
            return Err(AskError::new("ValueError", text));
        }
        Ok(Some(Data::Nil))
    }

    pub(super) fn semaphore_acquire(&mut self, call: Call<'_>) -> Outcome {
        let (name, lease) = (call.name()?, call.text("lease")?);
        let semaphore = self.semaphores.get_mut(&name).ok_or_else(|| unknown(&name))?;
        if semaphore.leases.contains_key(&lease) {
            return Ok(Some(true.into()));
        }
        if semaphore.leases.len() < semaphore.max_leases {
            let until = semaphore.lease_s.map(|seconds| call.now.after(seconds));
            self.lease_ends.extend(until.map(|at| (at, name, lease.clone())));
            semaphore.leases.insert(lease, Lease { client: call.asker.client, until });
            return Ok(Some(true.into()));
        }
        let outcome = self.desk.wait(call, On::Semaphore(name))?;
        if outcome.is_none() {
            semaphore.queue.push_back((call.asker, lease));
        }
        Ok(outcome)
    }

    pub(super) fn semaphore_release(&mut self, call: Call<'_>) -> Outcome {
        let (name, lease) = (call.name()?, call.text("lease")?);
        let was_held = self.end_lease(&name, &lease);
        self.settle_semaphore(&name, call.now);
        Ok(Some(was_held.into()))
    }

    /// Leases last for their time from now on. False if one of them has ended.
    pub(super) fn semaphore_refresh(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        let semaphore = self.semaphores.get_mut(&name).ok_or_else(|| unknown(&name))?;
        let leases = call.body.get("leases").map_or(&[][..], Data::items);
        let until = semaphore.lease_s.map(|seconds| call.now.after(seconds));
        let mut all = true;
        for lease in leases.iter().chain(call.body.get("lease")).filter_map(Data::as_text) {
            let Some(known) = semaphore.leases.get_mut(lease) else {
                all = false;
                continue;
            };
            let end = |at: Time| (at, name.clone(), lease.clone());
            if let Some(before) = std::mem::replace(&mut known.until, until) {
                self.lease_ends.remove(&end(before));
            }
            self.lease_ends.extend(until.map(end));
        }
        Ok(Some(all.into()))
    }

    pub(super) fn semaphore_value(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        let semaphore = self.semaphores.get(&name).ok_or_else(|| unknown(&name))?;
        Ok(Some(semaphore.leases.len().into()))
    }

    pub(super) fn semaphore_close(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        if let Some(semaphore) = self.semaphores.remove(&name) {
            self.lease_ends.retain(|(_, other, _)| *other != name);
            for (asker, _) in semaphore.queue {
                self.desk.answer(asker, Err(unknown(&name)));
            }
        }
        Ok(Some(Data::Nil))
    }

    pub(super) fn semaphore_left(&mut self, name: &str, asker: Asker) {
        if let Some(semaphore) = self.semaphores.get_mut(name) {
            semaphore.queue.retain(|(other, _)| *other != asker);
        }
    }

    pub(super) fn leases_of_lost(&mut self, client: ClientId) {
        let mut lost = Vec::new();
        for (name, semaphore) in &self.semaphores {
            let leases = semaphore.leases.iter().filter(|(_, lease)| lease.client == client);
            lost.extend(leases.map(|(lease, _)| (name.clone(), lease.clone())));
        }
        for (name, lease) in lost {
            self.end_lease(&name, &lease);
            self.settle_semaphore(&name, self.desk.now);
        }
    }

    /// Ends leases that were not refreshed in time.
    pub(super) fn end_leases(&mut self, now: Time) {
        while let Some((at, name, lease)) = self.lease_ends.first().cloned()
            && at <= now
        {
            self.end_lease(&name, &lease);
            self.settle_semaphore(&name, now);
        }
    }

    fn end_lease(&mut self, name: &Arc<str>, lease: &Arc<str>) -> bool {
        let semaphore = self.semaphores.get_mut(name);
        let Some(ended) = semaphore.and_then(|semaphore| semaphore.leases.remove(lease)) else {
            return false;
        };
        if let Some(until) = ended.until {
            self.lease_ends.remove(&(until, name.clone(), lease.clone()));
        }
        true
    }

    fn settle_semaphore(&mut self, name: &Arc<str>, now: Time) {
        if let Some(semaphore) = self.semaphores.get_mut(name) {
            semaphore.settle(name, now, &mut self.lease_ends, &mut self.desk);
        }
    }
}

impl Semaphore {
    fn settle(&mut self, name: &Arc<str>, now: Time, ends: &mut LeaseEnds, desk: &mut Desk) {
        while self.leases.len() < self.max_leases
            && let Some((asker, lease)) = self.queue.pop_front()
        {
            let until = self.lease_s.map(|seconds| now.after(seconds));
            ends.extend(until.map(|at| (at, name.clone(), lease.clone())));
            self.leases.insert(lease, Lease { client: asker.client, until });
            desk.grant(asker);
        }
    }
}

fn unknown(name: &str) -> AskError {
    let text = format!("semaphore {name} is not known or was closed: make it before it is used");
    AskError::new("RuntimeError", text)
}
