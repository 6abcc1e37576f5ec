//! All messages and structures, as they travel.
//!
//! The numbers and the orders of fields below are the protocol. Fields are only ever added at the
//! end, and numbers never used again.

use oxidask_sched::data::AskError;
use oxidask_sched::message::{
    Annotations, Blob, Cause, ClientInfo, Compute, Finished, FromClient, FromWorker, Health,
    Inline, Input, Location, NewTask, RetryPolicy, RunSpec, Submission, TaskFailure, ToClient,
    ToWorker, WorkerInfo,
};

use super::{DecodeError, Decoder, Encoder, Field, Message, structures, variants};

impl Message for FromClient {}
impl Message for ToClient {}
impl Message for FromWorker {}
impl Message for ToWorker {}

structures! {
    Blob { hash, family, bytes }
    RunSpec { blob, block, payload }
    RetryPolicy { n, backoff_s, factor, max_backoff_s, only }
    Annotations {
        priority, workers, allow_other_workers, resources, retries, timeout_s, actor, limit,
    }
    NewTask { key, run, inputs, wanted, annotations }
    Submission { number, blobs, annotations, tasks }
    Location { holders, nbytes }
    Inline { family, bytes }
    TaskFailure { origin, cause, text, bytes }
    Input { task, place }
    Compute { task, run, key, spec, inputs, priority, resources, inline, actor }
    Finished { task, run, nbytes, duration_s, type_name, inline, begun_s, thread }
    AskError { class, text, bytes }
    Health { memory_bytes, managed_bytes, spilled_bytes, paused, bandwidth }
    WorkerInfo { name, address, host, n_threads, memory_limit_bytes, resources, extra }
    ClientInfo { name }
}

variants!(Cause {
    0 = Raised(class),
    1 = KilledWorkers { n, last },
    2 = TimedOut,
    3 = Lost,
    4 = UnknownInput(key),
    5 = Codec,
    6 = Unrunnable,
});

variants!(FromClient {
    0 = Submit(submission),
    1 = Want(keys),
    2 = Release(keys),
    3 = Cancel { keys, force },
    4 = Retry(keys),
    5 = Scattered(values),
    6 = Locate { request, keys },
    7 = Unfetched(values),
    8 = Replicate { keys, n, workers },
    9 = DropBlobs(hashes),
    10 = Ask { request, verb, body },
    11 = Abandon(request),
    12 = Place { request, values, workers, broadcast },
});

variants!(ToClient {
    0 = Ready { key, nbytes, type_name, inline },
    1 = Failed { key, failure },
    2 = Lost(key),
    3 = Cancelled(key),
    4 = Located { request, places },
    5 = Refused { submission, reason },
    6 = Peer { worker, address },
    7 = Answer { request, answer },
    8 = Push { topic, body },
});

variants!(ToWorker {
    0 = Blob { number, blob },
    1 = DropBlob(number),
    2 = Compute(compute),
    3 = Retract { task, run },
    4 = Cancel { task, run },
    5 = Free(tasks),
    6 = Acquire(inputs),
    7 = Peer { worker, address },
    8 = Ask { request, verb, body },
    9 = Close(reason),
});

variants!(FromWorker {
    0 = Started { task, run },
    1 = Finished(finished),
    2 = Failed { task, run, failure },
    3 = Retracted { task, run },
    4 = MissingInputs { task, run, inputs },
    5 = Reschedule { task, run },
    6 = Seceded { task, run },
    7 = Copied(tasks),
    8 = Dropped(tasks),
    9 = Health(health),
    10 = Answer { request, answer },
    11 = Push { topic, body },
    12 = Retire,
});
