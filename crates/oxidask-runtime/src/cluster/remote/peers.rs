//! Asking workers of other processes for values, and answering those who ask.

use std::sync::{Arc, Weak};

use oxidask_core::value::Value;
use oxidask_sched::ids::{TaskId, WorkerId};
use oxidask_sched::message::ClientInfo;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;

use crate::cluster::inline::Families;
use crate::cluster::link::{Fetched, Peers};
use crate::cluster::worker::WorkerNode;
use crate::wire::address::Address;
use crate::wire::peer::{Parcel, PeerReply, PeerRequest, ValueName};
use crate::wire::transport::{AsPeer, End, Inbox, Options, Security, Sender, connect};

type Then = Box<dyn FnOnce(Option<Fetched>) + Send>;

/// The ways to workers of other processes, made when they are first needed.
pub struct RemotePeers {
    io: Handle,
    name: Arc<str>,
    options: Options,
    security: Security,
    families: Families,
    state: Mutex<State>,
    this: Weak<Self>,
}

#[derive(Default)]
struct State {
    addresses: FxHashMap<WorkerId, Arc<str>>,
    links: FxHashMap<WorkerId, Way>,
    n_requests: u64,
}

/// A link to a worker, or one that is being made.
#[derive(Default)]
struct Way {
    sender: Option<Sender<PeerRequest>>,
    /// What is asked once there is a link.
    waiting: Vec<PeerRequest>,
    pending: FxHashMap<u64, Pending>,
}

/// A request that is not answered in full.
struct Pending {
    tasks: Vec<TaskId>,
    got: Fetched,
    n_left: usize,
    then: Then,
}

impl RemotePeers {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(
        io: Handle,
        name: Arc<str>,
        options: Options,
        security: Security,
        families: Families,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            io,
            name,
            options,
            security,
            families,
            state: Mutex::default(),
            this: this.clone(),
        })
    }

    async fn open(self: Arc<Self>, worker: WorkerId, address: Arc<str>) {
        let info = ClientInfo { name: self.name.clone() };
        let inbox = |_: &_| FromPeer { worker, peers: self.this.clone() };
        let (options, security) = (self.options.clone(), self.security.clone());
        let link = match address.parse::<Address>() {
            Ok(address) => connect(&address, AsPeer(info), options, security, inbox).await.ok(),
            Err(_) => None,
        };
        let Some(link) = link else {
            self.gone(worker);
            return;
        };
        let mut state = self.state.lock();
        if let Some(way) = state.links.get_mut(&worker) {
            for request in std::mem::take(&mut way.waiting) {
                // A link that has ended tells its inbox.
                drop(link.sender.push(request));
            }
            way.sender = Some(link.sender.clone());
        }
        drop(state);
        link.sender.flush();
    }

    /// A worker can't be reached: all that it was asked for has to come from elsewhere.
    fn gone(&self, worker: WorkerId) {
        let way = self.state.lock().links.remove(&worker);
        for pending in way.into_iter().flat_map(|way| way.pending.into_values()) {
            (pending.then)(None);
        }
    }

    fn answered(&self, worker: WorkerId, request: u64, index: u32, parcel: Option<Parcel>) {
        let value = parcel.and_then(|parcel| {
            let (family, header) = (parcel.family.clone(), parcel.header.clone());
            // What can't be read here is as good as not there; the reader's failure says so.
            self.families.decode(&family, &header, parcel.into_buffers()).ok()
        });
        let mut state = self.state.lock();
        let Some(way) = state.links.get_mut(&worker) else { return };
        let Some(pending) = way.pending.get_mut(&request) else { return };
        if let (Some(value), Some(&task)) = (value, pending.tasks.get(index as usize)) {
            pending.got.push((task, value));
        }
        pending.n_left = pending.n_left.saturating_sub(1);
        if pending.n_left == 0
            && let Some(pending) = way.pending.remove(&request)
        {
            drop(state);
            (pending.then)(Some(pending.got));
        }
    }
}

impl Peers for RemotePeers {
    fn learn(&self, worker: WorkerId, address: &str) {
        self.state.lock().addresses.insert(worker, address.into());
    }

