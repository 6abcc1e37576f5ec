//! One client's connection: what is on its way out, and who is called back.
//!
//! Tasks and releases go into a list that a thread of the connection takes to the scheduler, so that many of
//! them go together while the user's thread makes more. Whoever waits for something takes the list there at once.
//!
//! Locks here are never taken by a thread that is attached to Python while another thread may hold them and wait
//! for Python: `flush` is called detached only.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use oxidask_core::key::Key;
use oxidask_runtime::cluster::ClientNode;
use oxidask_sched::client::{Event, FutureState, Settlement};
use oxidask_sched::content::Content;
use oxidask_sched::data::Answer;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{Annotations, Blob, NewTask, Submission};
use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;
use rustc_hash::FxHashMap;

use super::data;
use super::function::Functions;

/// The connection of a client.
pub(super) struct Link {
    pub(super) node: Arc<ClientNode>,
    /// Whether nothing travels: all workers are in this process.
    pub(super) is_local: bool,
    pub(super) functions: Functions,
    outgoing: Mutex<Outgoing>,
    wake: Condvar,
    /// Held by whoever takes the list to the scheduler.
    flushing: Mutex<()>,
    news: Mutex<News>,
    told: Condvar,
    /// The bytes of the latest tasks that were put on the list together.
    n_last_bytes: AtomicUsize,
}

#[derive(Default)]
struct Outgoing {
    list: Vec<Command>,
    is_idle: bool,
    closed: bool,
}

/// What goes to the scheduler.
pub(super) enum Command {
    /// One task. What its blob and annotations are goes with it.
    Task(NewTask, Blob, Option<Arc<Annotations>>),
    /// Several, whole.
    Submit(Submission),
    /// A future less.
    Release(Key),
    /// A future more.
    Want(Key),
}

impl Command {
    /// The bytes of the tasks; none of what are no tasks.
    fn nbytes(&self) -> Option<usize> {
        let of = |content: &Content| content.as_bytes().map_or(0, |bytes| bytes.len());
        match self {
            Self::Task(task, blob, _) => Some(of(&task.run.payload) + of(&blob.bytes)),
            Self::Submit(submission) => {
                let blobs: usize = submission.blobs.iter().map(|blob| of(&blob.bytes)).sum();
                let tasks = submission.tasks.iter().map(|task| of(&task.run.payload));
                Some(blobs + tasks.sum::<usize>())
            }
            Self::Release(_) | Self::Want(_) => None,
        }
    }
}

/// What Python is to be told.
pub(super) enum Call {
    /// A callback without arguments.
    Plain(Py<PyAny>),
    /// A callback of an answer and an error.
    Answer(Py<PyAny>, Option<Answer>),
    /// A callback of a topic and what there is to say.
    Push(Arc<Py<PyAny>>, Arc<str>, oxidask_sched::data::Data),
}

#[derive(Default)]
struct News {
    calls: VecDeque<Call>,
    closed: bool,
}

impl Link {
    pub(super) fn new(node: Arc<ClientNode>, is_local: bool) -> Arc<Self> {
        Arc::new(Self {
            node,
            is_local,
            functions: Functions::default(),
            outgoing: Mutex::default(),
            wake: Condvar::new(),
            flushing: Mutex::new(()),
            news: Mutex::default(),
            told: Condvar::new(),
            n_last_bytes: AtomicUsize::new(0),
        })
    }

    /// Starts the connection's threads: one takes lists to the scheduler, one calls Python back.
    pub(super) fn start(self: &Arc<Self>) -> std::io::Result<Vec<JoinHandle<()>>> {
        let (sender, herald) = (self.clone(), self.clone());
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        Ok(vec![
            named("oxidask-sender").spawn(move || sender.send_lists())?,
            named("oxidask-herald").spawn(move || herald.call_back())?,
        ])
    }

    /// Puts something on the list.
    pub(super) fn post(&self, command: Command) {
        if let Some(nbytes) = command.nbytes() {
            self.n_last_bytes.store(nbytes, Ordering::Relaxed);
        }
        let mut outgoing = self.outgoing.lock();
        outgoing.list.push(command);
        if outgoing.is_idle {
            outgoing.is_idle = false;
            self.wake.notify_one();
        }
    }

    /// The bytes of the latest tasks that were put on the list together.
    pub(super) fn n_last_bytes(&self) -> usize {
        self.n_last_bytes.load(Ordering::Relaxed)
    }

    /// Takes the list to the scheduler. Detached from Python.
    pub(super) fn flush(&self) {
        let _flushing = self.flushing.lock();
        let list = std::mem::take(&mut self.outgoing.lock().list);
        let mut group = Group::default();
        for command in list {
            group.add(command, &self.node);
        }
        group.send(&self.node);
    }

    fn send_lists(&self) {
        loop {
            let mut outgoing = self.outgoing.lock();
            while outgoing.list.is_empty() {
                if outgoing.closed {
                    return;
                }
                outgoing.is_idle = true;
                self.wake.wait(&mut outgoing);
            }
            drop(outgoing);
            self.flush();
        }
    }

