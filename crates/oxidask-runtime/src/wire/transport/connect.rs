//! Opening a link: as a worker, as a client, or as one who wants values of a worker.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use oxidask_sched::message::{ClientInfo, FromClient, FromWorker, ToClient, ToWorker, WorkerInfo};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};

use super::super::address::Address;
use super::super::codec::Message;
use super::super::frame::Packing;
use super::super::greeting::{Hello, SessionId, Welcome, Who};
use super::super::peer::{PeerReply, PeerRequest};
use super::channel::{Channel, Socket};
use super::knock::{Trouble, Wired, greet, random};
use super::link::{Link, Renewal};
use super::listen::{Incoming, Offer};
use super::local::{self, Granted};
use super::outlet::{About, Outlet};
use super::{ConnectError, Inbox, Options, Security, Sender};

/// What one is at the other end: decides what is said and heard.
pub trait Role: sealed::Role {}

mod sealed {
    use super::{Incoming, Message, Offer, Who};

    pub trait Role: Send + 'static {
        type Says: Message;
        type Hears: Message;
        /// Whether the session outlives connections.
        const RESUMABLE: bool;

        fn who(&self) -> Who;

        fn incoming(self, offer: Offer<Self::Hears, Self::Says>) -> Incoming;
    }
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident($info:ty) says $says:ty, hears $hears:ty, as $who:ident, $resumable:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub $info);

        impl Role for $name {}

        impl sealed::Role for $name {
            type Says = $says;
            type Hears = $hears;
            const RESUMABLE: bool = $resumable;

            fn who(&self) -> Who {
                Who::$who(self.0.clone())
            }

            fn incoming(self, offer: Offer<$hears, $says>) -> Incoming {
                Incoming::$who(self.0, offer)
            }
        }
    )+};
}

roles! {
    /// A worker, to its scheduler.
    AsWorker(WorkerInfo) says FromWorker, hears ToWorker, as Worker, true;
    /// A client, to the scheduler.
    AsClient(ClientInfo) says FromClient, hears ToClient, as Client, true;
    /// Who wants values, to a worker.
    AsPeer(ClientInfo) says PeerRequest, hears PeerReply, as Peer, false;
}

/// A link that was opened.
pub struct Connected<Out> {
    /// Sends over it.
    pub sender: Sender<Out>,
    /// The number that the acceptor gave: a worker's or a client's.
    pub number: u32,
    /// The acceptor's epoch.
    pub epoch: u64,
}

/// Opens a link. Runs within an event loop, which the link goes on using; `inbox` is made for its sender.
///
/// # Errors
/// If nobody is there, or doesn't want the connection; see [`ConnectError`].
pub async fn connect<R: Role, I: Inbox<R::Hears>>(
    address: &Address,
    role: R,
    options: Options,
    security: Security,
    inbox: impl FnOnce(&Sender<R::Says>) -> I,
) -> Result<Connected<R::Says>, ConnectError> {
    if let Address::Inproc(name) = address {
        return connect_local(address, name, role, inbox).await;
    }
    let io_error = |source| ConnectError::Io { address: address.clone(), source };
    let session = SessionId(random().map_err(io_error)?);
    let mut opener = Opener {
        address: address.clone(),
        who: role.who(),
        session,
        epoch: 0,
        options,
        security,
        wait: FIRST_WAIT,
    };
    let (wired, welcome) = opener.open(None).await?;
    opener.epoch = welcome.epoch;
    let packing = match opener.options.compress && !address.is_local() {
        true => Packing::Sampled,
        false => Packing::Never,
    };
    let about = About {
        peer: address.to_string().into(),
        resumable: R::RESUMABLE,
        packing,
        limit: welcome.frame_bytes,
    };
    let outlet = Arc::new(Outlet::new(about, &opener.options));
    let sender = Sender::wire(Arc::clone(&outlet));
    let inbox = inbox(&sender);
    // A new session has nothing to send again, so this can't fail.
    let _ = outlet.connect(Arc::clone(&wired.channel), 0, welcome.frame_bytes);
    let (options, security) = (opener.options.clone(), opener.security.clone());
    let renewal = if R::RESUMABLE { Renewal::Opener(Box::new(opener)) } else { Renewal::Never };
    tokio::spawn(Link::new(outlet, inbox, options, security, renewal).run(wired));
    Ok(Connected { sender, number: welcome.number, epoch: welcome.epoch })
}

