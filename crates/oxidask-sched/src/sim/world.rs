//! The machines of a history, and what joins them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Plan;
use super::network::{Network, Parcel, Stream};
use super::program::{Expected, Programs, key, number};
use super::random::Random;
use super::threads::nbytes_of;
use super::users::{Known, User};
use crate::ids::{ClientId, RunId, TaskId, Time, WorkerId};
use crate::message::{
    Action, Cause, ClientInfo, Compute, Event, FromClient, Health, ToClient, WorkerInfo,
};
use crate::scheduler::{Config, Scheduler};
use crate::worker::{self, Copied, Worker, WorkerConfig};

/// Events after which a history that still has not ended never will.
const ENDLESS: u64 = 3_000_000;

/// What a history was like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Events that happened.
    pub events: u64,
    /// Tasks that were submitted.
    pub tasks: u64,
    /// Times that a task ran to its end.
    pub runs: u64,
    /// Workers that died.
    pub deaths: u64,
    /// A hash over all events: equal plans give equal ones.
    pub fingerprint: u64,
}

/// A worker and what is around it.
pub(super) struct Site {
    pub(super) machine: Worker,
    /// The values, each as what it must be.
    pub(super) store: BTreeMap<TaskId, u64>,
    /// Tasks that run, with what was asked for, by the attempt that the thread took.
    pub(super) running: BTreeMap<(TaskId, RunId), Box<Compute>>,
    pub(super) seceded: BTreeSet<(TaskId, RunId)>,
    pub(super) slowness: u64,
    unreachable_until: Time,
}

