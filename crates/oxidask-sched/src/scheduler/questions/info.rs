//! `info.*` and `story.start`: what is here, who has what, and how tasks stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use oxidask_core::key::Key;

use super::Outcome;
use crate::coordination::Asker;
use crate::data::{AskError, Data};
use crate::ids::WorkerId;
use crate::message::Action;
use crate::scheduler::Scheduler;
use crate::scheduler::story;
use crate::scheduler::task::State;
use crate::scheduler::workers::WorkerState;

/// Texts by name, as maps are made of.
type Entries = Vec<(Arc<str>, Data)>;

impl Scheduler {
    pub(super) fn identity(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let workers = match body.get("workers") {
            Some(Data::Bool(false)) => Entries::new(),
            _ => self.by_address(self.named_workers(body), |this, id, worker| {
                this.describe_worker(id, worker)
            }),
        };
        Ok(Some(Data::map([
            ("type", "Scheduler".into()),
            ("id", self.name.0.clone().into()),
            ("address", self.name.1.clone().into()),
            ("started_s", self.config.started_s.into()),
            ("n_tasks", self.tasks.len().into()),
            ("n_clients", self.clients.len().into()),
            ("workers", Data::Map(workers)),
        ])))
    }

    /// What each of some workers has, by address.
    fn by_address(
        &self,
        ids: Vec<WorkerId>,
        what: impl Fn(&Self, WorkerId, &WorkerState) -> Data,
    ) -> Entries {
        let known = ids.into_iter().filter_map(|id| Some((id, self.workers.get(id)?)));
        known.map(|(id, worker)| (worker.info.address.clone(), what(self, id, worker))).collect()
    }

    /// All that is known of a worker. What it says of itself in `extra` stands beside that, or instead.
    pub(super) fn describe_worker(&self, _: WorkerId, worker: &WorkerState) -> Data {
        let (info, health) = (&worker.info, worker.health);
        let resources = info.resources.iter().map(|(name, n)| (name.clone(), (*n).into()));
        let n_out = worker.out.len();
        let n_begun = n_out - worker.n_unstarted as usize;
        let counts = Data::map([
            ("memory", worker.held.len().into()),
            ("executing", n_begun.into()),
            ("ready", worker.n_unstarted.into()),
            ("queued", worker.n_queued.into()),
        ]);
        let metrics = Data::map([
            ("task_counts", counts),
            ("executing", n_begun.into()),
            ("bandwidth", health.bandwidth.into()),
            ("memory", health.memory_bytes.into()),
            ("managed_bytes", health.managed_bytes.max(worker.held_bytes).into()),
            ("spilled_bytes", health.spilled_bytes.into()),
            ("occupancy_s", worker.charge_s.max(0.0).into()),
        ]);
        let mut entries: Entries = vec![
            ("type".into(), "Worker".into()),
            ("id".into(), info.name.clone().into()),
            ("name".into(), info.name.clone().into()),
            ("address".into(), info.address.clone().into()),
            ("host".into(), info.host.clone().into()),
            ("nthreads".into(), info.n_threads.into()),
            ("memory_limit".into(), info.memory_limit_bytes.into()),
            ("resources".into(), Data::Map(resources.collect())),
            ("status".into(), worker.status().into()),
            ("last_seen".into(), self.wall_s(worker.seen_at).into()),
            ("metrics".into(), metrics),
        ];
        if let Data::Map(extra) = &info.extra {
            for (name, value) in extra {
                match entries.iter_mut().find(|(other, _)| other == name) {
                    Some(entry) => entry.1 = value.clone(),
                    None => entries.push((name.clone(), value.clone())),
                }
            }
        }
        Data::Map(entries)
    }

    /// The slots that a question is about: of the keys that it names, or all.
    fn asked_slots(&self, body: &Data) -> Vec<u32> {
        match body.get("keys") {
            Some(Data::List(keys)) => {
                keys.iter().filter_map(|key| self.tasks.find(&key.as_key()?)).collect()
            }
            _ => self.tasks.slots(),
        }
    }

