//! Links within a process: queues of messages, without any bytes.

use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, mpsc, oneshot};

use super::super::greeting::{Refusal, RefusalCode};
use super::listen::Incoming;
use super::{End, Inbox, SendError};

/// One direction of a link. It has no bound of its own: both sides share one memory, and the machines
/// at its ends bound what they send.
pub(super) struct Pipe<T> {
    queue: Mutex<Queue<T>>,
    wake: Notify,
}

struct Queue<T> {
    messages: Vec<T>,
    closed: bool,
}

impl<T> Pipe<T> {
    fn new() -> Arc<Self> {
        let queue = Queue { messages: Vec::new(), closed: false };
        Arc::new(Self { queue: Mutex::new(queue), wake: Notify::new() })
    }

    pub(super) fn push(&self, message: T) -> Result<(), SendError> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(SendError::Closed { peer: "another thread".into() });
        }
        queue.messages.push(message);
        Ok(())
    }

    pub(super) fn flush(&self) {
        self.wake.notify_one();
    }

    pub(super) fn close(&self) {
        self.queue.lock().closed = true;
        self.wake.notify_one();
    }
}

/// What an acceptor says to an opener in its process.
pub(super) struct Granted {
    pub(super) number: u32,
    pub(super) epoch: u64,
}

/// An opener in this process that waits to be let in.
pub(super) struct LocalKnock<Out, In> {
    pub(super) out: Arc<Pipe<Out>>,
    pub(super) incoming: Arc<Pipe<In>>,
    pub(super) answer: oneshot::Sender<Result<Granted, Refusal>>,
}

/// An opener's ends of a link: what it says, what it hears, and the answer.
pub(super) type OpenersEnds<Says, Hears> =
    (Arc<Pipe<Says>>, Arc<Pipe<Hears>>, oneshot::Receiver<Result<Granted, Refusal>>);

/// Both directions of a link: the acceptor's ends, and the opener's.
pub(super) fn pipes<Says, Hears>() -> (LocalKnock<Hears, Says>, OpenersEnds<Says, Hears>) {
    let (says, hears) = (Pipe::new(), Pipe::new());
    let (answer, answered) = oneshot::channel();
    let knock = LocalKnock { out: Arc::clone(&hears), incoming: Arc::clone(&says), answer };
    (knock, (says, hears, answered))
}

/// Hands on what comes, until either side closes.
pub(super) async fn run<Out, In>(
    out: Arc<Pipe<Out>>,
    incoming: Arc<Pipe<In>>,
    mut inbox: impl Inbox<In>,
) {
    let _closes = CloseOnDrop(&*out, &*incoming);
    let mut messages = Vec::new();
    loop {
        let closed = {
            let mut queue = incoming.queue.lock();
            std::mem::swap(&mut queue.messages, &mut messages);
            queue.closed
        };
        if !messages.is_empty() {
            inbox.deliver(&mut messages);
            messages.clear();
        } else if closed || out.queue.lock().closed {
            break;
        } else {
            incoming.wake.notified().await;
        }
    }
    inbox.ended(End::Closed);
}

/// When one side ends, both directions do, and both sides are woken.
struct CloseOnDrop<'a, Out, In>(&'a Pipe<Out>, &'a Pipe<In>);

impl<Out, In> Drop for CloseOnDrop<'_, Out, In> {
    fn drop(&mut self) {
        self.0.close();
        self.1.close();
    }
}

type Doors = Mutex<FxHashMap<String, mpsc::Sender<Incoming>>>;

/// The names that are listened on.
static DOORS: LazyLock<Doors> = LazyLock::new(Doors::default);

/// Listens on a name. Whether it was free.
pub(super) fn listen(name: &str, door: mpsc::Sender<Incoming>) -> bool {
    let mut doors = DOORS.lock();
    if doors.get(name).is_some_and(|door| !door.is_closed()) {
        return false;
    }
    doors.insert(name.into(), door);
    true
}

/// Listens no more.
pub(super) fn leave(name: &str) {
    DOORS.lock().remove(name);
}

/// Who listens on a name.
pub(super) fn door(name: &str) -> Option<mpsc::Sender<Incoming>> {
    DOORS.lock().get(name).cloned()
}

/// Why nobody is let in.
pub(super) fn nobody() -> Refusal {
    Refusal { code: RefusalCode::Unwanted as u32, text: "nothing accepts connections there".into() }
}
