//! Workers and clients that join a scheduler of another process.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use oxidask_sched::client::ClientConfig;
use oxidask_sched::ids::{ClientId, WorkerId};
use oxidask_sched::message::{ClientInfo, ToClient, ToWorker, WorkerInfo};
use oxidask_sched::worker::WorkerConfig;
use parking_lot::Mutex;

use super::outbox::Posted;
use super::peers::{RemotePeers, ToPeer};
use crate::cluster::client::ClientNode;
use crate::cluster::inline::{Families, InlineForm};
use crate::cluster::ops::Ops;
use crate::cluster::worker::WorkerNode;
use crate::wire::address::Address;
use crate::wire::greeting::RefusalCode;
use crate::wire::transport::{
    AsClient, AsWorker, ConnectError, End, Inbox, Incoming, IoThread, ListenError, Listener,
    Options, Security, Sender, connect,
};

/// What those who join have in common.
#[derive(Clone)]
pub struct Joining {
    /// The scheduler's address.
    pub scheduler: Address,
    /// How links are to be.
    pub options: Options,
    /// What they are secured by.
    pub security: Security,
    /// Those that read values which come in bytes.
    pub families: Families,
}

/// Why a worker could not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// It can't listen for its peers.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The scheduler can't be reached, or does not let it in.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The system gives no threads.
    #[error("the worker's threads can't be started: {0}")]
    Threads(#[from] std::io::Error),
}

/// Messages go to the node once there is one.
struct Target<N, T>(Arc<Mutex<Early<N, T>>>);

enum Early<N, T> {
    Waiting(Vec<T>),
    Node(Arc<N>),
}

impl<N, T> Target<N, T> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Early::Waiting(Vec::new()))))
    }

    /// From now on. Gives what has come before.
    fn set(&self, node: Arc<N>) -> Vec<T> {
        match std::mem::replace(&mut *self.0.lock(), Early::Node(node)) {
            Early::Waiting(messages) => messages,
            Early::Node(_) => Vec::new(),
        }
    }

    fn node(&self, messages: &mut Vec<T>) -> Option<Arc<N>> {
        match &mut *self.0.lock() {
            Early::Node(node) => Some(node.clone()),
            Early::Waiting(waiting) => {
                waiting.append(messages);
                None
            }
        }
    }
}

impl Inbox<ToWorker> for Target<WorkerNode, ToWorker> {
    fn deliver(&mut self, messages: &mut Vec<ToWorker>) {
        if let Some(node) = self.node(messages) {
            node.told(messages.drain(..));
        }
    }

    fn ended(&mut self, _: End) {
        if let Some(node) = self.node(&mut Vec::new()) {
            node.close();
        }
    }
}

impl Inbox<ToClient> for Target<ClientNode, ToClient> {
    fn deliver(&mut self, messages: &mut Vec<ToClient>) {
        if let Some(node) = self.node(messages) {
            node.told(messages.drain(..));
        }
    }

    fn ended(&mut self, _: End) {
        if let Some(node) = self.node(&mut Vec::new()) {
            node.close();
        }
    }
}

/// A worker of this process with a scheduler elsewhere.
pub struct RemoteWorker {
    node: Arc<WorkerNode>,
    scheduler: Sender<oxidask_sched::message::FromWorker>,
    threads: Vec<JoinHandle<()>>,
}

impl RemoteWorker {
    /// Joins a scheduler and starts the worker's threads. The worker listens for peers at `listen`, under the
    /// address that it gets there.
    ///
    /// # Errors
    /// If it can't listen, the scheduler doesn't let it in, or the system gives no threads.
    pub fn join(
        io: &IoThread,
        joining: &Joining,
        listen: &Address,
        mut info: WorkerInfo,
        ops: Arc<dyn Ops>,
    ) -> Result<Self, JoinError> {
        let Joining { scheduler, options, security, families } = joining.clone();
        let bind = Listener::bind(listen, options.clone(), security.clone());
        let listener = io.handle().block_on(bind)?;
        info.address = listener.address().to_string().into();
        let (n_threads, resources) = (info.n_threads, info.resources.clone());
        let peers = RemotePeers::new(
            io.handle().clone(),
            info.address.clone(),
            options.clone(),
            security.clone(),
            families,
        );
        let target = Target::new();
        let inbox = Target(target.0.clone());
        let link = connect(&scheduler, AsWorker(info), options, security, |_| inbox);
        let link = io.handle().block_on(link)?;
        let config =
            WorkerConfig { resources, ..WorkerConfig::new(WorkerId(link.number), n_threads) };
        let outbox = Box::new(Posted::new(link.sender.clone()));
        let node = WorkerNode::new(config, outbox, peers, ops, InlineForm::Bytes);
        io.handle().spawn(answer_peers(Arc::downgrade(&node), listener));
        node.told(target.set(node.clone()));
        let mut threads = Vec::new();
        for i in 0..n_threads {
            let worker = node.clone();
            let name = format!("oxidask-task-{i}");
            threads.push(thread::Builder::new().name(name).spawn(move || worker.work())?);
        }
        Ok(Self { node, scheduler: link.sender, threads })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.node.id()
    }

    /// Waits until the scheduler lets it go.
    pub fn wait(mut self) {
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            drop(thread.join());
        }
    }
}

impl Drop for RemoteWorker {
    fn drop(&mut self) {
        self.node.close();
        self.scheduler.close();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

async fn answer_peers(worker: std::sync::Weak<WorkerNode>, mut listener: Listener) {
    while let Some(incoming) = listener.accept().await {
        let text = "this is a worker: it gives values to peers only";
        match incoming {
            Incoming::Peer(_, offer) => {
                let worker = worker.clone();
                offer.accept(0, 0, |sender| ToPeer { worker, sender: sender.clone() });
            }
            Incoming::Worker(_, offer) => offer.refuse(RefusalCode::Role, text),
            Incoming::Client(_, offer) => offer.refuse(RefusalCode::Role, text),
        }
    }
}

/// A client of this process with a scheduler elsewhere.
pub struct RemoteClient {
    node: Arc<ClientNode>,
    id: ClientId,
    scheduler: Sender<oxidask_sched::message::FromClient>,
}

impl RemoteClient {
    /// Joins a scheduler.
    ///
    /// # Errors
    /// If the scheduler can't be reached, or doesn't let it in.
    pub fn join(io: &IoThread, joining: &Joining, name: &str) -> Result<Self, ConnectError> {
        let Joining { scheduler, options, security, families } = joining.clone();
        let name: Arc<str> = name.into();
        let peers = RemotePeers::new(
            io.handle().clone(),
            name.clone(),
            options.clone(),
            security.clone(),
            families.clone(),
        );
        let node = ClientNode::new(ClientConfig::default(), peers, families);
        let target = Target::new();
        target.set(node.clone());
        let link =
            connect(&scheduler, AsClient(ClientInfo { name }), options, security, |_| target);
        let link = io.handle().block_on(link)?;
        node.connect(Box::new(Posted::new(link.sender.clone())));
        Ok(Self { node, id: ClientId(link.number), scheduler: link.sender })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// What the user does goes here.
    #[must_use]
    pub fn node(&self) -> &Arc<ClientNode> {
        &self.node
    }
}

impl Drop for RemoteClient {
    fn drop(&mut self) {
        self.node.close();
        self.scheduler.close();
    }
}