    pub(super) fn who_has(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let addresses = |key: &Key| -> Data {
            let place = self.locate(key).unwrap_or_default();
            let holders = place.holders.iter().filter_map(|id| self.workers.get(*id));
            holders.map(|worker| worker.info.address.clone()).collect()
        };
        let row = |key: Key| Data::List(vec![Data::Key(key.clone()), addresses(&key)]);
        Ok(Some(match body.get("keys") {
            Some(Data::List(keys)) => keys.iter().filter_map(Data::as_key).map(row).collect(),
            _ => {
                let slots = self.tasks.slots().into_iter();
                let held = slots.filter(|&slot| self.tasks.hot(slot).state == State::Memory);
                held.map(|slot| row(self.tasks.cold(slot).key.clone())).collect()
            }
        }))
    }

    pub(super) fn has_what(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let keys =
            |this: &Self, _: WorkerId, worker: &WorkerState| this.keys_of(worker.held.iter());
        Ok(Some(Data::Map(self.by_address(self.named_workers(body), keys))))
    }

    pub(super) fn processing(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let keys = |this: &Self, _: WorkerId, worker: &WorkerState| {
            this.keys_of(worker.out.iter().copied())
        };
        Ok(Some(Data::Map(self.by_address(self.named_workers(body), keys))))
    }

    fn keys_of(&self, slots: impl Iterator<Item = u32>) -> Data {
        let mut slots: Vec<u32> = slots.collect();
        slots.sort_unstable();
        slots.into_iter().map(|slot| self.tasks.cold(slot).key.clone()).collect()
    }

    pub(super) fn nthreads(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let n = |_: &Self, _: WorkerId, worker: &WorkerState| worker.info.n_threads.into();
        Ok(Some(Data::Map(self.by_address(self.named_workers(body), n))))
    }

    /// Bytes of values: by key, or by prefix.
    pub(super) fn nbytes(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let slots = self.asked_slots(body).into_iter();
        let held = slots.filter(|&slot| self.tasks.hot(slot).state == State::Memory);
        let sizes = held.map(|slot| (&self.tasks.cold(slot).key, self.tasks.hot(slot).nbytes));
        if body.get("summary").is_some_and(Data::is_true) {
            let mut by_prefix: BTreeMap<&str, u64> = BTreeMap::new();
            sizes.for_each(|(key, n)| {
                *by_prefix.entry(prefix(key.group().as_str())).or_default() += n
            });
            let rows = by_prefix.into_iter().map(|(name, n)| vec![Data::from(name), n.into()]);
            return Ok(Some(rows.map(Data::List).collect()));
        }
        Ok(Some(sizes.map(|(key, n)| Data::List(vec![Data::Key(key.clone()), n.into()])).collect()))
    }

    pub(super) fn task(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let key = body.need("key")?;
        let slot = key.as_key().and_then(|key| self.tasks.find(&key));
        Ok(Some(slot.map_or(Data::Nil, |slot| self.describe_task(slot))))
    }

    fn describe_task(&self, slot: u32) -> Data {
        let (hot, cold) = (self.tasks.hot(slot), self.tasks.cold(slot));
        let all = |slots: &mut dyn Iterator<Item = u32>| -> Data {
            slots.map(|slot| self.tasks.cold(slot).key.clone()).collect()
        };
        let mut waiting_on = cold.inputs.iter().copied().filter(|&input| {
            hot.state == State::Waiting && self.tasks.hot(input).state != State::Memory
        });
        let mut readers = cold.readers.iter().filter_map(|reader| self.tasks.live(*reader));
        let holders = self.tasks.holders(slot);
        let who_has = holders.iter().filter_map(|id| self.workers.get(*id));
        let on = self.workers.get(WorkerId(hot.worker)).filter(|_| hot.state.is_out());
        let failure = self.tasks.failures.get(&slot);
        Data::map([
            ("key", cold.key.clone().into()),
            ("state", hot.state.name().into()),
            ("priority", hot.priority.into()),
            ("dependencies", all(&mut cold.inputs.iter().copied())),
            ("waiting_on", all(&mut waiting_on)),
            ("waiters", all(&mut readers)),
            ("who_has", who_has.map(|worker| worker.info.address.clone()).collect()),
            ("processing_on", on.map(|worker| worker.info.address.clone()).into()),
            ("nbytes", hot.nbytes.into()),
            ("type", cold.type_name.clone().into()),
            ("retries", hot.retries.into()),
            ("suspicious", u32::from(hot.suspicion).into()),
            ("n_clients", cold.clients.len().into()),
            ("exception_text", failure.map(|failure| failure.text.clone()).into()),
            ("failed_first", failure.map(|failure| failure.origin.clone()).into()),
        ])
    }

