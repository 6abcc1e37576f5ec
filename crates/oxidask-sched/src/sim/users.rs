//! What users do: submit, hold, let go, cancel, retry, copy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::network::Parcel;
use super::program::{Program, key};
use super::threads::nbytes_of;
use super::world::World;
use crate::content::Content;
use crate::data::Data;
use crate::ids::{BlobHash, ClientId, Time};
use crate::message::{
    Annotations, Blob, FromClient, Input, InputRef, NewTask, RetryPolicy, RunSpec, Submission,
};

/// A client of the simulation: what it holds, and what it was told of that.
#[derive(Default, Debug)]
pub(super) struct User {
    pub(super) holds: BTreeSet<usize>,
    pub(super) known: BTreeMap<usize, Known>,
    /// Questions that were not answered yet.
    pub(super) asks: BTreeMap<u64, &'static str>,
}

/// What a client knows of a future.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    Pending,
    Ready,
    Failed,
    Cancelled,
}

impl World {
    /// One thing that some user does.
    pub(super) fn user_acts(&mut self) {
        let clients: Vec<ClientId> = self.users.keys().copied().collect();
        let Some(&client) = self.random.pick(&clients) else { return };
        match self.random.below(100) {
            0..45 => return self.user_submits(client),
            45..50 => return self.user_scatters(client),
            _ => {}
        }
        let held: Vec<usize> = self.users[&client].holds.iter().copied().collect();
        let Some(&number) = self.random.pick(&held) else { return };
        match self.random.below(22) {
            0..=11 => {
                self.let_go(client, number);
                self.say(client, FromClient::Release(vec![key(number)]));
            }
            12 | 13 => {
                let force = self.random.per_mille(500);
                self.let_go(client, number);
                self.say(client, FromClient::Cancel { keys: vec![key(number)], force });
            }
            14 | 15 => self.say(client, FromClient::Retry(vec![key(number)])),
            16 => {
                // Perhaps of one that was released, by itself or others: it may still be known.
                let recent = self.programs.len().saturating_sub(1 + self.random.below(30));
                self.holds(client, recent);
                self.say(client, FromClient::Want(vec![key(recent)]));
            }
            17 => {
                if let Some(&other) = self.random.pick(&clients) {
                    self.holds(other, number);
                    self.say(other, FromClient::Want(vec![key(number)]));
                }
            }
            18 => self.asks(client, "data.replicate", number),
            19 => self.asks(client, "tasks.keep", number),
            20 => self.asks(client, "data.rebalance", number),
            _ => {
                let replicate =
                    FromClient::Replicate { keys: vec![key(number)], n: 2, workers: Vec::new() };
                self.say(client, replicate);
            }
        }
    }

    fn asks(&mut self, client: ClientId, verb: &'static str, number: usize) {
        let Some(user) = self.users.get_mut(&client) else { return };
        let request = user.asks.last_key_value().map_or(0, |(last, _)| last + 1);
        user.asks.insert(request, verb);
        let mut body = vec![("keys".into(), Data::List(vec![key(number).into()]))];
        if self.random.per_mille(500) {
            body.push(("n".into(), 2i64.into()));
        }
        let ask = FromClient::Ask { request, verb: verb.into(), body: Data::Map(body) };
        self.say(client, ask);
    }

    /// A value of the user's own is to be on workers.
    fn user_scatters(&mut self, client: ClientId) {
        let number = self.programs.len();
        self.programs.push(Program::default());
        self.holds(client, number);
        let nbytes = nbytes_of(self.programs.value(number, &[]));
        let values = vec![(key(number), (nbytes, "int".into()))];
        let broadcast = self.random.per_mille(300);
        let place =
            FromClient::Place { request: number as u64, values, workers: Vec::new(), broadcast };
        self.say(client, place);
    }

    /// The scheduler has said where a value is to go: it is put there, one worker after the other, unless it is not
    /// held any more.
    pub(super) fn user_puts(&mut self, client: ClientId, request: u64, places: Vec<Option<Input>>) {
        let number = request as usize;
        let is_held = self.users.get(&client).is_some_and(|user| user.holds.contains(&number));
        let Some(Some(Input { task, place })) = places.into_iter().next().filter(|_| is_held)
        else {
            // Without workers there is no such task.
            return self.let_go(client, number);
        };
        for worker in place.holders {
            let at = Time(self.now.0 + 20_000 + self.random.below(2_000_000) as u64);
            self.network.later(at, Parcel::Put { client, worker, number, task });
        }
    }

