//! The scheduler against worker models that answer in any order, die and lose values.
//!
//! Each seed is a history: graphs are submitted, futures released, cancelled and retried, workers come, go and
//! fail. After each event all invariants must hold; at the end, with workers that live, every future that a client
//! still holds must have the value or the failure that running the graph one task after the other gives.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use oxidask_core::key::Key;
use oxidask_sched::content::Content;
use oxidask_sched::ids::{BlobHash, ClientId, RunId, TaskId, Time, WorkerId};
use oxidask_sched::message::{
    Action, Annotations, Blob, Cause, ClientInfo, Compute, Event, Finished, FromClient, FromWorker,
    Input, InputRef, NewTask, RetryPolicy, RunSpec, Submission, TaskFailure, ToClient, ToWorker,
    WorkerInfo,
};
use oxidask_sched::scheduler::{Config, Scheduler};

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n.max(1)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// A worker that runs what it is sent in any order.
#[derive(Default)]
struct Model {
    inbox: VecDeque<ToWorker>,
    outbox: VecDeque<FromWorker>,
    held: BTreeSet<TaskId>,
    waiting: Vec<Compute>,
    running: Vec<Compute>,
    blobs: BTreeSet<u32>,
}

impl Model {
    fn take_in(&mut self, message: ToWorker) {
        match message {
            ToWorker::Blob { number, .. } => assert!(self.blobs.insert(number), "a blob twice"),
            ToWorker::DropBlob(number) => assert!(self.blobs.remove(&number)),
            ToWorker::Compute(compute) => {
                assert!(
                    self.blobs.contains(&compute.spec.blob),
                    "{} without its blob",
                    compute.key
                );
                let running = self.running.iter_mut().find(|c| c.task == compute.task);
                match running {
                    Some(older) => older.run = compute.run,
                    None => self.waiting.push(*compute),
                }
            }
            ToWorker::Retract { task, run } | ToWorker::Cancel { task, run } => {
                let at = self.waiting.iter().position(|c| (c.task, c.run) == (task, run));
                if let Some(at) = at {
                    self.waiting.remove(at);
                    self.outbox.push_back(FromWorker::Retracted { task, run });
                }
            }
            ToWorker::Free(tasks) => tasks.iter().for_each(|task| {
                self.held.remove(task);
            }),
            ToWorker::Peer { .. } | ToWorker::Ask { .. } | ToWorker::Close(_) => {}
            ToWorker::Acquire(inputs) => {
                let tasks: Vec<TaskId> = inputs.iter().map(|input: &Input| input.task).collect();
                self.held.extend(&tasks);
                self.outbox.push_back(FromWorker::Copied(tasks));
            }
        }
    }
}

/// What a task of the program does.
#[derive(Clone)]
struct Program {
    inputs: Vec<usize>,
    fails: u32,
    retries: u32,
}

struct World {
    random: Random,
    scheduler: Scheduler,
    now: u64,
    workers: BTreeMap<WorkerId, Model>,
    n_workers_ever: u32,
    programs: Vec<Program>,
    holds: BTreeMap<ClientId, BTreeSet<usize>>,
    known: BTreeMap<(ClientId, usize), Outcome>,
    actions: Vec<Action>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Outcome {
    Pending,
    Ready,
    Failed(usize),
    Cancelled,
}

impl World {
    fn new(seed: u64) -> Self {
        let config = Config { seed, ..Config::default() };
        let mut world = Self {
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            scheduler: Scheduler::new(config),
            now: 0,
            workers: BTreeMap::new(),
            n_workers_ever: 0,
            programs: Vec::new(),
            holds: BTreeMap::new(),
            known: BTreeMap::new(),
            actions: Vec::new(),
        };
        for client in [ClientId(0), ClientId(1)] {
            world.holds.insert(client, BTreeSet::new());
            world.event(Event::ClientJoined(client, ClientInfo { name: "c".into() }));
        }
        world
    }

