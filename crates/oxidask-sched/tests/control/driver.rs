//! A scheduler by itself: what it is told, and what it says.

use oxidask_core::key::Key;
use oxidask_sched::content::Content;
use oxidask_sched::data::{Answer, Data};
use oxidask_sched::ids::{BlobHash, ClientId, RunId, TaskId, Time, WorkerId};
use oxidask_sched::message::{
    Action, Blob, ClientInfo, Compute, Event, Finished, FromClient, FromWorker, Input, InputRef,
    NewTask, RunSpec, Submission, ToClient, ToWorker, WorkerInfo,
};
use oxidask_sched::scheduler::{Config, Scheduler};

pub(crate) const ME: ClientId = ClientId(0);
pub(crate) const YOU: ClientId = ClientId(1);
pub(crate) const A: WorkerId = WorkerId(0);
pub(crate) const B: WorkerId = WorkerId(1);

/// A scheduler with two clients.
pub(crate) struct Driver {
    pub(crate) scheduler: Scheduler,
    pub(crate) now_s: f64,
    n_asked: u64,
    /// What it has said and nobody has looked at.
    pub(crate) said: Vec<Action>,
}

pub(crate) fn key(name: &str) -> Key {
    Key::from(name)
}

impl Driver {
    /// With so many workers of one thread each, called `a`, `b`, ...
    pub(crate) fn new(n_workers: u32) -> Self {
        let scheduler = Scheduler::new(Config { started_s: 1000.0, ..Config::default() });
        let mut driver = Self { scheduler, now_s: 0.0, n_asked: 0, said: Vec::new() };
        for client in [ME, YOU] {
            driver.event(Event::ClientJoined(client, ClientInfo { name: "c".into() }));
        }
        for i in 0..n_workers {
            driver.join(WorkerId(i));
        }
        driver.said.clear();
        driver
    }

    pub(crate) fn join(&mut self, id: WorkerId) {
        let name = char::from(b'a' + id.0 as u8).to_string();
        let info = WorkerInfo {
            address: format!("tcp://{name}").into(),
            name: name.into(),
            host: "here".into(),
            n_threads: 1,
            memory_limit_bytes: 1000,
            ..WorkerInfo::default()
        };
        self.event(Event::WorkerJoined(id, info));
    }

    pub(crate) fn event(&mut self, event: Event) {
        let said = format!("{event:?}");
        let now = Time(0).after(self.now_s);
        self.scheduler.handle(now, event, &mut self.said);
        self.scheduler.check_invariants().unwrap_or_else(|e| panic!("after {said}: {e}"));
    }

    pub(crate) fn client(&mut self, client: ClientId, message: FromClient) {
        self.event(Event::Client(client, message));
    }

    pub(crate) fn worker(&mut self, worker: WorkerId, message: FromWorker) {
        self.event(Event::Worker(worker, message));
    }

    /// Time goes on, and the scheduler is woken when it wants to be.
    pub(crate) fn pass(&mut self, seconds: f64) {
        let end = self.now_s + seconds;
        while let Some(due) = self.scheduler.deadline().filter(|due| *due <= Time(0).after(end)) {
            self.now_s = due.0 as f64 * 1e-9;
            let before = self.scheduler.deadline();
            self.event(Event::Tick);
            assert_ne!(before, self.scheduler.deadline(), "the deadline stays");
        }
        self.now_s = end;
        self.event(Event::Tick);
    }

    /// Asks a question, and gives its number.
    pub(crate) fn ask(&mut self, client: ClientId, verb: &str, body: Data) -> u64 {
        self.n_asked += 1;
        let request = 1000 + self.n_asked;
        self.client(client, FromClient::Ask { request, verb: verb.into(), body });
        request
    }

    /// Asks a question, and gives its answer, which must come at once.
    pub(crate) fn learn(&mut self, verb: &str, body: Data) -> Answer {
        let request = self.ask(ME, verb, body);
        self.answer(ME, request).unwrap_or_else(|| panic!("{verb} has no answer"))
    }

