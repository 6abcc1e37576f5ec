//! Workers and clients that join a scheduler of another process.

use std::sync::{Arc, OnceLock, Weak};

use oxidask_sched::client::ClientConfig;
use oxidask_sched::ids::{ClientId, WorkerId};
use oxidask_sched::message::{ClientInfo, FromClient, ToClient, ToWorker, WorkerInfo};
use parking_lot::Mutex;

use super::answer::ToPeer;
use super::outbox::Posted;
use super::peers::RemotePeers;
use super::returning::{Returning, To};
use crate::cluster::client::ClientNode;
use crate::cluster::inline::{Families, InlineForm};
use crate::cluster::link::Outbox;
use crate::cluster::ops::Ops;
use crate::cluster::worker::{NewWorker, WorkerNode};
use crate::network;
use crate::wire::address::Address;
use crate::wire::greeting::RefusalCode;
use crate::wire::transport::{
    AsClient, AsWorker, ConnectError, End, Inbox, Incoming, IoThread, ListenError, Listener,
    Options, Security, connect,
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
struct Target<N, T> {
    node: Arc<Mutex<Early<N, T>>>,
    /// How the link ended.
    end: Arc<OnceLock<End>>,
}

impl<N, T> Clone for Target<N, T> {
    fn clone(&self) -> Self {
        Self { node: self.node.clone(), end: self.end.clone() }
    }
}

enum Early<N, T> {
    Waiting(Vec<T>),
    Node(Arc<N>),
}

impl<N, T> Target<N, T> {
    fn new() -> Self {
        let node = Arc::new(Mutex::new(Early::Waiting(Vec::new())));
        Self { node, end: Arc::default() }
    }

    /// From now on. Gives what has come before.
    fn set(&self, node: Arc<N>) -> Vec<T> {
        match std::mem::replace(&mut *self.node.lock(), Early::Node(node)) {
            Early::Waiting(messages) => messages,
            Early::Node(_) => Vec::new(),
        }
    }

    fn node(&self, messages: &mut Vec<T>) -> Option<Arc<N>> {
        match &mut *self.node.lock() {
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
            node.heard(messages.drain(..));
        }
    }

    fn ended(&mut self, end: End) {
        let text = how(&end);
        // Before the node is closed, so that who waits for that finds it. A link ends once.
        drop(self.end.set(end));
        if let Some(node) = self.node(&mut Vec::new()) {
            node.close(&text);
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

fn how(end: &End) -> String {
    match end {
        End::Closed => "the scheduler has closed the connection".into(),
        End::Lost(reason) => format!("the scheduler is lost: {reason}"),
    }
}

/// A worker of this process with a scheduler elsewhere.
pub struct RemoteWorker {
    node: Arc<WorkerNode>,
    address: Arc<str>,
    end: Arc<OnceLock<End>>,
}

impl RemoteWorker {
    /// Joins a scheduler and starts the worker's threads. The worker listens for peers at `listen`; they are told the
    /// address of `info`, or the one that it gets there if that is empty. Its name is its address if it has none.
    ///
    /// # Errors
    /// If it can't listen, the scheduler doesn't let it in, or the system gives no threads.
    pub fn join(
        io: &IoThread,
        joining: &Joining,
        listen: &Address,
        info: WorkerInfo,
        ops: Arc<dyn Ops>,
    ) -> Result<Self, JoinError> {
        let worker = Self::join_idle(io, joining, listen, NewWorker::new(info, ops))?;
        for _ in 0..worker.node.n_threads() {
            worker.node.start_thread()?;
        }
        Ok(worker)
    }

    /// Joins a scheduler without threads: those that call [`WorkerNode::work`] are the worker's.
    ///
    /// # Errors
    /// If it can't listen, or the scheduler doesn't let it in.
    pub fn join_idle(
        io: &IoThread,
        joining: &Joining,
        listen: &Address,
        mut new: NewWorker,
    ) -> Result<Self, JoinError> {
        let Joining { scheduler, options, security, families } = joining.clone();
        let bind = Listener::bind(listen, options.clone(), security.clone());
        let listener = io.handle().block_on(bind)?;
        if new.info.address.is_empty() {
            new.info.address = network::contact(listener.address()).to_string().into();
        }
        if new.info.name.is_empty() {
            new.info.name = new.info.address.clone();
        }
        let address = new.info.address.clone();
        let peers = RemotePeers::new(
            io.handle().clone(),
            new.info.address.clone(),
            options.clone(),
            security.clone(),
            families.clone(),
        );
        let target = Target::new();
        let inbox = target.clone();
        let link = connect(&scheduler, AsWorker(new.info.clone()), options, security, |_| inbox);
        let link = io.handle().block_on(link)?;
        let outbox = Box::new(Posted::new(link.sender.clone()));
        let node = WorkerNode::new(WorkerId(link.number), new, outbox, peers, InlineForm::Bytes);
        let peers = io.handle().spawn(answer_peers(Arc::downgrade(&node), families, listener));
        node.on_close(Box::new(move |_| {
            peers.abort();
            link.sender.close();
        }));
        node.heard(target.set(node.clone()));
        if let Some(end) = target.end.get() {
            node.close(&how(end));
        }
        node.start_watch();
        Ok(Self { node, address, end: target.end })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.node.id()
    }

    /// Where peers reach it.
    #[must_use]
    pub fn address(&self) -> &Arc<str> {
        &self.address
    }

    /// The worker.
    #[must_use]
    pub fn node(&self) -> &Arc<WorkerNode> {
        &self.node
    }

    /// Waits until the scheduler lets it go, or is gone, or it is closed here. How its link ended, unless the worker
    /// was closed before that.
    #[must_use]
    pub fn wait(&self) -> Option<End> {
        self.node.wait(None);
        self.end.get().cloned()
    }
}

impl Drop for RemoteWorker {
    fn drop(&mut self) {
        self.node.close("its process lets it go");
        self.node.join_threads();
    }
}

/// Gives peers what they ask a worker for, until its listener is gone.
pub(super) async fn answer_peers(
    worker: Weak<WorkerNode>,
    families: Families,
    mut listener: Listener,
) {
    while let Some(incoming) = listener.accept().await {
        let text = "this is a worker: it gives values to peers only";
        match incoming {
            Incoming::Peer(_, offer) => {
                let (worker, families) = (worker.clone(), families.clone());
                offer.accept(0, 0, |sender| ToPeer::new(worker, families, sender.clone()));
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
    scheduler: Box<dyn Outbox<FromClient>>,
}

impl RemoteClient {
    /// Joins a scheduler.
    ///
    /// # Errors
    /// If the scheduler can't be reached, or doesn't let it in.
    pub fn join(io: &IoThread, joining: &Joining, name: &str) -> Result<Self, ConnectError> {
        Self::join_as(io, joining, name, ClientConfig::default())
    }

    /// As [`RemoteClient::join`]. A client that [`resubmits`](ClientConfig::resubmits) also joins the scheduler that
    /// takes the place of one that was lost, and presents what it has; others are closed.
    ///
    /// # Errors
    /// As [`RemoteClient::join`].
    pub fn join_as(
        io: &IoThread,
        joining: &Joining,
        name: &str,
        config: ClientConfig,
    ) -> Result<Self, ConnectError> {
        let Joining { scheduler, options, security, families } = joining.clone();
        let name: Arc<str> = name.into();
        let peers = RemotePeers::new(
            io.handle().clone(),
            name.clone(),
            options.clone(),
            security.clone(),
            families.clone(),
        );
        let returns = config.resubmits;
        let node = ClientNode::new(config, peers, families);
        if returns {
            let handle = io.handle().clone();
            let joined = Returning::join(&node, handle, joining.clone(), name);
            let (way, number) = io.handle().block_on(joined)?;
            node.connect(Box::new(To(way.clone())));
            return Ok(Self { node, id: ClientId(number), scheduler: Box::new(To(way)) });
        }
        let target = Target::new();
        target.set(node.clone());
        let link =
            connect(&scheduler, AsClient(ClientInfo { name }), options, security, |_| target);
        let link = io.handle().block_on(link)?;
        let posted = Posted::new(link.sender);
        node.connect(Box::new(posted.clone()));
        Ok(Self { node, id: ClientId(link.number), scheduler: Box::new(posted) })
    }

    /// Its number, as of the first scheduler.
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