    fn event(&mut self, event: Event) {
        let said = format!("{event:?}");
        self.scheduler.handle(Time(self.now), event, &mut self.actions);
        self.scheduler.check_invariants().unwrap_or_else(|e| panic!("after {said}: {e}"));
        for action in std::mem::take(&mut self.actions) {
            match action {
                Action::Worker(id, message) => {
                    self.workers.get_mut(&id).expect("it is there").inbox.push_back(message);
                }
                Action::Client(client, message) => self.tell(client, message),
                Action::Ask { verb, .. } => panic!("nobody asks {verb}"),
                Action::Retired(id) => {
                    let model = &self.workers[&id];
                    assert!(
                        model.running.is_empty() && model.waiting.is_empty(),
                        "{id:?} has work"
                    );
                    self.workers.remove(&id);
                    self.event(Event::WorkerLost(id, "retired".into()));
                }
            }
        }
    }

    fn tell(&mut self, client: ClientId, message: ToClient) {
        let (key, outcome) = match message {
            ToClient::Ready { key, .. } => (key, Outcome::Ready),
            ToClient::Failed { key, failure } => (key, Outcome::Failed(number(&failure.origin))),
            ToClient::Lost(key) => (key, Outcome::Pending),
            ToClient::Cancelled(key) => {
                self.holds.get_mut(&client).expect("known").remove(&number(&key));
                (key, Outcome::Cancelled)
            }
            ToClient::Peer { .. } => return,
            ToClient::Located { .. }
            | ToClient::Refused { .. }
            | ToClient::Answer { .. }
            | ToClient::Push { .. } => panic!("not asked for"),
        };
        self.known.insert((client, number(&key)), outcome);
    }

    fn join(&mut self) {
        let id = WorkerId(self.n_workers_ever);
        self.n_workers_ever += 1;
        self.workers.insert(id, Model::default());
        let n_threads = 1 + self.random.below(3) as u32;
        let name = format!("w{}", id.0 % 3);
        let info = WorkerInfo { name: name.into(), n_threads, ..WorkerInfo::default() };
        self.event(Event::WorkerJoined(id, info));
    }

    fn submit(&mut self) {
        let client = ClientId(self.random.below(2) as u32);
        let from = self.programs.len();
        let n = 1 + self.random.below(12);
        let mut submission = Submission {
            blobs: vec![Blob {
                hash: BlobHash(7),
                family: "test".into(),
                bytes: b"f".as_slice().into(),
            }],
            ..Submission::default()
        };
        let mut place = BTreeMap::new();
        for i in 0..n {
            let key = key(from + i);
            let mut inputs = Vec::new();
            for _ in 0..self.random.below(4) {
                inputs.push(self.random.below(from + i));
            }
            if from + i == 0 {
                inputs.clear();
            }
            // Tasks that were forgotten can't be read any more.
            inputs.retain(|&j| {
                place.contains_key(&j) || self.scheduler.state_of(&self::key(j)).is_some()
            });
            let fails = if self.random.chance(6) { 1 + self.random.below(3) as u32 } else { 0 };
            let retries = self.random.below(3) as u32;
            let refs = inputs.iter().map(|j| match place.get(j) {
                Some(&local) => InputRef::Local(local),
                None => InputRef::Known(self::key(*j)),
            });
            let inputs_as_refs: Vec<InputRef> = refs.collect();
            let mut annotations = 0;
            if retries > 0 || self.random.chance(20) {
                submission.annotations.push(Annotations {
                    priority: self.random.below(5) as i32 - 2,
                    workers: if self.random.chance(20) { vec!["w1".into()] } else { Vec::new() },
                    allow_other_workers: self.random.chance(50),
                    retries: RetryPolicy {
                        n: retries,
                        backoff_s: if self.random.chance(50) { 1e-3 } else { 0.0 },
                        factor: 2.0,
                        max_backoff_s: 1.0,
                        only: Vec::new(),
                    },
                    limit: self.random.chance(30).then(|| (Arc::from("few"), 2)),
                    ..Annotations::default()
                });
                annotations = submission.annotations.len() as u32;
            }
            let retries = if annotations > 0 { retries } else { 0 };
            self.programs.push(Program { inputs, fails, retries });
            let wanted = self.random.chance(40) || i + 1 == n;
            if wanted {
                self.holds.get_mut(&client).expect("known").insert(from + i);
                self.known.insert((client, from + i), Outcome::Pending);
            }
            place.insert(from + i, i as u32);
            submission.tasks.push(NewTask {
                key,
                run: RunSpec { blob: 0, block: 0, payload: Content::new() },
                inputs: inputs_as_refs,
                wanted,
                annotations,
            });
        }
        self.event(Event::Client(client, FromClient::Submit(submission)));
    }

