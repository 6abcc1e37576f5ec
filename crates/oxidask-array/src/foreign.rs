//! The way out to NumPy: what a kernel would compute, as a call of a Python function.
//!
//! A face that has Python registers a [`Foreign`] interpreter once. An op whose inputs have no
//! kernel (other dtypes, masked arrays, arrays of other libraries) runs its [`Call`] there. A
//! program without one gets an error that says so.

use std::sync::OnceLock;

use oxidask_core::op::TaskError;
use oxidask_core::value::Value;

use crate::kernel::Chunk;

/// An argument of a call.
#[derive(Debug, Clone)]
pub enum Arg {
    /// An input of the task.
    Input(usize),
    /// All inputs from this one on, as a list.
    Rest(usize),
    /// `None`.
    None,
    /// `...`
    Ellipsis,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// Text.
    Text(String),
    /// A NumPy dtype by its type string.
    DType(String),
    /// `slice(start, stop, step)`.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// A list.
    List(Vec<Arg>),
    /// A tuple.
    Tuple(Vec<Arg>),
    /// A native array.
    Chunk(Chunk),
}

/// A call of a Python function.
#[derive(Debug, Clone)]
pub struct Call {
    /// Module and name, such as `numpy.add`, or the name of a method after a dot: `.astype`.
    pub function: String,
    /// Positional arguments.
    pub args: Vec<Arg>,
    /// Keyword arguments.
    pub kwargs: Vec<(String, Arg)>,
}

impl Call {
    /// A call without keywords.
    #[must_use]
    pub fn new(function: impl Into<String>, args: impl Into<Vec<Arg>>) -> Self {
        Self { function: function.into(), args: args.into(), kwargs: Vec::new() }
    }

    /// With one more keyword.
    #[must_use]
    pub fn with(mut self, name: &str, arg: Arg) -> Self {
        self.kwargs.push((name.into(), arg));
        self
    }
}

/// An interpreter of calls.
pub trait Foreign: Send + Sync {
    /// The chunk that a foreign value is, if it is one (a plain `ndarray` of a native dtype).
    fn chunk(&self, value: &Value) -> Option<Chunk>;

    /// Runs a call on the inputs of a task.
    ///
    /// # Errors
    /// What the function raised.
    fn call(&self, call: &Call, inputs: &[Value]) -> Result<Value, TaskError>;
}

static FOREIGN: OnceLock<Box<dyn Foreign>> = OnceLock::new();

/// Registers the interpreter; the first one stays.
pub fn register(foreign: Box<dyn Foreign>) {
    // A second registration is by the same face loaded twice.
    let _ = FOREIGN.set(foreign);
}

/// The interpreter, if there is one.
#[must_use]
pub fn interpreter() -> Option<&'static dyn Foreign> {
    FOREIGN.get().map(|foreign| &**foreign)
}
