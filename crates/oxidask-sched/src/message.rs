//! Every message between the machines.
//!
//! Streams between two machines are ordered and whole: the session layer of the runtime sends again
//! what a broken connection lost, and a session that can't be resumed is a peer that is gone.
//! Between different pairs nothing is ordered.
//!
//! Clients name tasks by [`Key`]; scheduler and workers by [`TaskId`] and [`RunId`]. Messages are plain
//! data, so that an in-process cluster hands them over as they are and a wire encodes them.

use std::sync::Arc;

use oxidask_core::key::Key;
use smallvec::SmallVec;

use crate::content::Content;
use crate::data::{Answer, Data};
use crate::ids::{BlobHash, ClientId, RunId, TaskId, WorkerId};

/// Workers that hold a value: mostly one or two.
pub type Holders = SmallVec<[WorkerId; 2]>;

/// What tasks share and a worker is sent once: a pickled function, or an encoded native op.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blob {
    /// Names the content.
    pub hash: BlobHash,
    /// The family that can decode it (`python`, `array`, ...).
    pub family: Arc<str>,
    /// What only that family reads.
    pub bytes: Content,
}

/// What one task runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunSpec {
    /// The shared part: an index into the blobs of the submission, or of the scheduler.
    pub blob: u32,
    /// The task's block, for ops that serve a grid of them.
    pub block: u32,
    /// The task's own part, such as pickled arguments. Empty for tasks of native layers.
    pub payload: Content,
}

/// How often and when a task that raised is tried again.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RetryPolicy {
    /// Further attempts.
    pub n: u32,
    /// Seconds before the first of them; zero tries at once.
    pub backoff_s: f64,
    /// By how much the wait grows with each attempt.
    pub factor: f64,
    /// No wait is longer.
    pub max_backoff_s: f64,
    /// Names of the exception classes that count, `module.Class`; none means all of them.
    pub only: Vec<Arc<str>>,
}

/// What a user says about how a task is to be run. Tasks without any share none of these.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Annotations {
    /// Higher runs earlier.
    pub priority: i32,
    /// Names, addresses or hosts of the workers that may run it; none means any.
    pub workers: Vec<Arc<str>>,
    /// Whether others may run it where none of `workers` is there.
    pub allow_other_workers: bool,
    /// What it takes of each resource while it runs.
    pub resources: Vec<(Arc<str>, f64)>,
    /// What happens when it raises.
    pub retries: RetryPolicy,
    /// Seconds that one attempt may take.
    pub timeout_s: Option<f64>,
    /// Its value is an object that stays on its worker and answers calls.
    pub actor: bool,
    /// At most so many tasks of this name run at a time, on the whole cluster.
    pub limit: Option<(Arc<str>, u32)>,
}

/// What a task reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InputRef {
    /// A task of the same submission, by its index.
    Local(u32),
    /// A task that the scheduler knows.
    Known(Key),
}

/// A task as a client submits it.
#[derive(Clone, PartialEq, Debug)]
pub struct NewTask {
    /// Its name. A task of a name that the scheduler knows is that task.
    pub key: Key,
    /// What it runs.
    pub run: RunSpec,
    /// What it reads, in order.
    pub inputs: Vec<InputRef>,
    /// Whether the client holds its result.
    pub wanted: bool,
    /// One more than an index into the submission's annotations; zero for none.
    pub annotations: u32,
}

/// Tasks that a client submits together, the most urgent first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Submission {
    /// The client's number for it, for errors that concern all of it.
    pub number: u64,
    /// Shared parts that the tasks name by index. A blob without bytes was sent before.
    pub blobs: Vec<Blob>,
    /// What users said, by index.
    pub annotations: Vec<Annotations>,
    /// The tasks.
    pub tasks: Vec<NewTask>,
}

/// Where a value is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Location {
    /// Workers that hold it.
    pub holders: Holders,
    /// Its estimated bytes.
    pub nbytes: u64,
}

/// A small value in its byte form, carried beside the news that it is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inline {
    /// The family that can decode it.
    pub family: Arc<str>,
    /// What only that family reads.
    pub bytes: Content,
}

