//! Workers and clients in the process of their scheduler.
//!
//! They are joined to it without a wire, and get each other's values as they are. The same scheduler may have others
//! over the wire at the same time: values of those come over connections, once [`WorkersHere`] knows a way
//! (`remote::mixed`).

use std::sync::{Arc, Weak};

use oxidask_core::value::Value;
use oxidask_sched::client::ClientConfig;
use oxidask_sched::ids::{ClientId, TaskId, WorkerId};
use oxidask_sched::message::{ClientInfo, Event};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::client::{ClientNode, ToClientHere};
use super::inline::{Families, InlineForm};
use super::link::{Fetched, Peers, SharedPeers, ThenFetched, ThenPut};
use super::scheduler::{FromClientHere, FromWorkerHere, SchedulerNode};
use super::turn::{Node, make_due};
use super::worker::{NewWorker, ToWorkerHere, WorkerNode};

/// A worker of the scheduler's own process. Those that call [`WorkerNode::work`] are its threads. It leaves
/// when it is closed. An address that is empty becomes `inproc://` and the worker's name.
#[must_use]
pub fn join_here(
    scheduler: &Arc<SchedulerNode>,
    new: NewWorker,
    inline: InlineForm,
) -> Arc<WorkerNode> {
    let (id, here) = (scheduler.next_worker(), scheduler.workers_here());
    let outbox = Box::new(FromWorkerHere(id, Arc::downgrade(scheduler)));
    let mut info = new.info.clone();
    if info.name.is_empty() {
        info.name = format!("worker-{}", id.0).into();
    }
    if info.address.is_empty() {
        info.address = format!("inproc://{}", info.name).into();
    }
    let worker = WorkerNode::new(id, new, outbox, here.clone(), inline);
    here.workers.lock().insert(id, Arc::downgrade(&worker));
    let (left, registry) = (Arc::downgrade(scheduler), Arc::downgrade(here));
    worker.on_close(Box::new(move |reason| {
        if let Some(registry) = registry.upgrade() {
            registry.workers.lock().remove(&id);
        }
        if let Some(scheduler) = left.upgrade() {
            scheduler.happened(Event::WorkerLost(id, reason.into()));
        }
    }));
    scheduler.join(id, info, Arc::new(ToWorkerHere(worker.clone())));
    worker.start_watch();
    worker
}

/// A client of the scheduler's own process, and its number. `families` read values of workers elsewhere.
#[must_use]
pub fn connect_here(
    scheduler: &Arc<SchedulerNode>,
    name: &str,
    families: Families,
) -> (Arc<ClientNode>, ClientId) {
    let here = scheduler.workers_here().clone();
    let client = ClientNode::new(ClientConfig::default(), here, families);
    let outbox = Arc::new(ToClientHere(Arc::downgrade(&client)));
    let id = scheduler.connect(ClientInfo { name: name.into() }, outbox);
    client.connect(Box::new(FromClientHere(id, Arc::downgrade(scheduler))));
    (client, id)
}

/// A client of the scheduler's own process goes: what only it held goes too.
pub fn disconnect_here(scheduler: &Arc<SchedulerNode>, client: &ClientNode, id: ClientId) {
    client.close();
    scheduler.happened(Event::ClientLost(id));
}

/// Workers in their scheduler's process, for those who want their values, and the way to all others.
#[derive(Default)]
pub struct WorkersHere {
    workers: Mutex<FxHashMap<WorkerId, Weak<WorkerNode>>>,
    elsewhere: Mutex<Option<SharedPeers>>,
    /// What was learnt before there was a way to others.
    addresses: Mutex<FxHashMap<WorkerId, Arc<str>>>,
}

impl WorkersHere {
    /// Workers of other processes are reached like this; once.
    pub(super) fn reach_others(&self, peers: SharedPeers) {
        let mut addresses = self.addresses.lock();
        for (worker, address) in addresses.drain() {
            peers.learn(worker, &address);
        }
        // Another way would lead to the same workers.
        self.elsewhere.lock().get_or_insert(peers);
    }

    /// From now on workers of other processes are not reached: the scheduler is closed.
    pub(super) fn leave_others(&self) {
        let peers = self.elsewhere.lock().take();
        drop(peers);
    }

    fn elsewhere(&self) -> Option<SharedPeers> {
        self.elsewhere.lock().clone()
    }

    /// The workers.
    pub(super) fn all(&self) -> Vec<Arc<WorkerNode>> {
        self.workers.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// One of them.
    pub(super) fn worker(&self, id: WorkerId) -> Option<Arc<WorkerNode>> {
        self.workers.lock().get(&id)?.upgrade()
    }

    fn is_here(&self, id: WorkerId) -> bool {
        self.workers.lock().contains_key(&id)
    }
}

impl Peers for WorkersHere {
    fn learn(&self, worker: WorkerId, address: &str) {
        let mut addresses = self.addresses.lock();
        match self.elsewhere() {
            Some(elsewhere) => elsewhere.learn(worker, address),
            None if self.is_here(worker) => {}
            None => _ = addresses.insert(worker, address.into()),
        }
    }

    fn fetch(&self, from: WorkerId, tasks: Vec<TaskId>, then: ThenFetched) {
        match self.elsewhere() {
            Some(elsewhere) if !self.is_here(from) => elsewhere.fetch(from, tasks, then),
            // Not now: the caller may hold the lock of a worker.
            _ => Visit::Fetch(self.worker(from), tasks, then).later(),
        }
    }

    fn put(&self, to: WorkerId, task: TaskId, value: Value, then: ThenPut) {
        match self.elsewhere() {
            Some(elsewhere) if !self.is_here(to) => elsewhere.put(to, task, value, then),
            _ => Visit::Put(self.worker(to), task, value, then).later(),
        }
    }
}

/// Why a worker takes no values.
pub(super) const CLOSED: &str = "the worker is closed; put the value on another one";

/// What is done with a worker of this process when no lock is held.
enum Visit {
    Fetch(Option<Arc<WorkerNode>>, Vec<TaskId>, ThenFetched),
    Put(Option<Arc<WorkerNode>>, TaskId, Value, ThenPut),
}

impl Visit {
    fn later(self) {
        make_due(Arc::new(Due(Mutex::new(Some(self)))));
    }
}

struct Due(Mutex<Option<Visit>>);

impl Node for Due {
    fn turn(&self) {
        let visit = self.0.lock().take();
        match visit {
            None => {}
            Some(Visit::Fetch(worker, tasks, then)) => {
                let fetched = worker.map(|worker| {
                    let values = worker.values(&tasks).into_iter();
                    values.map(|(task, value)| (task, Ok(value))).collect::<Fetched>()
                });
                then(fetched);
            }
            Some(Visit::Put(Some(worker), task, value, then)) => {
                let is_taken = worker.put(vec![(task, value)]);
                then(is_taken.then_some(()).ok_or_else(|| CLOSED.into()));
            }
            Some(Visit::Put(None, _, _, then)) => then(Err(CLOSED.into())),
        }
    }
}
