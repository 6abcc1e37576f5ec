//! Listening for links.

use std::io;
use std::path::Path;
use std::sync::Arc;

use oxidask_sched::message::{ClientInfo, FromClient, FromWorker, ToClient, ToWorker, WorkerInfo};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::super::address::Address;
use super::super::codec::Message;
use super::super::frame::Packing;
use super::super::greeting::{Refusal, RefusalCode, SessionId, Who};
use super::super::peer::{PeerReply, PeerRequest};
use super::channel::{Channel, Socket};
use super::knock::{Grant, Knock, answer};
use super::link::{Link, Renewal};
use super::local::{self, Granted, LocalKnock};
use super::outlet::{About, Outlet};
use super::{Inbox, ListenError, Options, Security, Sender};

/// Greetings that are under way at a time; others wait in the system's queue.
const GREETINGS: usize = 256;

/// Links that wait to be accepted.
const WAITING: usize = 1024;

/// A connection that waits to be let in.
pub enum Incoming {
    /// A worker's.
    Worker(WorkerInfo, Offer<ToWorker, FromWorker>),
    /// A client's.
    Client(ClientInfo, Offer<ToClient, FromClient>),
    /// Of one who wants values.
    Peer(ClientInfo, Offer<PeerReply, PeerRequest>),
}

/// A link that is to be accepted, or refused. Dropping it refuses.
pub struct Offer<Out, In> {
    way: Way<Out, In>,
}

enum Way<Out, In> {
    Wire(Box<Knock>, Arc<House>),
    Local(LocalKnock<Out, In>),
}

/// What the connections of one listener share.
struct House {
    options: Options,
    security: Security,
    local: bool,
    /// Those that may come again.
    sessions: Mutex<FxHashMap<SessionId, mpsc::Sender<Knock>>>,
}

/// Takes connections at an address. Dropping it takes no more; links go on.
pub struct Listener {
    address: Address,
    incoming: mpsc::Receiver<Incoming>,
    task: Option<AbortHandle>,
}

enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens at an address. Runs within an event loop, which the listener goes on using.
    ///
    /// # Errors
    /// If the address is taken, or others than this machine could reach it without a secret.
    pub async fn bind(
        address: &Address,
        options: Options,
        security: Security,
    ) -> Result<Self, ListenError> {
        let (door, incoming) = mpsc::channel(WAITING);
        if let Address::Inproc(name) = address {
            return match local::listen(name, door) {
                true => Ok(Self { address: address.clone(), incoming, task: None }),
                false => Err(ListenError::Taken { address: address.clone() }),
            };
        }
        let tls = matches!(address, Address::Net { tls: true, .. });
        if tls && security.tls.is_none() {
            return Err(ListenError::NoCertificate { address: address.clone() });
        }
        if !address.is_local() && !tls && security.token.is_none() {
            return Err(ListenError::Exposed { address: address.clone() });
        }
        let (socket, address) = open(address).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::Taken { address: address.clone() },
            _ => ListenError::Io { address: address.clone(), source },
        })?;
        let house =
            House { options, security, local: address.is_local(), sessions: Mutex::default() };
        let task = tokio::spawn(take(socket, tls, Arc::new(house), door)).abort_handle();
        Ok(Self { address, incoming, task: Some(task) })
    }

    /// Where it listens, with the port that it got.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The next connection; none if the event loop ends.
    pub async fn accept(&mut self) -> Option<Incoming> {
        self.incoming.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        match &self.address {
            Address::Inproc(name) => local::leave(name),
            // Whoever removed it already has done the same.
            Address::Unix(path) => drop(std::fs::remove_file(path)),
            Address::Net { .. } => {}
        }
    }
}