    /// Tasks by group: how many in each state, and what was measured.
    pub(super) fn groups(&mut self, _: Asker, _: &Data, _: &mut Vec<Action>) -> Outcome {
        let mut groups: BTreeMap<u32, (BTreeMap<&str, u64>, u64)> = BTreeMap::new();
        for slot in self.tasks.slots() {
            let hot = self.tasks.hot(slot);
            let (states, nbytes) = groups.entry(hot.group).or_default();
            *states.entry(hot.state.name()).or_default() += 1;
            *nbytes += if hot.state == State::Memory { hot.nbytes } else { 0 };
        }
        let described = groups.into_iter().map(|(group, (states, nbytes))| {
            let stats = self.measured.get(group);
            let name = stats.group.as_str();
            let states = states.into_iter().map(|(state, n)| (state.into(), n.into())).collect();
            let described = Data::map([
                ("prefix", prefix(name).into()),
                ("states", Data::Map(states)),
                ("nbytes", nbytes.into()),
                ("duration_s", stats.duration_s.into()),
                ("nbytes_each", stats.nbytes.into()),
                ("n_finished", stats.n_finished.into()),
            ]);
            (name.into(), described)
        });
        Ok(Some(Data::Map(described.collect())))
    }

    /// The whole state, for people who look for what went wrong.
    pub(super) fn dump(&mut self, asker: Asker, _: &Data, actions: &mut Vec<Action>) -> Outcome {
        let all = Data::Nil;
        let identity = self.identity(asker, &all, actions)?;
        let groups = self.groups(asker, &all, actions)?;
        let tasks: Data = self.tasks.slots().into_iter().map(|s| self.describe_task(s)).collect();
        let clients: Data = self.clients().map(|(_, name)| name.clone()).collect();
        let story = self.tasks.story.iter().flat_map(|story| story.iter());
        let story: Data = story.map(|told| story::shown(self, told)).collect();
        Ok(Some(Data::map([
            ("scheduler", identity.unwrap_or_default()),
            ("groups", groups.unwrap_or_default()),
            ("tasks", tasks),
            ("clients", clients),
            ("story", story),
        ])))
    }

    pub(super) fn story_start(&mut self, _: Asker, _: &Data, _: &mut Vec<Action>) -> Outcome {
        self.start_story();
        Ok(Some(Data::Nil))
    }

    /// What some tasks went through, since stories are told.
    pub(super) fn story(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        self.start_story();
        let Data::List(keys) = body.need("keys")? else {
            return Err(AskError::new("TypeError", "keys is no list of keys"));
        };
        let keys: Vec<Key> = keys.iter().filter_map(Data::as_key).collect();
        let story = self.tasks.story.iter().flat_map(|story| story.iter());
        let told = story.filter(|told| keys.contains(&told.key));
        Ok(Some(told.map(|told| story::shown(self, told)).collect()))
    }
}

/// What names of the same function or operation have in common: all before the token.
fn prefix(group: &str) -> &str {
    match group.rsplit_once('-') {
        Some((name, token)) if token.len() >= 8 && token.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => group,
    }
}