async fn connect_local<R: Role, I: Inbox<R::Hears>>(
    address: &Address,
    name: &str,
    role: R,
    inbox: impl FnOnce(&Sender<R::Says>) -> I,
) -> Result<Connected<R::Says>, ConnectError> {
    let refused = |refusal: super::super::greeting::Refusal| ConnectError::Refused {
        address: address.clone(),
        code: refusal.code,
        text: refusal.text,
    };
    let (knock, (says, hears, answered)) = local::pipes();
    let door = local::door(name).ok_or_else(|| refused(local::nobody()))?;
    door.send(role.incoming(Offer::local(knock))).await.map_err(|_| refused(local::nobody()))?;
    let answer = answered.await.unwrap_or_else(|_| Err(local::nobody()));
    let Granted { number, epoch } = answer.map_err(refused)?;
    let sender = Sender::local(Arc::clone(&says));
    let inbox = inbox(&sender);
    tokio::spawn(local::run(says, hears, inbox));
    Ok(Connected { sender, number, epoch })
}

/// Waits between attempts grow from this.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// To this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Makes connections for one session.
pub(super) struct Opener {
    address: Address,
    who: Who,
    session: SessionId,
    epoch: u64,
    options: Options,
    security: Security,
    wait: Duration,
}

impl Opener {
    /// Connects; for a session that exists, with what was heard in it.
    async fn open(&self, heard: Option<u64>) -> Result<(Wired, Welcome), ConnectError> {
        let address = || self.address.clone();
        let limit = self.options.greeting;
        let attempt = async {
            let channel = self.channel().await?;
            let hello = Hello {
                who: self.who.clone(),
                session: self.session,
                resume: heard.is_some(),
                heard: heard.unwrap_or(0),
                epoch: self.epoch,
                proof: bytes::Bytes::new(),
                features: 0,
                frame_bytes: self.options.limits.frame_bytes,
                beat_ms: self.options.beat.as_millis() as u32,
            };
            greet(channel, hello, &self.options, &self.security).await
        };
        if let Address::Net { tls: true, .. } = self.address
            && self.security.tls.is_none()
        {
            return Err(ConnectError::NoCertificate { address: address() });
        }
        match timeout(limit, attempt).await {
            Err(_) => Err(ConnectError::Timeout { address: address(), limit }),
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(trouble)) => Err(match trouble {
                Trouble::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    ConnectError::Silent { address: address() }
                }
                Trouble::Io(source) => ConnectError::Io { address: address(), source },
                Trouble::Preface(source) => ConnectError::Preface { address: address(), source },
                Trouble::Nonsense(source) => ConnectError::Nonsense { address: address(), source },
                Trouble::Refused(refusal) => ConnectError::Refused {
                    address: address(),
                    code: refusal.code,
                    text: refusal.text,
                },
                Trouble::Untrusted => ConnectError::Untrusted { address: address() },
            }),
        }
    }

    /// Another connection for the session: with it, what the other side has heard and takes. Or why there is
    /// none: none if another attempt may succeed, before which it waits.
    pub(super) async fn again(&mut self, heard: u64) -> Result<(Wired, u64, u64), Option<String>> {
        match self.open(Some(heard)).await {
            Ok((wired, welcome)) => {
                self.wait = FIRST_WAIT;
                Ok((wired, welcome.heard, welcome.frame_bytes))
            }
            Err(error) if error.may_pass() => {
                sleep(self.wait).await;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                Err(None)
            }
            Err(error) => Err(Some(error.to_string())),
        }
    }

    async fn channel(&self) -> io::Result<Channel> {
        match &self.address {
            Address::Unix(path) => {
                Ok(Channel::plain(Socket::Unix(UnixStream::connect(path).await?)))
            }
            Address::Net { tls, host, port } => {
                let socket = TcpStream::connect((host.as_str(), *port)).await?;
                socket.set_nodelay(true)?;
                match self.security.tls.as_ref().filter(|_| *tls) {
                    Some(certificates) => {
                        Channel::secured(Socket::Tcp(socket), certificates.open(host)?).await
                    }
                    None => Ok(Channel::plain(Socket::Tcp(socket))),
                }
            }
            Address::Inproc(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}