    /// What was answered to the question of this number, if it was; all else that the client was told is
    /// passed over.
    pub(crate) fn answer(&mut self, client: ClientId, request: u64) -> Option<Answer> {
        self.told(client).into_iter().find_map(|message| match message {
            ToClient::Answer { request: r, answer } if r == request => Some(answer),
            _ => None,
        })
    }

    /// What a client was told and nobody has looked at.
    pub(crate) fn told(&mut self, client: ClientId) -> Vec<ToClient> {
        let mut told = Vec::new();
        self.said.retain(|action| match action {
            Action::Client(id, message) if *id == client => {
                told.push(message.clone());
                false
            }
            _ => true,
        });
        told
    }

    /// What a worker was told and nobody has looked at.
    pub(crate) fn sent(&mut self, worker: WorkerId) -> Vec<ToWorker> {
        let mut sent = Vec::new();
        self.said.retain(|action| match action {
            Action::Worker(id, message) if *id == worker => {
                sent.push(message.clone());
                false
            }
            _ => true,
        });
        sent
    }

    /// A client submits a task over others, and holds it.
    pub(crate) fn submit(&mut self, client: ClientId, name: &str, inputs: &[&str]) {
        let blob = Blob { hash: BlobHash(1), family: "test".into(), bytes: vec![1].into() };
        let task = NewTask {
            key: key(name),
            run: RunSpec { blob: 0, block: 0, payload: Content::new() },
            inputs: inputs.iter().map(|name| InputRef::Known(key(name))).collect(),
            wanted: true,
            annotations: 0,
        };
        let submission =
            Submission { blobs: vec![blob], tasks: vec![task], ..Submission::default() };
        self.client(client, FromClient::Submit(submission));
    }

    /// The tasks that workers were sent and nobody has looked at.
    pub(crate) fn computes(&mut self) -> Vec<(WorkerId, Compute)> {
        let mut computes = Vec::new();
        self.said.retain(|action| match action {
            Action::Worker(id, ToWorker::Compute(compute)) => {
                computes.push((*id, (**compute).clone()));
                false
            }
            _ => true,
        });
        computes
    }

    /// Workers run all that they are sent until nothing is left.
    pub(crate) fn run_all(&mut self) {
        loop {
            let computes = self.computes();
            if computes.is_empty() {
                return;
            }
            for (worker, compute) in computes {
                self.finish(worker, compute.task, compute.run);
            }
        }
    }

    /// A worker runs a task for half a second and gets ten bytes.
    pub(crate) fn finish(&mut self, worker: WorkerId, task: TaskId, run: RunId) {
        self.finish_in(worker, task, run, 0.5);
    }

    /// A worker runs a task for so many seconds and gets ten bytes.
    pub(crate) fn finish_in(
        &mut self,
        worker: WorkerId,
        task: TaskId,
        run: RunId,
        duration_s: f64,
    ) {
        self.worker(worker, FromWorker::Started { task, run });
        let finished = Finished {
            task,
            run,
            nbytes: 10,
            duration_s,
            begun_s: 1000.0 + self.now_s,
            thread: 3,
            type_name: "int".into(),
            inline: None,
        };
        self.worker(worker, FromWorker::Finished(Box::new(finished)));
    }

    /// Asks for places for values of ten bytes.
    pub(crate) fn place(
        &mut self,
        client: ClientId,
        names: &[&str],
        workers: &[&str],
        broadcast: bool,
    ) -> Vec<Option<Input>> {
        let values = names.iter().map(|name| (key(name), (10, "int".into()))).collect();
        let workers = workers.iter().map(|&who| who.into()).collect();
        self.client(client, FromClient::Place { request: 7, values, workers, broadcast });
        self.told(client)
            .into_iter()
            .find_map(|message| match message {
                ToClient::Located { request: 7, places } => Some(places),
                _ => None,
            })
            .expect("an answer at once")
    }
}
