//! A cluster within this process: nothing is encoded, and the scheduler has no thread of its own.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use oxidask_sched::ids::{ClientId, WorkerId};
use oxidask_sched::message::WorkerInfo;
use oxidask_sched::scheduler::Config;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::client::ClientNode;
use super::here::{connect_here, disconnect_here, join_here};
use super::inline::{Families, InlineForm};
use super::ops::{Ops, OpsHere};
use super::scheduler::SchedulerNode;
use super::worker::NewWorker;

/// A scheduler and workers of this process.
pub struct LocalCluster {
    scheduler: Arc<SchedulerNode>,
    threads: Mutex<FxHashMap<WorkerId, Vec<JoinHandle<()>>>>,
    timer: Option<JoinHandle<()>>,
    ops: Arc<dyn Ops>,
}

impl LocalCluster {
    /// A cluster of so many workers with so many threads each, for ops of this process.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn start(n_workers: u32, n_threads: u32) -> io::Result<Self> {
        let scheduler = SchedulerNode::new(Config::default());
        let timer = Some(scheduler.start_timer()?);
        let cluster = Self { scheduler, threads: Mutex::default(), timer, ops: Arc::new(OpsHere) };
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
        let info = WorkerInfo { host: "localhost".into(), n_threads, ..WorkerInfo::default() };
        let new = NewWorker::new(info, self.ops.clone());
        let worker = join_here(&self.scheduler, new, InlineForm::Object);
        let id = worker.id();
        for i in 0..n_threads {
            let worker = worker.clone();
            let name = format!("oxidask-worker-{}-{i}", id.0);
            let thread = thread::Builder::new().name(name).spawn(move || worker.work(i))?;
            self.threads.lock().entry(id).or_default().push(thread);
        }
        Ok(id)
    }

    /// Takes a worker away with all that it has, as if it had died. Tasks that its threads run now end
    /// for nobody.
    pub fn kill_worker(&self, id: WorkerId) {
        if let Some(worker) = self.scheduler.workers_here().worker(id) {
            worker.close("it was killed");
        }
    }

    /// A client of this cluster, and its number.
    #[must_use]
    pub fn connect(&self, name: &str) -> (Arc<ClientNode>, ClientId) {
        connect_here(&self.scheduler, name, Families::none())
    }

    /// A client goes: what only it held goes too.
    pub fn disconnect(&self, client: &ClientNode, id: ClientId) {
        disconnect_here(&self.scheduler, client, id);
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
        let workers = self.scheduler.workers_here().all();
        workers.iter().for_each(|worker| worker.close("its cluster ends"));
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads.into_values().flatten().chain(self.timer.take()) {
            // A thread that panicked has said so.
            drop(thread.join());
        }
        workers.iter().for_each(|worker| worker.join_threads());
    }
}