    fn held(&mut self, client: ClientId) -> Option<usize> {
        let held = &self.holds[&client];
        let at = self.random.below(held.len());
        held.iter().nth(at).copied()
    }

    fn user(&mut self) {
        let client = ClientId(self.random.below(2) as u32);
        let Some(which) = self.held(client) else { return };
        let key = key(which);
        match self.random.below(10) {
            0..=5 => {
                self.holds.get_mut(&client).expect("known").remove(&which);
                self.event(Event::Client(client, FromClient::Release(vec![key])));
            }
            6 => {
                let force = self.random.chance(50);
                self.holds.get_mut(&client).expect("known").remove(&which);
                self.event(Event::Client(client, FromClient::Cancel { keys: vec![key], force }));
            }
            7 => self.event(Event::Client(client, FromClient::Retry(vec![key]))),
            8 => {
                let other = ClientId(1 - client.0);
                self.holds.get_mut(&other).expect("known").insert(which);
                self.known.insert((other, which), Outcome::Pending);
                self.event(Event::Client(other, FromClient::Want(vec![key])));
            }
            _ => {
                let (n, workers) = (2, Vec::new());
                self.event(Event::Client(
                    client,
                    FromClient::Replicate { keys: vec![key], n, workers },
                ));
            }
        }
    }

    /// A worker does something, or the network does.
    fn progress(&mut self, faults: bool) {
        let ids: Vec<WorkerId> = self.workers.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = ids[self.random.below(ids.len())];
        match self.random.below(4) {
            0 => {
                let model = self.workers.get_mut(&id).expect("there");
                if let Some(message) = model.inbox.pop_front() {
                    model.take_in(message);
                }
            }
            1 => {
                let model = self.workers.get_mut(&id).expect("there");
                if let Some(message) = model.outbox.pop_front() {
                    self.event(Event::Worker(id, message));
                }
            }
            2 => self.start(id, faults),
            _ => self.end(id),
        }
    }

    fn start(&mut self, id: WorkerId, faults: bool) {
        let n = self.workers[&id].waiting.len();
        if n == 0 {
            return;
        }
        let at = self.random.below(n);
        let compute = self.workers[&id].waiting[at].clone();
        let (task, run) = (compute.task, compute.run);
        let mut missing = Vec::new();
        for input in &compute.inputs {
            let has =
                |w: &WorkerId| self.workers.get(w).is_some_and(|m| m.held.contains(&input.task));
            let broken = faults && input.place.holders[..] != [id] && self.random.chance(3);
            if (!input.place.holders.iter().any(has) && !has(&id)) || broken {
                missing.push((input.task, input.place.holders.to_vec()));
            }
        }
        let model = self.workers.get_mut(&id).expect("there");
        model.waiting.remove(at);
        if model.held.contains(&task) {
            model.outbox.push_back(finished(task, run));
        } else if missing.is_empty() {
            model.outbox.push_back(FromWorker::Started { task, run });
            model.running.push(compute);
        } else {
            model.outbox.push_back(FromWorker::MissingInputs { task, run, inputs: missing });
        }
    }

