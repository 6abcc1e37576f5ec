//! What a task runs.
//!
//! An [`Op`] is called with the values of the task's inputs and gives one value. Ops that share
//! an interpreter (Python's) name a [`Lane`]: schedulers enter it once for a batch of tasks
//! instead of once a task. Ops without a lane run anywhere, in parallel.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::optimize::Program;
use crate::value::Value;

/// The work of a task.
pub trait Op: Send + Sync {
    /// Computes the task's value. `inputs` are in the order in which the graph lists them; an op
    /// may change in place one that nobody else holds, and need not leave them as they were.
    ///
    /// # Errors
    /// Whatever the user's code raised; it becomes the task's failure.
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError>;

    /// The interpreter that the op needs, if any.
    fn lane(&self) -> Option<&'static dyn Lane> {
        None
    }

    /// The name for pictures, profiles and errors: the function's.
    fn name(&self) -> Cow<'_, str>;

    /// The value, for an op that only holds one: such a task needs no run.
    fn constant(&self) -> Option<Value> {
        None
    }

    /// The op itself, for those who know its type and look inside.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }

    /// The program, for an op that fusion made.
    fn as_program(&self) -> Option<&Program> {
        None
    }
}

/// What an op may know of the task it runs for.
#[derive(Clone, Copy)]
pub struct TaskContext<'a> {
    /// The block of the layer that is computed: its linear index.
    pub block: u32,
    /// Raised when nobody waits for the result any more. Long native ops look at it.
    pub cancelled: &'a AtomicBool,
}

impl TaskContext<'_> {
    /// Whether the computation was given up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// An interpreter that tasks enter together, such as Python with its lock.
pub trait Lane: Send + Sync {
    /// A small number that tells lanes apart.
    fn id(&self) -> usize;

    /// Runs `body` inside. Entering may block while another thread is inside.
    fn enter(&self, body: &mut dyn FnMut());
}

/// Why a task has no value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TaskError {
    /// The task's own code failed.
    #[error("{0}")]
    Raised(Arc<dyn Error + Send + Sync>),
    /// The task's native code panicked: a bug, in the op or in us.
    #[error("the task's native code panicked: {0}")]
    Panicked(String),
    /// The computation was given up before the task could end.
    #[error("the task was cancelled")]
    Cancelled,
}

impl TaskError {
    /// A failure of the task's own code.
    pub fn raised(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Raised(Arc::new(error))
    }
}

/// An op that is a value.
pub struct Constant(pub Value);

impl Op for Constant {
    fn call(&self, _: &mut [Value], _: &TaskContext<'_>) -> Result<Value, TaskError> {
        Ok(self.0.clone())
    }

    fn name(&self) -> Cow<'_, str> {
        "constant".into()
    }

    fn constant(&self) -> Option<Value> {
        Some(self.0.clone())
    }
}

/// An op that is a Rust function of the inputs.
pub struct Function<F> {
    name: Cow<'static, str>,
    function: F,
}

impl<F> Function<F>
where
    F: Fn(&mut [Value], &TaskContext<'_>) -> Result<Value, TaskError> + Send + Sync,
{
    /// Wraps `function` under a name for people.
    pub fn new(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self { name: name.into(), function }
    }
}

impl<F> Op for Function<F>
where
    F: Fn(&mut [Value], &TaskContext<'_>) -> Result<Value, TaskError> + Send + Sync,
{
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        (self.function)(inputs, ctx)
    }

    fn name(&self) -> Cow<'_, str> {
        self.name.as_ref().into()
    }
}