/// The whole simulation.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) random: Random,
    pub(super) users: BTreeMap<ClientId, User>,
    pub(super) programs: Programs,
    pub(super) now: Time,
    pub(super) network: Network,
    scheduler: Scheduler,
    pub(super) sites: BTreeMap<WorkerId, Site>,
    n_workers_ever: u32,
    n_clients_ever: u32,
    pub(super) raised: BTreeMap<usize, u32>,
    pub(super) faults_on: bool,
    pub(super) violation: Option<String>,
    pub(super) report: Report,
    actions: Vec<Action>,
}

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan,
            random: Random::new(plan.seed),
            users: BTreeMap::new(),
            programs: Programs::default(),
            now: Time(0),
            network: Network::default(),
            scheduler: Scheduler::new(Config { seed: plan.seed, ..Config::default() }),
            sites: BTreeMap::new(),
            n_workers_ever: 0,
            n_clients_ever: 0,
            raised: BTreeMap::new(),
            faults_on: true,
            violation: None,
            report: Report::default(),
            actions: Vec::new(),
        }
    }

    pub(super) fn play(mut self) -> Result<Report, String> {
        (0..self.plan.clients).for_each(|_| self.client_joins());
        (0..self.plan.workers).for_each(|_| self.worker_joins());
        while self.report.events < u64::from(self.plan.events) {
            match self.random.below(60) {
                0 => self.user_acts(),
                1 => self.something_breaks(),
                _ => {
                    if !self.happens()? {
                        self.user_acts();
                    }
                }
            }
            self.stop_on_violation()?;
        }
        self.faults_on = false;
        // Two that stay: nothing waits for a worker for ever.
        (0..2).for_each(|_| self.worker_joins());
        self.come_to_rest()?;
        self.check_futures()?;
        for client in self.users.keys().copied().collect::<Vec<_>>() {
            self.client_goes(client);
        }
        self.come_to_rest()?;
        self.check_nothing_is_left()?;
        self.report.tasks = self.programs.len() as u64;
        Ok(self.report)
    }

    fn stop_on_violation(&mut self) -> Result<(), String> {
        self.violation.take().map_or(Ok(()), Err)
    }

    /// The next thing on its way arrives. False if there is none.
    fn happens(&mut self) -> Result<bool, String> {
        let due = self.scheduler.deadline();
        if let Some(due) = due
            && self.network.next_at().is_none_or(|at| due <= at)
        {
            self.now = self.now.max(due);
            self.schedule(Event::Tick);
            return self.checked("a deadline").map(|()| true);
        }
        let Some((at, parcel)) = self.network.next() else { return Ok(false) };
        self.now = self.now.max(at);
        let what = format!("{parcel:?}");
        self.deliver(parcel);
        self.checked(&what).map(|()| true)
    }

    fn checked(&mut self, what: &str) -> Result<(), String> {
        self.report.events += 1;
        let mut hash = self.report.fingerprint ^ self.now.0;
        for byte in what.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.report.fingerprint = hash;
        self.stop_on_violation()?;
        let at = |error: String| format!("at {:?}, after {what}: {error}", self.now);
        self.scheduler.check_invariants().map_err(at)?;
        for (id, site) in &self.sites {
            site.machine.check_invariants().map_err(|error| at(format!("{id:?}: {error}")))?;
        }
        Ok(())
    }

    fn come_to_rest(&mut self) -> Result<(), String> {
        let limit = self.report.events + ENDLESS;
        while self.happens()? {
            if self.report.events > limit {
                return Err(format!("no end: {:?}", self.scheduler.counts()));
            }
        }
        Ok(())
    }

    fn check_futures(&self) -> Result<(), String> {
        let expected = self.programs.expected();
        for (client, user) in &self.users {
            if let Some((request, verb)) = user.asks.first_key_value() {
                return Err(format!("{client:?} has no answer to {verb}, number {request}"));
            }
            for &held in &user.holds {
                let (known, name) = (user.known[&held], key(held));
                let wrong = |what: &str| {
                    let explained = self.scheduler.explain(&name);
                    Err(format!("{client:?} holds {name}, {what}: {known:?}; {explained}"))
                };
                match (known, expected[held]) {
                    (Known::Ready, Expected::Value(value) | Expected::Either(value)) => {
                        let place = self.scheduler.locate(&name).unwrap_or_default();
                        let found = place.holders.iter().filter_map(|id| self.sites.get(id));
                        let values: Vec<u64> =
                            found.filter_map(|site| self.value_at(site, &name)).collect();
                        if values.len() != place.holders.len() || values.is_empty() {
                            return wrong("whose value is not where it should be");
                        }
                        if values.iter().any(|other| *other != value) {
                            return wrong("whose value is wrong");
                        }
                    }
                    (Known::Ready, Expected::Failure) => return wrong("which should have failed"),
                    (Known::Failed, Expected::Value(_)) => {
                        return wrong("which should have a value");
                    }
                    (Known::Failed, _) | (Known::Cancelled, _) => {}
                    (Known::Pending, _) => return wrong("which comes to nothing"),
                }
            }
        }
        Ok(())
    }

    fn value_at(&self, site: &Site, name: &oxidask_core::key::Key) -> Option<u64> {
        site.store.get(&self.scheduler.id_of(name)?).copied()
    }

    fn check_nothing_is_left(&self) -> Result<(), String> {
        let counts = self.scheduler.counts();
        if counts.tasks > 0 {
            return Err(format!("tasks are left without clients: {counts:?}"));
        }
        for (id, site) in &self.sites {
            if !site.store.is_empty() || site.machine.n_attempts() > 0 {
                return Err(format!("{id:?} still has {:?} and {:?}", site.store, site.running));
            }
        }
        Ok(())
    }

    pub(super) fn say(&mut self, client: ClientId, message: FromClient) {
        self.send(Stream::FromClient(client), Parcel::FromClient(client, message));
    }

    fn send(&mut self, stream: Stream, parcel: Parcel) {
        let stalls = self.stalls();
        self.network.send(self.now, &mut self.random, stalls, stream, parcel);
    }

    fn stalls(&self) -> bool {
        self.faults_on && self.plan.faults.stalls
    }

    fn schedule(&mut self, event: Event) {
        let mut actions = std::mem::take(&mut self.actions);
        self.scheduler.handle(self.now, event, &mut actions);
        for action in actions.drain(..) {
            let (stream, parcel) = match action {
                Action::Worker(id, message) => {
                    (Stream::ToWorker(id), Parcel::ToWorker(id, message))
                }
                Action::Client(id, message) => {
                    (Stream::ToClient(id), Parcel::ToClient(id, message))
                }
                Action::Retired(id) => {
                    self.sites.remove(&id);
                    self.network.later(self.now, Parcel::WorkerGone(id));
                    continue;
                }
                // Simulated users ask nothing.
                Action::Ask { .. } => continue,
            };
            self.send(stream, parcel);
        }
        self.actions = actions;
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::ToScheduler(id, message) => self.schedule(Event::Worker(id, message)),
            Parcel::FromClient(id, message) => self.schedule(Event::Client(id, message)),
            Parcel::ToClient(id, message) => self.client_hears(id, message),
            Parcel::ToWorker(id, message) => self.tell(id, worker::Event::Scheduler(message)),
            Parcel::Put { client, worker, number, task } => {
                self.value_is_put(client, worker, number, task);
            }
            Parcel::WorkerGone(id) => self.schedule(Event::WorkerLost(id, "simulated".into())),
            Parcel::Thread(id) => self.thread_looks(id),
            Parcel::End(id, task, run, outcome, value) => self.ends(id, task, run, outcome, value),
            Parcel::Rejoin(id, task, run) => {
                let site = self.sites.get_mut(&id);
                if site.is_some_and(|site| site.seceded.remove(&(task, run))) {
                    self.tell(id, worker::Event::Rejoined { task, run });
                }
            }
            Parcel::Resumed(id) => {
                self.tell(id, worker::Event::Health(Health::default()));
            }
            Parcel::Fetch { from, peer, request, tasks } => {
                let values = self.sites.get(&peer).filter(|_| self.reach(from, peer)).map(|site| {
                    let has = |task: &TaskId| site.store.get(task).map(|value| (*task, *value));
                    tasks.iter().filter_map(has).collect()
                });
                let delay = 20_000 + self.random.below(800_000) as u64;
                let at = Time(self.now.0 + delay);
                self.network.later(at, Parcel::Fetched { to: from, request, values });
            }
            Parcel::Fetched { to, request, values } => {
                let Some(site) = self.sites.get_mut(&to) else { return };
                let Some(values) = values else {
                    self.tell(to, worker::Event::FetchFailed { request });
                    return;
                };
                site.store.extend(values.iter().copied());
                let copied = |(task, value): (TaskId, u64)| Copied {
                    task,
                    nbytes: nbytes_of(value),
                    type_name: "int".into(),
                };
                let values = values.into_iter().map(copied).collect();
                self.tell(to, worker::Event::Fetched { request, values });
            }
        }
    }

    /// A client has reached a worker with a value, or has not.
    fn value_is_put(&mut self, client: ClientId, id: WorkerId, number: usize, task: TaskId) {
        if !self.users.contains_key(&client) {
            return;
        }
        let value = self.programs.value(number, &[]);
        let Some(site) = self.sites.get_mut(&id).filter(|s| s.unreachable_until <= self.now) else {
            self.say(client, FromClient::Unfetched(vec![(key(number), id)]));
            return;
        };
        site.store.insert(task, value);
        let (nbytes, type_name) = (nbytes_of(value), "int".into());
        self.tell(id, worker::Event::Put(vec![Copied { task, nbytes, type_name }]));
    }

    fn reach(&self, a: WorkerId, b: WorkerId) -> bool {
        [a, b]
            .iter()
            .all(|id| self.sites.get(id).is_none_or(|site| site.unreachable_until <= self.now))
    }

    pub(super) fn tell(&mut self, id: WorkerId, event: worker::Event) {
        let Some(site) = self.sites.get_mut(&id) else { return };
        let mut actions = Vec::new();
        site.machine.handle(self.now, event, &mut actions);
        self.carry_out(id, actions);
    }

    pub(super) fn carry_out(&mut self, id: WorkerId, actions: Vec<worker::Action>) {
        for action in actions {
            match action {
                worker::Action::Scheduler(message) => {
                    self.send(Stream::ToScheduler(id), Parcel::ToScheduler(id, message));
                }
                worker::Action::Fetch { peer, request, tasks } => {
                    let at = Time(self.now.0 + 20_000 + self.random.below(400_000) as u64);
                    self.network.later(at, Parcel::Fetch { from: id, peer, request, tasks });
                }
                worker::Action::DropValues(tasks) => {
                    if let Some(site) = self.sites.get_mut(&id) {
                        for task in tasks {
                            if site.store.remove(&task).is_none() && self.violation.is_none() {
                                self.violation =
                                    Some(format!("{id:?} drops {task:?}, which it has not got"));
                            }
                        }
                    }
                }
                worker::Action::DropBlob(_)
                | worker::Action::Peer { .. }
                | worker::Action::Ask { .. }
                | worker::Action::Close(_) => {}
                worker::Action::Wake(n) => {
                    for _ in 0..n {
                        let at = Time(self.now.0 + 1_000 + self.random.below(20_000) as u64);
                        self.network.later(at, Parcel::Thread(id));
                    }
                }
            }
        }
    }

    fn client_hears(&mut self, client: ClientId, message: ToClient) {
        let Some(user) = self.users.get_mut(&client) else { return };
        let (name, known) = match message {
            ToClient::Ready { key, .. } => (key, Known::Ready),
            ToClient::Lost(key) => (key, Known::Pending),
            ToClient::Cancelled(key) => (key, Known::Cancelled),
            ToClient::Failed { key, failure } => {
                let raised = matches!(failure.cause, Cause::Raised(_));
                // What kills workers or reads what was cancelled fails by the faults' doing.
                (key, if raised { Known::Failed } else { Known::Cancelled })
            }
            ToClient::Located { request, places } => {
                self.user_puts(client, request, places);
                return;
            }
            ToClient::Answer { request, .. } => {
                user.asks.remove(&request);
                return;
            }
            ToClient::Peer { .. } | ToClient::Push { .. } => return,
            ToClient::Refused { reason, .. } => {
                self.violation = Some(format!("a submission was refused: {reason}"));
                return;
            }
        };
        let Some(which) = number(&name) else { return };
        if user.holds.contains(&which) {
            user.known.insert(which, known);
        }
    }

    fn client_joins(&mut self) {
        let id = ClientId(self.n_clients_ever);
        self.n_clients_ever += 1;
        self.users.insert(id, User::default());
        self.schedule(Event::ClientJoined(
            id,
            ClientInfo { name: format!("client{}", id.0).into() },
        ));
    }

    fn client_goes(&mut self, id: ClientId) {
        self.users.remove(&id);
        self.schedule(Event::ClientLost(id));
    }

    fn worker_joins(&mut self) {
        let id = WorkerId(self.n_workers_ever);
        self.n_workers_ever += 1;
        let n_threads = 1 + self.random.below(3) as u32;
        let slow = self.faults_on && self.plan.faults.slow_workers && self.random.per_mille(200);
        let resources = vec![(Arc::from("gpu"), 1.0)];
        let config =
            WorkerConfig { resources: resources.clone(), ..WorkerConfig::new(id, n_threads) };
        let site = Site {
            machine: Worker::new(config),
            store: BTreeMap::new(),
            running: BTreeMap::new(),
            seceded: BTreeSet::new(),
            slowness: if slow { 100 } else { 1 },
            unreachable_until: Time(0),
        };
        self.sites.insert(id, site);
        let info = WorkerInfo {
            name: format!("worker{}", id.0).into(),
            address: format!("sim://{}", id.0).into(),
            host: "host0".into(),
            n_threads,
            memory_limit_bytes: 0,
            resources,
            extra: Default::default(),
        };
        self.schedule(Event::WorkerJoined(id, info));
    }

    /// One thing that goes wrong, if it may.
    fn something_breaks(&mut self) {
        let ids: Vec<WorkerId> = self.sites.keys().copied().collect();
        let Some(&id) = self.random.pick(&ids) else {
            self.worker_joins();
            return;
        };
        let faults = self.plan.faults;
        match self.random.below(16) {
            0 if faults.deaths => {
                self.sites.remove(&id);
                self.report.deaths += 1;
                let at = Time(self.now.0 + self.random.below(20_000_000) as u64);
                self.network.later(at, Parcel::WorkerGone(id));
                if self.random.per_mille(800) {
                    self.worker_joins();
                }
            }
            1 if ids.len() < 6 => self.worker_joins(),
            2 if faults.retirements && ids.len() > 1 => self.schedule(Event::WorkerRetires(id)),
            3 | 4 if faults.partitions => {
                let until = Time(self.now.0 + self.random.below(30_000_000) as u64);
                if let Some(site) = self.sites.get_mut(&id) {
                    site.unreachable_until = until;
                }
            }
            5 if faults.lost_values => {
                let held: Vec<TaskId> = self.sites[&id]
                    .store
                    .keys()
                    .copied()
                    .filter(|task| self.sites[&id].machine.holds(*task))
                    .collect();
                if let Some(&task) = self.random.pick(&held) {
                    if let Some(site) = self.sites.get_mut(&id) {
                        site.store.remove(&task);
                    }
                    self.tell(id, worker::Event::Lost(vec![task]));
                }
            }
            6 if faults.pauses => {
                let paused = Health { paused: true, ..Health::default() };
                self.tell(id, worker::Event::Health(paused));
                let at = Time(self.now.0 + self.random.below(20_000_000) as u64);
                self.network.later(at, Parcel::Resumed(id));
            }
            7 if faults.client_losses && self.random.per_mille(200) => {
                let clients: Vec<ClientId> = self.users.keys().copied().collect();
                if let Some(&client) = self.random.pick(&clients) {
                    self.client_goes(client);
                    self.client_joins();
                }
            }
            _ => {}
        }
    }
}