/// Why a task has no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskFailure {
    /// The task that failed first: what failed for its sake names it.
    pub origin: Key,
    /// What kind of failure it is.
    pub cause: Cause,
    /// The failure in words, for those who can't read `bytes`.
    pub text: Arc<str>,
    /// The exception and its traceback, in bytes that the family of the task reads.
    pub bytes: Content,
}

/// Kinds of failures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The task's own code raised an exception of this class, `module.Class`.
    Raised(Arc<str>),
    /// So many workers died while they ran it; the last one and what is known of its death.
    KilledWorkers {
        /// How many.
        n: u32,
        /// The last one's address.
        last: Arc<str>,
    },
    /// An attempt took longer than the task's timeout.
    TimedOut,
    /// Its value was scattered or came from a task that is forgotten, and all who held it are gone.
    Lost,
    /// It names an input that the scheduler doesn't know.
    UnknownInput(Key),
    /// The task can't be decoded, or its value can't be encoded where it must be.
    Codec,
    /// No worker may ever run it.
    Unrunnable,
}

/// What a client says.
#[derive(Clone, PartialEq, Debug)]
pub enum FromClient {
    /// New tasks.
    Submit(Submission),
    /// The client holds these as well. Those that the scheduler doesn't know are answered as lost.
    Want(Vec<Key>),
    /// The client no longer holds these.
    Release(Vec<Key>),
    /// Stop these, whoever else waits for them.
    Cancel {
        /// The tasks.
        keys: Vec<Key>,
        /// Also if other clients hold them.
        force: bool,
    },
    /// Run these again, and those that failed for their sake.
    Retry(Vec<Key>),
    /// Values that the client has put on workers.
    Scattered(Vec<(Key, Location)>),
    /// Where these are: answered by [`ToClient::Located`].
    Locate {
        /// Comes back with the answer.
        request: u64,
        /// The tasks.
        keys: Vec<Key>,
    },
    /// These could not be fetched from these workers.
    Unfetched(Vec<(Key, WorkerId)>),
    /// The client will send these shared parts with their bytes when it names them again.
    DropBlobs(Vec<BlobHash>),
    /// Copies of these are to be on so many of these workers (of all, if none is named).
    Replicate {
        /// The tasks.
        keys: Vec<Key>,
        /// How many copies.
        n: u32,
        /// Where.
        workers: Vec<WorkerId>,
    },
    /// A question that has no message of its own: answered by [`ToClient::Answer`].
    Ask {
        /// Comes back with the answer.
        request: u64,
        /// What is asked: `lock.acquire`, say.
        verb: Arc<str>,
        /// What the question is about.
        body: Data,
    },
    /// The client no longer waits for the answer to this question.
    Abandon(u64),
    /// Where the client is to put values of its own: answered by [`ToClient::Located`], each with the workers
    /// that are to have it, or none if no worker may. The tasks are there once the workers announce them.
    Place {
        /// Comes back with the answer.
        request: u64,
        /// The values: names, estimated bytes and names of types.
        values: Vec<(Key, (u64, Arc<str>))>,
        /// Names, addresses or hosts of the workers that may have them; none means any.
        workers: Vec<Arc<str>>,
        /// Whether each of the workers gets every value.
        broadcast: bool,
    },
}

/// What a client is told.
#[derive(Clone, PartialEq, Debug)]
pub enum ToClient {
    /// A value is there.
    Ready {
        /// The task.
        key: Key,
        /// Estimated bytes.
        nbytes: u64,
        /// The name of its type.
        type_name: Arc<str>,
        /// The value, if it is small.
        inline: Option<Inline>,
    },
    /// A task has failed.
    Failed {
        /// The task.
        key: Key,
        /// Why.
        failure: Arc<TaskFailure>,
    },
    /// A value that was there is lost and is being computed again.
    Lost(Key),
    /// A task was cancelled, or is not known.
    Cancelled(Key),
    /// The answer to [`FromClient::Locate`], in the order of its keys.
    Located {
        /// The request's.
        request: u64,
        /// What workers know each by and where it is; none for those without a value now.
        places: Vec<Option<Input>>,
    },
    /// Where a worker is reached: said before its number is first named.
    Peer {
        /// The worker.
        worker: WorkerId,
        /// Its address.
        address: Arc<str>,
    },
    /// The submission of this number is refused as a whole.
    Refused {
        /// The client's number for it.
        submission: u64,
        /// Why, and what to do.
        reason: Arc<str>,
    },
    /// The answer to [`FromClient::Ask`].
    Answer {
        /// The request's.
        request: u64,
        /// The answer.
        answer: Answer,
    },
    /// Something that the client has subscribed to.
    Push {
        /// What it is about.
        topic: Arc<str>,
        /// What there is to say.
        body: Data,
    },
}