    /// Tells Python on the connection's thread for that. Never blocks.
    pub(super) fn tell(&self, call: Call) {
        let mut news = self.news.lock();
        news.calls.push_back(call);
        if news.calls.len() == 1 {
            self.told.notify_one();
        }
    }

    fn call_back(&self) {
        loop {
            let mut news = self.news.lock();
            while news.calls.is_empty() {
                if news.closed {
                    return;
                }
                self.told.wait(&mut news);
            }
            let calls = std::mem::take(&mut news.calls);
            drop(news);
            // While the interpreter shuts down nobody waits for these.
            let attached =
                Python::try_attach(|py| calls.into_iter().for_each(|call| make(py, call)));
            if attached.is_none() {
                return;
            }
        }
    }

    /// Ends both threads after what they have left to do.
    pub(super) fn close(&self) {
        self.flush();
        self.node.close();
        self.outgoing.lock().closed = true;
        self.wake.notify_all();
        self.news.lock().closed = true;
        self.told.notify_all();
    }

    /// All keys that the user has futures of, how many of each, and where it stands. Detached from Python.
    pub(super) fn held(&self) -> Vec<(Key, u32, FutureState)> {
        self.flush();
        self.node.all_held()
    }

    /// Where a future stands. Detached from Python.
    pub(super) fn state_of(&self, key: &Key) -> FutureState {
        match self.node.settlement(key) {
            Some(Settlement::Finished { .. }) => return FutureState::Finished,
            Some(Settlement::Failed(_)) => return FutureState::Error,
            Some(Settlement::Cancelled) => return FutureState::Cancelled,
            None => {}
        }
        if self.node.is_closed() {
            return FutureState::Cancelled;
        }
        self.flush();
        self.node.state_of(key).unwrap_or(FutureState::Cancelled)
    }
}

/// Calls a callback; what it raises is shown and goes no further.
fn make(py: Python<'_>, call: Call) {
    let made = match &call {
        Call::Plain(callback) => callback.call0(py).map(drop),
        Call::Answer(callback, answer) => {
            let answer = match answer {
                Some(answer) => data::answer_to_python(py, answer.clone()),
                None => Err(pyo3::exceptions::PyConnectionError::new_err("the client is closed")),
            };
            match answer {
                Ok(answer) => callback.call1(py, (answer, py.None())).map(drop),
                Err(error) => callback.call1(py, (py.None(), error.into_value(py))).map(drop),
            }
        }
        Call::Push(callback, topic, body) => data::to_python(py, body)
            .and_then(|body| callback.call1(py, (&**topic, body)).map(drop)),
    };
    if let Err(error) = made {
        let callback = match &call {
            Call::Plain(callback) | Call::Answer(callback, _) => callback,
            Call::Push(callback, ..) => callback,
        };
        error.write_unraisable(py, Some(callback.bind(py)));
    }
}

/// Commands that go together, in order.
#[derive(Default)]
struct Group {
    submission: Submission,
    blobs: FxHashMap<BlobHash, u32>,
    annotations: FxHashMap<usize, u32>,
    released: Vec<Key>,
    wanted: Vec<Key>,
}

impl Group {
    fn add(&mut self, command: Command, node: &ClientNode) {
        match command {
            Command::Task(mut task, blob, annotations) => {
                if !self.released.is_empty() || !self.wanted.is_empty() {
                    self.send(node);
                }
                task.run.blob = self.blob(blob);
                if let Some(annotations) = annotations {
                    task.annotations = self.annotation(&annotations);
                }
                self.submission.tasks.push(task);
            }
            Command::Submit(submission) => {
                self.send(node);
                node.handle(Event::Submit(submission));
            }
            Command::Release(key) => {
                if !self.submission.tasks.is_empty() || !self.wanted.is_empty() {
                    self.send(node);
                }
                self.released.push(key);
            }
            Command::Want(key) => {
                if !self.submission.tasks.is_empty() || !self.released.is_empty() {
                    self.send(node);
                }
                self.wanted.push(key);
            }
        }
    }

    fn blob(&mut self, blob: Blob) -> u32 {
        let blobs = &mut self.submission.blobs;
        *self.blobs.entry(blob.hash).or_insert_with(|| {
            blobs.push(blob);
            blobs.len() as u32 - 1
        })
    }

    fn annotation(&mut self, annotations: &Arc<Annotations>) -> u32 {
        let all = &mut self.submission.annotations;
        *self.annotations.entry(Arc::as_ptr(annotations) as usize).or_insert_with(|| {
            all.push((**annotations).clone());
            all.len() as u32
        })
    }

    fn send(&mut self, node: &ClientNode) {
        self.blobs.clear();
        self.annotations.clear();
        let submission = std::mem::take(&mut self.submission);
        if !submission.tasks.is_empty() {
            node.handle(Event::Submit(submission));
        }
        if !self.released.is_empty() {
            node.handle(Event::Release(std::mem::take(&mut self.released)));
        }
        if !self.wanted.is_empty() {
            node.handle(Event::Want(std::mem::take(&mut self.wanted)));
        }
    }
}