    fn fetch(&self, from: WorkerId, tasks: Vec<TaskId>, then: Then) {
        let mut state = self.state.lock();
        state.n_requests += 1;
        let request = state.n_requests;
        let names = tasks.iter().copied().map(ValueName::Task).collect();
        let message = PeerRequest::Fetch { request, names };
        let address = state.addresses.get(&from).cloned();
        let is_new = !state.links.contains_key(&from);
        let way = state.links.entry(from).or_default();
        let pending = Pending { n_left: tasks.len(), tasks, got: Vec::new(), then };
        way.pending.insert(request, pending);
        match &way.sender {
            Some(sender) => {
                let sender = sender.clone();
                drop(state);
                drop(sender.push(message));
                // Not here: the caller holds locks.
                self.io.spawn(async move { sender.flush() });
            }
            None => {
                way.waiting.push(message);
                drop(state);
                let Some(this) = self.this.upgrade().filter(|_| is_new) else { return };
                self.io.spawn(async move {
                    match address {
                        Some(address) => this.open(from, address).await,
                        None => this.gone(from),
                    }
                });
            }
        }
    }
}

struct FromPeer {
    worker: WorkerId,
    peers: Weak<RemotePeers>,
}

impl Inbox<PeerReply> for FromPeer {
    fn deliver(&mut self, messages: &mut Vec<PeerReply>) {
        let Some(peers) = self.peers.upgrade() else { return };
        for message in messages.drain(..) {
            match message {
                PeerReply::Value { request, index, value } => {
                    peers.answered(self.worker, request, index, Some(value));
                }
                PeerReply::Absent { request, index, .. } => {
                    peers.answered(self.worker, request, index, None);
                }
                PeerReply::Held { .. } | PeerReply::Declined { .. } => {}
            }
        }
    }

    fn ended(&mut self, _: End) {
        if let Some(peers) = self.peers.upgrade() {
            peers.gone(self.worker);
        }
    }
}

/// Answers those who ask a worker for its values.
pub(super) struct ToPeer {
    pub(super) worker: Weak<WorkerNode>,
    pub(super) sender: Sender<PeerReply>,
}

impl Inbox<PeerRequest> for ToPeer {
    fn deliver(&mut self, messages: &mut Vec<PeerRequest>) {
        for message in messages.drain(..) {
            let (worker, sender) = (self.worker.clone(), self.sender.clone());
            match message {
                PeerRequest::Fetch { request, names } => {
                    // Encoding may take long, or wait for an interpreter.
                    tokio::task::spawn_blocking(move || answer(&worker, &sender, request, &names));
                }
                PeerRequest::Put { request, .. } => {
                    let reason = "values are put on workers by their scheduler's leave".into();
                    drop(self.sender.send(PeerReply::Declined { request, reason }));
                }
                PeerRequest::Abandon(_) => {}
            }
        }
    }

    fn ended(&mut self, _: End) {}
}

fn answer(
    worker: &Weak<WorkerNode>,
    sender: &Sender<PeerReply>,
    request: u64,
    names: &[ValueName],
) {
    for (index, name) in names.iter().enumerate() {
        let index = index as u32;
        let value = match (name, worker.upgrade()) {
            (ValueName::Task(task), Some(worker)) => worker.values(&[*task]).pop(),
            _ => None,
        };
        let reply = match value.map(|(_, value)| parcel(&value)) {
            Some(Ok(value)) => PeerReply::Value { request, index, value },
            Some(Err(reason)) => PeerReply::Absent { request, index, reason: Some(reason) },
            None => PeerReply::Absent { request, index, reason: None },
        };
        // If the link has ended nobody waits.
        drop(sender.send(reply));
        sender.wait_for_room(64 << 20);
    }
}

fn parcel(value: &Value) -> Result<Parcel, Arc<str>> {
    let payload = value.payload();
    let encoded = payload.encode().map_err(|error| Arc::from(error.to_string()))?;
    let (family, type_name) = (payload.family().name(), payload.type_name());
    Ok(Parcel::new(family, &type_name, payload.nbytes(), encoded))
}