    fn end(&mut self, id: WorkerId) {
        let n = self.workers[&id].running.len();
        if n == 0 {
            return;
        }
        let at = self.random.below(n);
        let reschedules = self.random.chance(3);
        let model = self.workers.get_mut(&id).expect("there");
        let Compute { task, run, key, .. } = model.running.remove(at);
        if reschedules {
            model.outbox.push_back(FromWorker::Reschedule { task, run });
            return;
        }
        let program = &self.programs[number(&key)];
        if program.fails > program.retries {
            let failure = TaskFailure {
                origin: key,
                cause: Cause::Raised("ValueError".into()),
                text: "no".into(),
                bytes: Content::new(),
            };
            model.outbox.push_back(FromWorker::Failed { task, run, failure: Arc::new(failure) });
        } else {
            model.held.insert(task);
            model.outbox.push_back(finished(task, run));
        }
    }

    fn fault(&mut self) {
        let ids: Vec<WorkerId> = self.workers.keys().copied().collect();
        match self.random.below(3) {
            0 if !ids.is_empty() => {
                let id = ids[self.random.below(ids.len())];
                self.workers.remove(&id);
                self.event(Event::WorkerLost(id, "killed".into()));
            }
            1 if ids.len() > 1 => {
                let id = ids[self.random.below(ids.len())];
                self.event(Event::WorkerRetires(id));
            }
            _ => self.join(),
        }
    }

    /// The task that a task fails for, if it does.
    fn blame(&self, which: usize) -> Option<usize> {
        let program = &self.programs[which];
        if program.fails > program.retries {
            return Some(which);
        }
        program.inputs.iter().find_map(|&input| self.blame(input))
    }

    fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 400 {
            let before = format!("{:?}", self.scheduler.counts());
            self.now += 5_000_000;
            self.progress(false);
            self.event(Event::Tick);
            let busy = self.workers.values().any(|m| {
                !(m.inbox.is_empty()
                    && m.outbox.is_empty()
                    && m.waiting.is_empty()
                    && m.running.is_empty())
            });
            let same = before == format!("{:?}", self.scheduler.counts());
            quiet =
                if busy || !same || self.scheduler.deadline().is_some() { 0 } else { quiet + 1 };
        }
    }
}

fn key(number: usize) -> Key {
    Key::from(format!("f{number}").as_str())
}

fn number(key: &Key) -> usize {
    key.to_string()[1..].parse().expect("a name of ours")
}

fn finished(task: TaskId, run: RunId) -> FromWorker {
    let nbytes = 1 + u64::from(task.slot) * 10;
    let (duration_s, type_name) = (1e-4, "int".into());
    FromWorker::Finished(Box::new(Finished {
        begun_s: 0.0,
        thread: 0,
        task,
        run,
        nbytes,
        duration_s,
        type_name,
        inline: None,
    }))
}

fn history(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..world.random.below(4) {
        world.join();
    }
    for _ in 0..400 {
        world.now += world.random.below(100_000) as u64;
        match world.random.below(40) {
            0 => world.submit(),
            1 => world.user(),
            2 if world.random.chance(30) => world.fault(),
            _ => world.progress(true),
        }
    }
    // Three that do not retire: those whom the name w1 keeps waiting have theirs.
    (0..3).for_each(|_| world.join());
    world.settle();
    for (client, held) in &world.holds {
        for &which in held {
            let (known, key) = (&world.known[&(*client, which)], key(which));
            match world.blame(which) {
                None => {
                    // Many workers have died: that may be held against a task.
                    let killed = matches!(known, Outcome::Failed(_));
                    let state = world.scheduler.explain(&key);
                    assert!(*known == Outcome::Ready || killed, "{key} is {known:?}: {state}");
                }
                Some(_) => assert!(matches!(known, Outcome::Failed(_)), "{key} is {known:?}"),
            }
        }
    }
    // With the last future the last task goes.
    for client in [ClientId(0), ClientId(1)] {
        world.event(Event::ClientLost(client));
    }
    world.settle();
    assert_eq!(world.scheduler.counts().tasks, 0, "tasks are left without clients");
    assert!(world.workers.values().all(|model| model.held.is_empty()), "values are left");
}

#[test]
fn any_history_ends_well() {
    for seed in 0..400 {
        let result = std::panic::catch_unwind(|| history(seed));
        if let Err(panic) = result {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
