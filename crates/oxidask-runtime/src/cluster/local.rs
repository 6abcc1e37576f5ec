//! A cluster within this process: nothing is encoded, and the scheduler has no thread of its own.

use std::io;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

use oxidask_sched::client::ClientConfig;
use oxidask_sched::ids::{ClientId, TaskId, WorkerId};
use oxidask_sched::message::{ClientInfo, Event, WorkerInfo};
use oxidask_sched::scheduler::Config;
use oxidask_sched::worker::WorkerConfig;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::client::{ClientNode, ToClientHere};
use super::inline::{Families, InlineForm};
use super::link::{Fetched, Peers, SharedPeers};
use super::ops::{Ops, OpsHere};
use super::scheduler::{FromClientHere, FromWorkerHere, SchedulerNode};
use super::turn::{Node, make_due};
use super::worker::{ToWorkerHere, WorkerNode};

/// A scheduler and workers of this process.
pub struct LocalCluster {
    scheduler: Arc<SchedulerNode>,
    workers: Arc<WorkersHere>,
    threads: Mutex<FxHashMap<WorkerId, Vec<JoinHandle<()>>>>,
    timer: Option<JoinHandle<()>>,
    ops: Arc<dyn Ops>,
}

/// Workers of this process, for those who fetch from them.
#[derive(Default)]
struct WorkersHere(Mutex<FxHashMap<WorkerId, Arc<WorkerNode>>>);

impl LocalCluster {
    /// A cluster of so many workers with so many threads each, for ops of this process.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn start(n_workers: u32, n_threads: u32) -> io::Result<Self> {
        let scheduler = SchedulerNode::new(Config::default());
        let timer = Some(scheduler.start_timer()?);
        let (workers, ops) = (Arc::default(), Arc::new(OpsHere));
        let cluster = Self { scheduler, workers, threads: Mutex::default(), timer, ops };
        for _ in 0..n_workers {
            cluster.add_worker(n_threads)?;
        }
        Ok(cluster)
    }

    /// One worker more.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn add_worker(&self, n_threads: u32) -> io::Result<WorkerId> {
        let id = self.scheduler.next_worker();
        let peers: SharedPeers = self.workers.clone();
        let scheduler = Box::new(FromWorkerHere(id, Arc::downgrade(&self.scheduler)));
        let config = WorkerConfig::new(id, n_threads);
        let worker =
            WorkerNode::new(config, scheduler, peers, self.ops.clone(), InlineForm::Object);
        self.workers.0.lock().insert(id, worker.clone());
        for i in 0..n_threads {
            let worker = worker.clone();
            let name = format!("oxidask-worker-{}-{i}", id.0);
            let thread = thread::Builder::new().name(name).spawn(move || worker.work())?;
            self.threads.lock().entry(id).or_default().push(thread);
        }
        let name = format!("worker-{}", id.0);
        let info = WorkerInfo {
            address: format!("inproc://{name}").into(),
            name: name.into(),
            host: "localhost".into(),
            n_threads,
            memory_limit_bytes: 0,
            resources: Vec::new(),
        };
        self.scheduler.join(id, info, Arc::new(ToWorkerHere(worker)));
        Ok(id)
    }

    /// Takes a worker away with all that it has, as if it had died. Tasks that its threads run now end
    /// for nobody.
    pub fn kill_worker(&self, id: WorkerId) {
        let worker = self.workers.0.lock().remove(&id);
        if let Some(worker) = worker {
            worker.close();
            self.scheduler.happened(Event::WorkerLost(id, "it was killed".into()));
        }
    }

    /// A client of this cluster, and its number.
    #[must_use]
    pub fn connect(&self, name: &str) -> (Arc<ClientNode>, ClientId) {
        let client =
            ClientNode::new(ClientConfig::default(), self.workers.clone(), Families::none());
        let outbox = Arc::new(ToClientHere(Arc::downgrade(&client)));
        let id = self.scheduler.connect(ClientInfo { name: name.into() }, outbox);
        client.connect(Box::new(FromClientHere(id, Arc::downgrade(&self.scheduler))));
        (client, id)
    }

    /// A client goes: what only it held goes too.
    pub fn disconnect(&self, client: &ClientNode, id: ClientId) {
        client.close();
        self.scheduler.happened(Event::ClientLost(id));
    }

    /// The scheduler.
    #[must_use]
    pub fn scheduler(&self) -> &Arc<SchedulerNode> {
        &self.scheduler
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        self.scheduler.close();
        self.workers.0.lock().values().for_each(|worker| worker.close());
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads.into_values().flatten().chain(self.timer.take()) {
            // A thread that panicked has said so.
            drop(thread.join());
        }
        self.workers.0.lock().clear();
    }
}

impl Peers for WorkersHere {
    fn fetch(
        &self,
        from: WorkerId,
        tasks: Vec<TaskId>,
        then: Box<dyn FnOnce(Option<Fetched>) + Send>,
    ) {
        let worker = self.0.lock().get(&from).map(Arc::downgrade);
        // Not now: the caller may hold the lock of a worker.
        make_due(Arc::new(Fetch(Mutex::new(Some(Request { worker, tasks, then })))));
    }
}

type Then = Box<dyn FnOnce(Option<Fetched>) + Send>;

/// A fetch that has its turn when no lock is held.
struct Fetch(Mutex<Option<Request>>);

struct Request {
    worker: Option<Weak<WorkerNode>>,
    tasks: Vec<TaskId>,
    then: Then,
}

impl Node for Fetch {
    fn turn(&self) {
        let request = self.0.lock().take();
        if let Some(Request { worker, tasks, then }) = request {
            let worker = worker.and_then(|worker| worker.upgrade());
            then(worker.map(|worker| worker.values(&tasks)));
        }
    }
}
