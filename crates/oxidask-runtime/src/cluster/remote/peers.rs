//! Asking workers of other processes for values, and answering those who ask.

use std::sync::{Arc, Weak};

use oxidask_core::value::{CodecError, Value};
use oxidask_sched::ids::{TaskId, WorkerId};
use oxidask_sched::message::ClientInfo;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;

use super::memory_file;
use crate::cluster::inline::Families;
use crate::cluster::link::{Fetched, Peers, ThenFetched, ThenPut};
use crate::wire::address::Address;
use crate::wire::peer::{Parcel, PeerReply, PeerRequest, Shared, ValueName};
use crate::wire::transport::{AsPeer, End, Inbox, Options, Security, SendError, Sender, connect};

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
    waiting: Vec<(u64, PeerRequest)>,
    pending: FxHashMap<u64, Pending>,
}

/// A request that is not answered in full.
enum Pending {
    Fetch {
        tasks: Vec<TaskId>,
        got: Fetched,
        n_left: usize,
        then: ThenFetched,
    },
    /// A value of another request, asked for once more.
    Again {
        request: u64,
        index: u32,
    },
    Put(ThenPut),
}

impl Pending {
    /// Whoever was asked is gone.
    fn fail(self) {
        match self {
            Self::Fetch { then, .. } => then(None),
            // Those of the other request hear of it.
            Self::Again { .. } => {}
            Self::Put(then) => then(Err("the worker can't be reached any more".into())),
        }
    }
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
        let Ok(address) = address.parse::<Address>() else {
            self.out_of_reach(worker);
            return;
        };
        let link = connect(&address, AsPeer(info), options, security, inbox).await;
        let Ok(link) = link else {
            // Whoever doesn't listen in this process is not there for others.
            return match address {
                Address::Inproc(_) => self.out_of_reach(worker),
                _ => self.gone(worker),
            };
        };
        let mut state = self.state.lock();
        if let Some(way) = state.links.get_mut(&worker) {
            let waiting = std::mem::take(&mut way.waiting);
            way.sender = Some(link.sender.clone());
            drop(state);
            for (request, message) in waiting {
                self.send(worker, &link.sender, request, message);
            }
        }
    }

    /// A worker can't be reached: all that it was asked for has to come from elsewhere.
    fn gone(&self, worker: WorkerId) {
        let way = self.state.lock().links.remove(&worker);
        for pending in way.into_iter().flat_map(|way| way.pending.into_values()) {
            pending.fail();
        }
    }

    /// A worker of the scheduler's process listens nowhere: its values never come here, however often they are computed.
    fn out_of_reach(&self, worker: WorkerId) {
        let reason: Arc<str> =
            "it lies with a worker of the scheduler's process that listens nowhere: have workers \
                                there listen at an address"
                .into();
        let way = self.state.lock().links.remove(&worker);
        for pending in way.into_iter().flat_map(|way| way.pending.into_values()) {
            match pending {
                Pending::Fetch { tasks, then, .. } => {
                    let none = tasks.into_iter().map(|task| (task, Err(reason.clone())));
                    then(Some(none.collect()));
                }
                Pending::Again { .. } => {}
                Pending::Put(then) => then(Err(reason.clone())),
            }
        }
    }

    /// A worker has answered. Not on the IO thread: reading a value may take long, or wait for an interpreter.
    fn heard(&self, worker: WorkerId, reply: PeerReply) {
        match reply {
            PeerReply::Value { request, index, value: Parcel { family, header, buffers, .. } } => {
                let buffers = buffers.into_iter().map(Vec::from).collect();
                let value = self.families.decode(&family, &header, buffers);
                self.answered(worker, request, index, Some(readable(value)));
            }
            PeerReply::Shared { request, index, value } => {
                let regions = memory_file::take(&value);
                self.say(worker, PeerRequest::Taken { request, index });
                match regions {
                    Ok(regions) => {
                        let Shared { family, header, .. } = value;
                        let value = self.families.decode_around(&family, &header, regions);
                        self.answered(worker, request, index, Some(readable(value)));
                    }
                    Err(_) => self.ask_again(worker, request, index),
                }
            }
            PeerReply::Absent { request, index, reason } => {
                self.answered(worker, request, index, reason.map(Err));
            }
            PeerReply::Held { request } => self.was_put(worker, request, Ok(())),
            PeerReply::Declined { request, reason } => {
                self.was_put(worker, request, Err(reason));
            }
        }
    }

    fn answered(&self, worker: WorkerId, request: u64, index: u32, value: Option<Readable>) {
        let mut state = self.state.lock();
        let Some(way) = state.links.get_mut(&worker) else { return };
        let (mut request, mut index) = (request, index);
        if let Some(&Pending::Again { request: first, index: of_first }) = way.pending.get(&request)
        {
            way.pending.remove(&request);
            (request, index) = (first, of_first);
        }
        let Some(Pending::Fetch { tasks, got, n_left, .. }) = way.pending.get_mut(&request) else {
            return;
        };
        if let (Some(value), Some(&task)) = (value, tasks.get(index as usize)) {
            got.push((task, value));
        }
        *n_left = n_left.saturating_sub(1);
        if *n_left == 0
            && let Some(Pending::Fetch { got, then, .. }) = way.pending.remove(&request)
        {
            drop(state);
            then(Some(got));
        }
    }

    /// Asks for a value once more, over the connection: memory could not be shared.
    fn ask_again(&self, worker: WorkerId, request: u64, index: u32) {
        let task = {
            let mut state = self.state.lock();
            let way = state.links.get_mut(&worker);
            match way.and_then(|way| way.pending.get(&request)) {
                Some(Pending::Fetch { tasks, .. }) => tasks.get(index as usize).copied(),
                _ => None,
            }
        };
        let Some(task) = task else { return };
        self.ask(worker, Pending::Again { request, index }, |request| PeerRequest::Fetch {
            request,
            names: vec![ValueName::Task(task)],
        });
    }

    /// Says something that has no answer.
    fn say(&self, worker: WorkerId, message: PeerRequest) {
        let sender = self.state.lock().links.get(&worker).and_then(|way| way.sender.clone());
        if let Some(sender) = sender {
            // A link that has ended tells its inbox.
            drop(sender.send(message));
        }
    }

    fn was_put(&self, worker: WorkerId, request: u64, result: Result<(), Arc<str>>) {
        let pending = {
            let mut state = self.state.lock();
            state.links.get_mut(&worker).and_then(|way| way.pending.remove(&request))
        };
        if let Some(Pending::Put(then)) = pending {
            then(result);
        }
    }

    /// Asks a worker, over a link that is made if there is none.
    fn ask(&self, worker: WorkerId, pending: Pending, message: impl FnOnce(u64) -> PeerRequest) {
        let mut state = self.state.lock();
        state.n_requests += 1;
        let request = state.n_requests;
        let address = state.addresses.get(&worker).cloned();
        let is_new = !state.links.contains_key(&worker);
        let way = state.links.entry(worker).or_default();
        way.pending.insert(request, pending);
        match &way.sender {
            Some(sender) => {
                let sender = sender.clone();
                drop(state);
                self.send(worker, &sender, request, message(request));
            }
            None => {
                way.waiting.push((request, message(request)));
                drop(state);
                let Some(this) = self.this.upgrade().filter(|_| is_new) else { return };
                self.io.spawn(async move {
                    match address {
                        Some(address) => this.open(worker, address).await,
                        None => this.gone(worker),
                    }
                });
            }
        }
    }

    fn send(&self, worker: WorkerId, sender: &Sender<PeerRequest>, request: u64, it: PeerRequest) {
        // A link that has ended tells its inbox.
        if let Err(SendError::Message(error)) = sender.push(it) {
            let reason = error.to_string().into();
            return self.was_put(worker, request, Err(reason));
        }
        // Not here: the caller holds locks.
        let sender = sender.clone();
        self.io.spawn(async move { sender.flush() });
    }
}

