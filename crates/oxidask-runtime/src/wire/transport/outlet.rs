//! What goes out over a link: a queue that any thread fills and any thread writes.
//!
//! | state | who leaves it |
//! |---|---|
//! | idle: nothing to write | whoever sends: becomes the writer |
//! | writing: one thread is in the system call, without the lock; others only queue | the writer, when nothing is left |
//! | blocked: the socket has no room | the IO thread, when it has |
//! | disconnected: frames wait in the session | the IO thread, with another connection |
//! | ended | nobody |
//!
//! Messages are encoded as they are sent and sealed into a frame when they are written, so that all
//! that is sent during a write goes into one frame.

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::Notify;

use super::super::codec::{Encoder, Message};
use super::super::frame::{Head, Kind, Packing, seal};
use super::super::session::{Session, SessionError};
use super::channel::Channel;
use super::local::Pipe;
use super::{Options, SendError};

/// Encoded messages of so many bytes become a frame.
const FRAME_BYTES: usize = 64 << 10;

/// Pieces for which the system is called once.
const PIECES: usize = 16;

/// What all senders of a link and its reader share.
pub(super) struct Outlet {
    state: Mutex<State>,
    /// Wakes the link: no room, a broken connection, a wish to close.
    wake: Notify,
    /// Wakes those who wait for the queue to shrink.
    room: Condvar,
    peer: Arc<str>,
    queue_bytes: usize,
    packing: Packing,
}

/// What an outlet has to know of the other side.
pub(super) struct About {
    /// How people call it.
    pub(super) peer: Arc<str>,
    /// Whether the session outlives connections.
    pub(super) resumable: bool,
    pub(super) packing: Packing,
    /// The largest body that it takes.
    pub(super) limit: u64,
}

struct State {
    encoder: Encoder,
    session: Session,
    channel: Option<Arc<Channel>>,
    /// Somebody is writing.
    writing: bool,
    /// The socket has no room.
    blocked: bool,
    /// Writing failed.
    broken: Option<Arc<str>>,
    /// A frame without a number that goes out before the next numbered one begins.
    aside: Bytes,
    /// A beat is due, though there may be nothing to acknowledge.
    beat: bool,
    close: Close,
    ended: bool,
    /// The largest body that the other side takes.
    limit: u64,
    last_write: Instant,
    /// Something was queued that may wait, since the link looked last.
    later: bool,
    /// The link looks again soon.
    watched: bool,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Close {
    No,
    Wanted,
    Said,
}

/// What the link has to see to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// To say when there is room in the socket.
    Room,
    /// Another connection.
    Connection(Arc<str>),
    /// Nothing more: all was written, the goodbye too.
    End,
}

impl Outlet {
    pub(super) fn new(about: About, options: &Options) -> Self {
        let About { peer, resumable, packing, limit } = about;
        Self {
            state: Mutex::new(State {
                encoder: Encoder::new(),
                session: Session::new(resumable),
                channel: None,
                writing: false,
                blocked: false,
                broken: None,
                aside: Bytes::new(),
                beat: false,
                close: Close::No,
                ended: false,
                limit,
                last_write: Instant::now(),
                later: false,
                watched: false,
            }),
            wake: Notify::new(),
            room: Condvar::new(),
            peer,
            queue_bytes: options.queue_bytes,
            packing,
        }
    }

    /// Encodes a message.
    fn push<M: Message>(&self, message: &M) -> Result<(), SendError> {
        let mut state = self.state.lock();
        if state.ended || state.close != Close::No {
            return Err(SendError::Closed { peer: Arc::clone(&self.peer) });
        }
        let queued = state.queued();
        if queued > self.queue_bytes {
            let (peer, limit) = (Arc::clone(&self.peer), self.queue_bytes);
            return Err(SendError::Full { peer, queued, limit });
        }
        // A frame has others before it, of less than FRAME_BYTES; its length has 32 bits.
        let limit = state.limit.min(u32::MAX.into()).saturating_sub(FRAME_BYTES as u64);
        let mark = state.encoder.begin();
        message.encode(&mut state.encoder);
        state.encoder.end(mark, limit)?;
        if state.encoder.len() >= FRAME_BYTES || state.encoder.has_attachments() {
            state.seal(self.packing);
        }
        Ok(())
    }