/// An input of a task, for the worker that runs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// The task whose value it is.
    pub task: TaskId,
    /// Where it is and how large.
    pub place: Location,
}

/// A task for a worker.
#[derive(Clone, PartialEq, Debug)]
pub struct Compute {
    /// The task.
    pub task: TaskId,
    /// This attempt.
    pub run: RunId,
    /// Its name, for the user's eyes.
    pub key: Key,
    /// What it runs; its blob is one that the worker was sent with [`ToWorker::Blob`].
    pub spec: RunSpec,
    /// What it reads.
    pub inputs: Vec<Input>,
    /// Smaller runs earlier.
    pub priority: u64,
    /// What it takes of the worker's resources.
    pub resources: Vec<(Arc<str>, f64)>,
    /// Its value is sent along if it is small: a client waits for it.
    pub inline: bool,
    /// Its value stays there as an actor.
    pub actor: bool,
}

/// What a worker is told.
#[derive(Clone, PartialEq, Debug)]
pub enum ToWorker {
    /// A shared part under the number that tasks will name it by.
    Blob {
        /// The scheduler's number for it.
        number: u32,
        /// The content.
        blob: Blob,
    },
    /// A shared part is not needed any more.
    DropBlob(u32),
    /// Run this.
    Compute(Box<Compute>),
    /// Don't run this if it has not started: answered by [`FromWorker::Retracted`] or not at all.
    Retract {
        /// The task.
        task: TaskId,
        /// The attempt.
        run: RunId,
    },
    /// Nobody waits for this attempt any more. It is answered by [`FromWorker::Retracted`], whatever it
    /// gives: at once if it has not started, else when it ends, or when a [`ToWorker::Compute`] of the task
    /// takes it over.
    Cancel {
        /// The task.
        task: TaskId,
        /// The attempt.
        run: RunId,
    },
    /// Drop the values of these.
    Free(Vec<TaskId>),
    /// Get copies of these from those who hold them.
    Acquire(Vec<Input>),
    /// Where another worker is reached: said before its number is first named.
    Peer {
        /// The worker.
        worker: WorkerId,
        /// Its address.
        address: Arc<str>,
    },
    /// A question for the worker's host: answered by [`FromWorker::Answer`].
    Ask {
        /// Comes back with the answer.
        request: u64,
        /// What is asked.
        verb: Arc<str>,
        /// What the question is about.
        body: Data,
    },
    /// Leave: nothing is needed here any more. Says why.
    Close(Arc<str>),
}