impl Peers for RemotePeers {
    fn learn(&self, worker: WorkerId, address: &str) {
        self.state.lock().addresses.insert(worker, address.into());
    }

    fn forget(&self) {
        let ways = {
            let mut state = self.state.lock();
            state.addresses.clear();
            std::mem::take(&mut state.links)
        };
        for way in ways.into_values() {
            if let Some(sender) = way.sender {
                sender.close();
            }
            way.pending.into_values().for_each(Pending::fail);
        }
    }

    fn fetch(&self, from: WorkerId, tasks: Vec<TaskId>, then: ThenFetched) {
        let names = tasks.iter().copied().map(ValueName::Task).collect();
        let pending = Pending::Fetch { n_left: tasks.len(), tasks, got: Vec::new(), then };
        self.ask(from, pending, |request| match memory_file::machine() {
            Some(machine) => PeerRequest::FetchNear { request, names, machine },
            None => PeerRequest::Fetch { request, names },
        });
    }

    fn put(&self, to: WorkerId, task: TaskId, value: Value, then: ThenPut) {
        let this = self.this.clone();
        // Encoding may take long, or wait for an interpreter.
        self.io.spawn_blocking(move || match (parcel(&value), this.upgrade()) {
            (Err(reason), _) => then(Err(reason)),
            (Ok(_), None) => then(Err("the connections to workers are closed".into())),
            (Ok(value), Some(this)) => {
                let name = ValueName::Task(task);
                this.ask(to, Pending::Put(then), |request| PeerRequest::Put {
                    request,
                    name,
                    value,
                });
            }
        });
    }
}

/// A value, or why it can't be had here.
type Readable = Result<Value, Arc<str>>;

fn readable(value: Result<Value, CodecError>) -> Readable {
    value.map_err(|error| error.to_string().into())
}

fn parcel(value: &Value) -> Result<Parcel, Arc<str>> {
    let payload = value.payload();
    let encoded = payload.encode().map_err(|error| Arc::from(error.to_string()))?;
    let (family, type_name) = (payload.family().name(), payload.type_name());
    Ok(Parcel::new(family, &type_name, payload.nbytes(), encoded))
}

struct FromPeer {
    worker: WorkerId,
    peers: Weak<RemotePeers>,
}

impl Inbox<PeerReply> for FromPeer {
    fn deliver(&mut self, messages: &mut Vec<PeerReply>) {
        let (worker, peers) = (self.worker, self.peers.clone());
        let replies = std::mem::take(messages);
        tokio::task::spawn_blocking(move || {
            for reply in replies {
                if let Some(peers) = peers.upgrade() {
                    peers.heard(worker, reply);
                }
            }
        });
    }

    fn ended(&mut self, _: End) {
        if let Some(peers) = self.peers.upgrade() {
            peers.gone(self.worker);
        }
    }
}