    /// Writes what is queued, unless somebody does, or can't.
    pub(super) fn flush(&self) {
        let mut state = self.state.lock();
        if state.writing || state.blocked || state.broken.is_some() || state.ended {
            return;
        }
        let Some(channel) = state.channel.clone() else { return };
        state.writing = true;
        let mut pieces = Vec::with_capacity(PIECES);
        loop {
            state.gather(self.packing, &mut pieces);
            let written = MutexGuard::unlocked(&mut state, || match pieces.is_empty() {
                true => channel.try_flush().map(|done| if done { None } else { Some(0) }),
                false => channel.try_write(&pieces).map(Some),
            });
            pieces.clear();
            if !state.channel.as_ref().is_some_and(|current| Arc::ptr_eq(current, &channel)) {
                // Another connection has taken over: what went out here is sent again there.
                break;
            }
            match written {
                Ok(None) if state.has_work() => {}
                Ok(None) => break,
                Ok(Some(0)) => {
                    state.blocked = true;
                    break;
                }
                Ok(Some(n)) => state.wrote(n),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    state.blocked = true;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    state.broken = Some(error.to_string().into());
                    break;
                }
            }
        }
        state.writing = false;
        let wake = state.blocked || state.broken.is_some();
        let taken_over = !state.channel.as_ref().is_some_and(|now| Arc::ptr_eq(now, &channel));
        drop(state);
        self.room.notify_all();
        if wake || taken_over {
            self.wake.notify_one();
        }
    }

    /// Leaves what is queued to the next flush, or to the link, which looks again soon. Costs no system call as
    /// long as that goes on.
    fn flush_later(&self) {
        let mut state = self.state.lock();
        if !state.session.is_written() {
            drop(state);
            return self.flush();
        }
        state.later = true;
        if !state.watched && !state.ended {
            state.watched = true;
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Whether the link has to look again soon.
    pub(super) fn is_watched(&self) -> bool {
        self.state.lock().watched
    }

    /// The link looks: writes what was left, and looks again if there was something.
    pub(super) fn look(&self) {
        let mut state = self.state.lock();
        state.watched = std::mem::take(&mut state.later);
        if state.watched {
            drop(state);
            self.flush();
        }
    }

    /// What the link has to see to. The first call of a link waits here for a change.
    pub(super) fn need(&self) -> Need {
        let state = self.state.lock();
        match &state.broken {
            Some(reason) => Need::Connection(Arc::clone(reason)),
            None if state.blocked => Need::Room,
            None if state.is_over() => Need::End,
            None => Need::Nothing,
        }
    }

    /// Waits until [`Outlet::need`] may have changed.
    pub(super) async fn changed(&self) {
        self.wake.notified().await;
    }

    /// The socket has room again.
    pub(super) fn unblocked(&self) {
        self.state.lock().blocked = false;
        self.flush();
    }

    /// Takes a numbered frame. Whether it is new.
    pub(super) fn take(&self, head: &Head, n_bytes: u64) -> Result<bool, SessionError> {
        let mut state = self.state.lock();
        let before = state.session.kept_bytes();
        state.session.acknowledge(head.acknowledged)?;
        if before > self.queue_bytes / 4 {
            self.room.notify_all();
        }
        if head.kind == Kind::Data { state.session.take(head.number, n_bytes) } else { Ok(false) }
    }

    /// Whether so much has come that it has to be acknowledged.
    pub(super) fn owes(&self) -> bool {
        self.state.lock().session.owes_acknowledgement()
    }

    /// Sends a beat if nothing else was sent since `then`.
    pub(super) fn beat(&self, then: Instant) {
        let mut state = self.state.lock();
        if state.last_write < then {
            state.beat = true;
            drop(state);
            self.flush();
        }
    }

    /// Frames of the other side that were taken, to be told in a greeting.
    pub(super) fn heard(&self) -> u64 {
        self.state.lock().session.tell()
    }

    /// The connection is gone.
    pub(super) fn disconnect(&self) {
        let mut state = self.state.lock();
        state.channel = None;
        state.blocked = false;
        state.broken = None;
        state.aside = Bytes::new();
        state.beat = false;
        state.session.interrupted();
        if state.close == Close::Said {
            state.close = Close::Wanted;
        }
    }

    /// There is a connection, to a side that has `heard` so many frames and takes bodies up to `limit`.
    pub(super) fn connect(
        &self,
        channel: Arc<Channel>,
        heard: u64,
        limit: u64,
    ) -> Result<(), SessionError> {
        let mut state = self.state.lock();
        state.session.resume(heard)?;
        state.channel = Some(channel);
        state.limit = limit;
        state.last_write = Instant::now();
        drop(state);
        self.flush();
        Ok(())
    }

    /// A refusal, a last word; nothing else is sent.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        state.channel = None;
        drop(state);
        self.room.notify_all();
    }

    fn close(&self) {
        let mut state = self.state.lock();
        if state.close == Close::No {
            state.close = Close::Wanted;
        }
        drop(state);
        self.flush();
        self.wake.notify_one();
    }

    /// Whether a close was asked for, so that it isn't worth waiting for another connection.
    pub(super) fn is_closing(&self) -> bool {
        self.state.lock().close != Close::No
    }
}

impl State {
    fn queued(&self) -> usize {
        self.session.kept_bytes() + self.encoder.len()
    }

