//! One task on a thread of a worker: from its inputs to its outcome.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use oxidask_core::op::{Op, TaskContext, TaskError};
use oxidask_core::value::{CodecError, Encoded, Family, NativeFamily, Payload, Value};
use oxidask_sched::content::Content;
use oxidask_sched::ids::TaskId;
use oxidask_sched::message::{Blob, Cause, Compute, TaskFailure};
use oxidask_sched::worker::{Copied, Outcome};

use super::memory::Memory;
use crate::cluster::inline::InlineForm;
use crate::cluster::ops::Ops;
use crate::cluster::running::Running;
use crate::local::panic_message;
use crate::store::Found;

/// A task with all that a thread needs to run it.
pub(super) struct Job {
    pub(super) compute: Box<Compute>,
    pub(super) blob: Option<Blob>,
    /// None for those that were here and are not any more.
    pub(super) inputs: Vec<Option<Found>>,
}

/// A value that was put into the store, and what the machine has to know of it. That is found out before any lock is
/// taken: a value may ask its interpreter.
pub(super) struct Landed {
    pub(super) slot: u32,
    pub(super) copied: Copied,
}

/// In the place of a value that could not be brought here: tasks that read it fail, and so does whoever fetches it.
pub(super) struct Unreadable(pub(super) Arc<str>);

impl Payload for Unreadable {
    fn family(&self) -> &'static dyn Family {
        &NativeFamily
    }

    fn nbytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn type_name(&self) -> Cow<'_, str> {
        "unreadable".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        Err(CodecError {
            family: "any",
            type_name: "value".into(),
            direction: "encoded",
            reason: self.0.to_string(),
        })
    }
}

impl Job {
    /// The inputs; those that were lost if there are any.
    fn load(&mut self, memory: &Memory) -> Result<Vec<Value>, Vec<TaskId>> {
        let mut values = Vec::with_capacity(self.inputs.len());
        let mut lost = Vec::new();
        for (found, input) in self.inputs.drain(..).zip(&self.compute.inputs) {
            match found.and_then(|found| memory.store.load(found, memory.has_room()).ok()) {
                Some(value) => values.push(value),
                None => lost.push(input.task),
            }
        }
        if lost.is_empty() { Ok(values) } else { Err(lost) }
    }
}

/// Runs a task: how it ended, and where its value is.
pub(super) fn run(
    mut job: Job,
    running: &Arc<Running>,
    ops: &dyn Ops,
    form: InlineForm,
    memory: &Memory,
) -> (Outcome, Option<u32>) {
    let mut inputs = match job.load(memory) {
        Ok(inputs) => inputs,
        Err(lost) => return (Outcome::InputsLost(lost), None),
    };
    let Job { compute, blob, .. } = job;
    if let Some(Unreadable(reason)) = inputs.iter().find_map(Value::downcast_ref) {
        return (failed(&compute, Cause::Codec, reason.to_string(), Content::new()), None);
    }
    let op = match blob.map(|blob| ops.op(&blob, &compute.spec)) {
        Some(Ok(op)) => op,
        Some(Err(error)) => {
            return (failed(&compute, Cause::Codec, error.to_string(), Content::new()), None);
        }
        None => {
            let text = "its op never came".into();
            return (failed(&compute, Cause::Codec, text, Content::new()), None);
        }
    };
    let start = Instant::now();
    let result = running.during(|| call(&*op, &mut inputs, compute.spec.block));
    let duration_s = start.elapsed().as_secs_f64();
    match result {
        Ok(value) => {
            let nbytes = value.payload().nbytes();
            let type_name = value.payload().type_name().as_ref().into();
            let small = compute.inline && nbytes <= form.most_bytes();
            let inline = if small { form.of(&value) } else { None };
            let slot = memory.put(value, nbytes, compute.actor);
            let (begun_s, thread) = (seconds_since_1970() - duration_s, running.thread);
            let outcome = Outcome::Value { nbytes, duration_s, begun_s, thread, type_name, inline };
            (outcome, Some(slot))
        }
        Err(error) if ops.is_reschedule(&error) => (Outcome::Reschedule, None),
        Err(error) => {
            let (class, bytes) = ops.failure(&error);
            (failed(&compute, Cause::Raised(class), error.to_string(), bytes), None)
        }
    }
}

fn failed(compute: &Compute, cause: Cause, text: String, bytes: Content) -> Outcome {
    let (origin, text) = (compute.key.clone(), text.into());
    Outcome::Failed(Arc::new(TaskFailure { origin, cause, text, bytes }))
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Runs an op; a panic is its failure.
fn call(op: &dyn Op, inputs: &mut [Value], block: u32) -> Result<Value, TaskError> {
    let cancelled = AtomicBool::new(false);
    let ctx = TaskContext { block, cancelled: &cancelled };
    catch_unwind(AssertUnwindSafe(|| op.call(inputs, &ctx)))
        .unwrap_or_else(|panic| Err(TaskError::Panicked(panic_message(&*panic))))
}