/// What a worker says.
#[derive(Clone, PartialEq, Debug)]
pub enum FromWorker {
    /// An attempt has begun to run.
    Started {
        /// The task.
        task: TaskId,
        /// The attempt.
        run: RunId,
    },
    /// An attempt has given a value, which the worker holds.
    Finished(Box<Finished>),
    /// An attempt has raised.
    Failed {
        /// The task.
        task: TaskId,
        /// The attempt.
        run: RunId,
        /// Why.
        failure: Arc<TaskFailure>,
    },
    /// An attempt is over and has left nothing: it was given back before it started, or was cancelled.
    Retracted {
        /// The task.
        task: TaskId,
        /// The attempt.
        run: RunId,
    },
    /// An attempt can't start: these inputs could not be had from any of their holders.
    MissingInputs {
        /// The task.
        task: TaskId,
        /// The attempt.
        run: RunId,
        /// The inputs, each with those who did not have it or did not answer.
        inputs: Vec<(TaskId, Vec<WorkerId>)>,
    },
    /// The task asks to be run elsewhere or later.
    Reschedule {
        /// The task.
        task: TaskId,
        /// The attempt.
        run: RunId,
    },
    /// The task has left its thread to others and goes on without one.
    Seceded {
        /// The task.
        task: TaskId,
        /// The attempt.
        run: RunId,
    },
    /// The worker has copies of these.
    Copied(Vec<TaskId>),
    /// The worker has no copies of these, against what the scheduler thinks or had asked for.
    Dropped(Vec<TaskId>),
    /// Its state of health.
    Health(Health),
    /// The answer to [`ToWorker::Ask`].
    Answer {
        /// The request's.
        request: u64,
        /// The answer.
        answer: Answer,
    },
    /// Something for all who have subscribed to the topic.
    Push {
        /// What it is about.
        topic: Arc<str>,
        /// What there is to say.
        body: Data,
    },
    /// The worker wants to leave once others have what is needed of it.
    Retire,
}

/// What an attempt gave.
#[derive(Clone, PartialEq, Debug)]
pub struct Finished {
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub run: RunId,
    /// Estimated bytes of the value.
    pub nbytes: u64,
    /// Seconds that it ran.
    pub duration_s: f64,
    /// When it began, in seconds since 1970 by the worker's clock.
    pub begun_s: f64,
    /// Which of the worker's threads ran it.
    pub thread: u32,
    /// The name of the value's type.
    pub type_name: Arc<str>,
    /// The value, if it is small and was asked for.
    pub inline: Option<Inline>,
}

/// How a worker is.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Health {
    /// Bytes of memory that its process has.
    pub memory_bytes: u64,
    /// Bytes of values that it holds in memory.
    pub managed_bytes: u64,
    /// Bytes of values that it has put on disk.
    pub spilled_bytes: u64,
    /// Starts no tasks until it has memory again.
    pub paused: bool,
    /// Bytes a second that fetches from peers have got lately; zero if there were none.
    pub bandwidth: f64,
}

/// Who a worker is.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct WorkerInfo {
    /// What people and restrictions call it.
    pub name: Arc<str>,
    /// Where peers and clients reach it.
    pub address: Arc<str>,
    /// The machine it is on.
    pub host: Arc<str>,
    /// Tasks that it runs at a time.
    pub n_threads: u32,
    /// Bytes that it may use; zero for no limit.
    pub memory_limit_bytes: u64,
    /// What it has of each resource.
    pub resources: Vec<(Arc<str>, f64)>,
    /// What people are told of it beside: a map of its process, its directory, whether a nanny (`nanny`) starts it
    /// again, and the like.
    pub extra: Data,
}

/// Who a client is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientInfo {
    /// What the client calls itself.
    pub name: Arc<str>,
}

/// What happens to a scheduler.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A worker has come.
    WorkerJoined(WorkerId, WorkerInfo),
    /// A worker is gone for good, with all that it had; and what is known about how.
    WorkerLost(WorkerId, Arc<str>),
    /// A worker leaves of its own: its tasks go elsewhere first.
    WorkerRetires(WorkerId),
    /// A worker has said something.
    Worker(WorkerId, FromWorker),
    /// A client has come.
    ClientJoined(ClientId, ClientInfo),
    /// A client is gone, and with it all that it held.
    ClientLost(ClientId),
    /// A client has said something.
    Client(ClientId, FromClient),
    /// The host has answered a question of [`Action::Ask`].
    Answered(ClientId, u64, Answer),
    /// Time has come to what the scheduler said.
    Tick,
}

/// What a scheduler wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Tell a worker.
    Worker(WorkerId, ToWorker),
    /// Tell a client.
    Client(ClientId, ToClient),
    /// A retiring worker has nothing left that is needed.
    Retired(WorkerId),
    /// A client asks what this machine does not know: for its host, answered by [`Event::Answered`].
    Ask {
        /// Who asks.
        client: ClientId,
        /// The client's number for it.
        request: u64,
        /// What is asked.
        verb: Arc<str>,
        /// What the question is about.
        body: Data,
    },
}