    /// Makes a frame of what is encoded.
    fn seal(&mut self, packing: Packing) {
        if self.encoder.is_empty() {
            return;
        }
        let (body, attached) = self.encoder.take();
        let (number, acknowledged) = self.session.next_numbers();
        let head = Head { kind: Kind::Data, number, acknowledged };
        self.session.push(seal(head, body, attached, packing));
    }

    /// Whether there is something that [`State::gather`] would find.
    fn has_work(&self) -> bool {
        !self.encoder.is_empty()
            || !self.session.is_written()
            || !self.aside.is_empty()
            || self.beat
            || self.close == Close::Wanted
    }

    /// What is to be written next.
    fn gather(&mut self, packing: Packing, pieces: &mut Vec<Bytes>) {
        self.seal(packing);
        if self.session.at_boundary() && self.aside.is_empty() {
            let done = self.session.is_written();
            let kind = match self.close {
                Close::Wanted if done => {
                    self.close = Close::Said;
                    Some(Kind::Goodbye)
                }
                _ if self.beat || self.session.owes_acknowledgement() => Some(Kind::Beat),
                _ => None,
            };
            if let Some(kind) = kind {
                self.beat = false;
                let head = Head { kind, number: 0, acknowledged: self.session.tell() };
                self.aside = seal(head, Vec::new(), Vec::new(), Packing::Never).concat().into();
            }
        }
        if !self.aside.is_empty() {
            pieces.push(self.aside.clone());
        }
        self.session.unwritten(PIECES, pieces);
    }

    fn wrote(&mut self, n: usize) {
        let aside = n.min(self.aside.len());
        bytes::Buf::advance(&mut self.aside, aside);
        self.session.wrote(n - aside);
        self.last_write = Instant::now();
    }

    fn is_over(&self) -> bool {
        self.close == Close::Said && self.aside.is_empty() && !self.writing
    }
}

/// Sends messages over a link, from any thread. Clones send over the same link, in one order.
///
/// Dropping senders does not close the link; [`Sender::close`] does.
pub struct Sender<Out> {
    way: Way<Out>,
}

enum Way<Out> {
    Wire(Arc<Outlet>, PhantomData<fn(Out)>),
    Local(Arc<Pipe<Out>>),
}

impl<Out> Clone for Sender<Out> {
    fn clone(&self) -> Self {
        let way = match &self.way {
            Way::Wire(outlet, _) => Way::Wire(Arc::clone(outlet), PhantomData),
            Way::Local(pipe) => Way::Local(Arc::clone(pipe)),
        };
        Self { way }
    }
}

impl<Out: Message> Sender<Out> {
    pub(super) fn wire(outlet: Arc<Outlet>) -> Self {
        Self { way: Way::Wire(outlet, PhantomData) }
    }

    pub(super) fn local(pipe: Arc<Pipe<Out>>) -> Self {
        Self { way: Way::Local(pipe) }
    }

    /// Sends a message now, on this thread, if the socket has room. Never waits.
    ///
    /// # Errors
    /// If the link has ended, its queue is full, or no reader would take the message.
    pub fn send(&self, message: Out) -> Result<(), SendError> {
        self.push(message)?;
        self.flush();
        Ok(())
    }

    /// Queues a message; [`Sender::flush`] sends it. For several at a time.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn push(&self, message: Out) -> Result<(), SendError> {
        match &self.way {
            Way::Wire(outlet, _) => outlet.push(&message),
            Way::Local(pipe) => pipe.push(message),
        }
    }

    /// Sends what is queued.
    pub fn flush(&self) {
        match &self.way {
            Way::Wire(outlet, _) => outlet.flush(),
            Way::Local(pipe) => pipe.flush(),
        }
    }

    /// Sends what is queued with the next message that is flushed, and within a few milliseconds in any case. For
    /// what nobody waits for: it costs less than [`Sender::flush`].
    pub fn flush_later(&self) {
        match &self.way {
            Way::Wire(outlet, _) => outlet.flush_later(),
            Way::Local(pipe) => pipe.flush(),
        }
    }

    /// Bytes that wait to be sent or acknowledged. Links within the process count none.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        match &self.way {
            Way::Wire(outlet, _) => outlet.state.lock().queued(),
            Way::Local(_) => 0,
        }
    }

    /// Waits until fewer bytes are queued than `bytes`, or the link ends. Not for the IO thread.
    pub fn wait_for_room(&self, bytes: usize) {
        if let Way::Wire(outlet, _) = &self.way {
            let mut state = outlet.state.lock();
            while !state.ended && state.queued() > bytes {
                outlet.room.wait(&mut state);
            }
        }
    }

    /// Ends the link, after all that was sent. The other side's inbox hears of it, and this one's.
    pub fn close(&self) {
        match &self.way {
            Way::Wire(outlet, _) => outlet.close(),
            Way::Local(pipe) => pipe.close(),
        }
    }
}