/// Opens a listening socket; the address with its port.
async fn open(address: &Address) -> io::Result<(Door, Address)> {
    match address {
        Address::Unix(path) => Ok((Door::Unix(open_unix(path)?), address.clone())),
        Address::Net { tls, host, port } => {
            let socket = TcpListener::bind((host.as_str(), *port)).await?;
            let bound = Address::of_socket(socket.local_addr()?, *tls);
            Ok((Door::Tcp(socket), bound))
        }
        Address::Inproc(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Opens a socket that only this user can connect to, in place of one that nobody listens on any more.
fn open_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    use std::os::unix::net::UnixStream;

    let is_socket = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(socket)
}

/// Takes connections, and passes on those that greet well.
async fn take(socket: Door, tls: bool, house: Arc<House>, door: mpsc::Sender<Incoming>) {
    let greetings = Arc::new(Semaphore::new(GREETINGS));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&greetings).acquire_owned().await else { return };
        let accepted = match &socket {
            Door::Tcp(socket) => socket.accept().await.and_then(|(socket, _)| {
                socket.set_nodelay(true)?;
                Ok(Socket::Tcp(socket))
            }),
            Door::Unix(socket) => socket.accept().await.map(|(socket, _)| Socket::Unix(socket)),
        };
        let Ok(socket) = accepted else {
            // Out of descriptors, say: some will come free.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let (house, door) = (Arc::clone(&house), door.clone());
        tokio::spawn(async move {
            let greeting = greeted(socket, tls, &house);
            if let Ok(Ok(knock)) = timeout(house.options.greeting, greeting).await {
                house.pass(knock, &door).await;
            }
            drop(permit);
        });
    }
}

/// A connection that has greeted. Why others have not is their affair: they were told.
async fn greeted(socket: Socket, tls: bool, house: &House) -> Result<Knock, super::knock::Trouble> {
    let channel = match house.security.tls.as_ref().filter(|_| tls) {
        Some(certificates) => Channel::secured(socket, certificates.accept()?).await?,
        None => Channel::plain(socket),
    };
    answer(channel, &house.options, &house.security).await
}

impl House {
    async fn pass(self: &Arc<Self>, knock: Knock, door: &mpsc::Sender<Incoming>) {
        if knock.hello.resume {
            let known = self.sessions.lock().get(&knock.hello.session).cloned();
            let unknown = match known {
                Some(link) => link.send(knock).await.err().map(|refused| refused.0),
                None => Some(knock),
            };
            if let Some(knock) = unknown {
                let text = "the session is not known here (any more)";
                knock.refuse(RefusalCode::Session, text).await;
            }
            return;
        }
        let house = Arc::clone(self);
        let incoming = match knock.hello.who.clone() {
            Who::Worker(info) => Incoming::Worker(info, Offer::wire(knock, house)),
            Who::Client(info) => Incoming::Client(info, Offer::wire(knock, house)),
            Who::Peer(info) => Incoming::Peer(info, Offer::wire(knock, house)),
        };
        // If nobody accepts any more, the connection is closed.
        let _ = door.send(incoming).await;
    }
}

/// Forgets a session when its link ends, however it does.
struct Registered(Arc<House>, SessionId);

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.sessions.lock().remove(&self.1);
    }
}

impl<Out: Message, In: Message> Offer<Out, In> {
    fn wire(knock: Knock, house: Arc<House>) -> Self {
        Self { way: Way::Wire(Box::new(knock), house) }
    }

    pub(super) fn local(knock: LocalKnock<Out, In>) -> Self {
        Self { way: Way::Local(knock) }
    }

    /// Lets it in: under this number, as of this epoch. The inbox is made for the link's sender.
    ///
    /// Runs within the listener's event loop.
    pub fn accept<I: Inbox<In>>(
        self,
        number: u32,
        epoch: u64,
        inbox: impl FnOnce(&Sender<Out>) -> I,
    ) -> Sender<Out> {
        match self.way {
            Way::Local(knock) => {
                let sender = Sender::local(Arc::clone(&knock.out));
                let inbox = inbox(&sender);
                // An opener that has gone closes its pipes.
                if knock.answer.send(Ok(Granted { number, epoch })).is_err() {
                    knock.incoming.close();
                }
                tokio::spawn(local::run(knock.out, knock.incoming, inbox));
                sender
            }
            Way::Wire(knock, house) => admit(*knock, house, Grant { number, epoch }, inbox),
        }
    }

    /// Doesn't, and says why.
    pub fn refuse(self, code: RefusalCode, text: &str) {
        match self.way {
            Way::Local(knock) => {
                // An opener that has gone doesn't need to be told.
                let _ = knock.answer.send(Err(Refusal { code: code as u32, text: text.into() }));
            }
            Way::Wire(knock, _) => {
                let text = text.to_owned();
                tokio::spawn(async move { knock.refuse(code, &text).await });
            }
        }
    }
}

/// Makes a link of a connection.
fn admit<Out: Message, In: Message, I: Inbox<In>>(
    knock: Knock,
    house: Arc<House>,
    grant: Grant,
    inbox: impl FnOnce(&Sender<Out>) -> I,
) -> Sender<Out> {
    let hello = &knock.hello;
    let (peer, resumable) = match &hello.who {
        Who::Worker(info) => (&info.name, true),
        Who::Client(info) => (&info.name, true),
        Who::Peer(info) => (&info.name, false),
    };
    let packing = match house.options.compress && !house.local {
        true => Packing::Sampled,
        false => Packing::Never,
    };
    let limit = hello.frame_bytes;
    let about = About { peer: Arc::clone(peer), resumable, packing, limit };
    let outlet = Arc::new(Outlet::new(about, &house.options));
    let sender = Sender::wire(Arc::clone(&outlet));
    let inbox = inbox(&sender);
    let session = hello.session;
    let (renewal, registered) = if resumable {
        let (link, knocks) = mpsc::channel(1);
        house.sessions.lock().insert(session, link);
        let registered = Registered(Arc::clone(&house), session);
        (Renewal::Acceptor(knocks, grant), Some(registered))
    } else {
        (Renewal::Never, None)
    };
    let (mut options, security) = (house.options.clone(), house.security.clone());
    if matches!(hello.who, Who::Worker(_)) {
        options.linger_gone = options.linger_gone.min(options.linger_gone_worker);
    }
    tokio::spawn(async move {
        // If it can't be written, the reader finds out.
        let _ = knock.welcome(grant, 0, &options, &security).await;
        // A new session has nothing to send again, so this can't fail.
        let _ = outlet.connect(Arc::clone(&knock.wired.channel), 0, limit);
        Link::new(outlet, inbox, options, security, renewal).run(knock.wired).await;
        drop(registered);
    });
    sender
}