    fn let_go(&mut self, client: ClientId, number: usize) {
        if let Some(user) = self.users.get_mut(&client) {
            user.holds.remove(&number);
            user.known.remove(&number);
        }
    }

    fn holds(&mut self, client: ClientId, number: usize) {
        if let Some(user) = self.users.get_mut(&client) {
            user.holds.insert(number);
            user.known.insert(number, Known::Pending);
        }
    }

    /// A graph of new tasks over each other and over what the client holds.
    fn user_submits(&mut self, client: ClientId) {
        let first = self.programs.len();
        let held: Vec<usize> = self.users[&client].holds.iter().copied().collect();
        let most = if self.random.per_mille(50) { 60 } else { 12 };
        let n = 1 + self.random.below(most);
        let blobs = (0..2).map(|i| Blob {
            hash: BlobHash(i),
            family: "sim".into(),
            bytes: vec![1, i as u8].into(),
        });
        let mut submission = Submission { blobs: blobs.collect(), ..Submission::default() };
        for i in 0..n {
            let inputs = self.some_inputs(first, i, &held);
            let annotations = self.some_annotations(&mut submission);
            let retries = annotations.as_ref().map_or(0, |a| a.retries.n);
            let odd = self.plan.faults.odd_tasks;
            self.programs.push(Program {
                inputs: inputs.clone(),
                raises: odd && self.random.per_mille(20),
                raises_first: if odd && self.random.per_mille(60) { 1 } else { 0 },
                retries,
                has_timeout: annotations.as_ref().is_some_and(|a| a.timeout_s.is_some()),
            });
            let wanted = i + 1 == n || self.random.per_mille(250);
            if wanted {
                self.holds(client, first + i);
            }
            let refs = inputs.into_iter().map(|input| match input.checked_sub(first) {
                Some(local) => InputRef::Local(local as u32),
                None => InputRef::Known(key(input)),
            });
            submission.tasks.push(NewTask {
                key: key(first + i),
                run: RunSpec { blob: (i % 2) as u32, block: 0, payload: Content::new() },
                inputs: refs.collect(),
                wanted,
                annotations: if annotations.is_some() {
                    submission.annotations.len() as u32
                } else {
                    0
                },
            });
        }
        self.say(client, FromClient::Submit(submission));
    }

    fn some_inputs(&mut self, first: usize, i: usize, held: &[usize]) -> Vec<usize> {
        let wide = self.random.per_mille(80);
        let n = self.random.below(if wide { 12 } else { 4 });
        let mut inputs = Vec::new();
        for _ in 0..n {
            if i > 0 && self.random.per_mille(700) {
                inputs.push(first + self.random.below(i));
            } else if let Some(&number) = self.random.pick(held) {
                inputs.push(number);
            }
        }
        inputs
    }

    fn some_annotations(&mut self, submission: &mut Submission) -> Option<Arc<Annotations>> {
        if !self.random.per_mille(150) {
            return None;
        }
        let annotations = Annotations {
            priority: self.random.below(5) as i32 - 2,
            // Every worker is on this host: the name restricts nothing for ever.
            workers: if self.random.per_mille(300) { vec!["host0".into()] } else { Vec::new() },
            allow_other_workers: self.random.per_mille(500),
            resources: if self.random.per_mille(200) {
                vec![("gpu".into(), 1.0)]
            } else {
                Vec::new()
            },
            retries: RetryPolicy {
                n: self.random.below(3) as u32,
                backoff_s: if self.random.per_mille(500) { 2e-3 } else { 0.0 },
                factor: 2.0,
                max_backoff_s: 1.0,
                only: Vec::new(),
            },
            timeout_s: self.random.per_mille(200).then_some(1.5e-3),
            limit: self.random.per_mille(300).then(|| (Arc::from("few"), 2)),
            ..Annotations::default()
        };
        submission.annotations.push(annotations.clone());
        Some(Arc::new(annotations))
    }
}
