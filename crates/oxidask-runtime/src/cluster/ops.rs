//! From what a task is sent as to the op that runs it.

use std::sync::Arc;

use oxidask_core::op::{Op, TaskError};
use oxidask_core::value::CodecError;
use oxidask_sched::content::Content;
use oxidask_sched::message::{Blob, RunSpec};

/// An op of this process, as content.
#[derive(Clone)]
pub struct OpObject(pub Arc<dyn Op>);

/// Makes ops of what tasks are sent as.
pub trait Ops: Send + Sync {
    /// The op of a task.
    ///
    /// # Errors
    /// If the task is in bytes of a family that is not known here, or in bytes that its family can't read.
    fn op(&self, blob: &Blob, spec: &RunSpec) -> Result<Arc<dyn Op>, CodecError>;

    /// The class of a failure and the failure in bytes, for clients elsewhere. Without an implementation of
    /// its own a family sends the words only.
    fn failure(&self, error: &TaskError) -> (Arc<str>, Content) {
        let class = match error {
            TaskError::Raised(_) => "TaskError",
            TaskError::Panicked(_) => "Panic",
            TaskError::Cancelled => "Cancelled",
        };
        (class.into(), Content::new())
    }

    /// Whether a failure is a task's wish to be run elsewhere or later.
    fn is_reschedule(&self, error: &TaskError) -> bool {
        let _ = error;
        false
    }
}

/// The family of ops that never leave their process.
pub const HERE: &str = "here";

/// Ops of this process only: a task's own, or the one that it shares.
pub struct OpsHere;

impl Ops for OpsHere {
    fn op(&self, blob: &Blob, spec: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        let object = |content: &Content| content.downcast_ref::<OpObject>().map(|op| op.0.clone());
        object(&spec.payload).or_else(|| object(&blob.bytes)).ok_or_else(|| CodecError {
            family: HERE,
            type_name: blob.family.to_string(),
            direction: "decoded",
            reason: "it came as bytes, and this worker runs ops of its own process only".into(),
        })
    }

    fn failure(&self, error: &TaskError) -> (Arc<str>, Content) {
        ("TaskError".into(), Content::object(error.clone()))
    }
}
