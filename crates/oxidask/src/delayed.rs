//! Calls put off: functions and what they are given, to be run later and in parallel.
//!
//! A [`Delayed`] stands for a value that a task will give. [`Delayed::then`] makes a task that
//! reads it, [`join`] one that reads several. Nothing runs before somebody [computes](crate::compute).
//! Making one takes about a microsecond and constant memory, whatever stands behind it.

use std::any::type_name;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use oxidask_core::key::Key;
use oxidask_core::node::Node;
use oxidask_core::op::{Constant, Function, Op, TaskContext, TaskError};
use oxidask_core::tokenize::Tokenize;
use oxidask_core::value::Value;

use crate::draw;
use crate::error::Error;
use crate::held::{Held, plain, share};
use crate::inputs::{Inputs, Shape};
use crate::names::{function_name, pure_key, unique_key};
use crate::scheduler;
use crate::spill::{CodecOf, Spillable};
use crate::visualize::Picture;

/// A value that a task will give. Cloning gives another handle to the same task.
///
/// ```
/// use oxidask::{delayed, join};
///
/// let one = delayed(|| 1);
/// let two = one.then(|x| x + 1);
/// let sum = join((&one, &two)).then(|(x, y)| x + y);
/// assert_eq!(*sum.compute()?, 3);
/// # Ok::<(), oxidask::Error>(())
/// ```
pub struct Delayed<T> {
    node: Node,
    value: PhantomData<fn() -> T>,
}

/// What a failing function may return: any error, or a text.
type Boxed = Box<dyn StdError + Send + Sync>;

/// Puts a call off.
///
/// Its key, for pictures and errors, starts with the function's name; a closure goes by the name of
/// the function that it is written in. [`Delayed::named`] gives a better one.
///
/// The function is called again in each computation that needs its value.
///
/// ```
/// let greeting = oxidask::delayed(|| "hello".to_owned());
/// assert_eq!(*greeting.compute()?, "hello");
/// # Ok::<(), oxidask::Error>(())
/// ```
pub fn delayed<T, F>(function: F) -> Delayed<T>
where
    T: Send + Sync + 'static,
    F: Fn() -> T + Send + Sync + 'static,
{
    Joined { nodes: Vec::new(), shape: () }.then(move |()| function())
}

/// Puts off a call that may fail.
///
/// The error of a failing call ends the computation: [`Error::Task`] names the task, and
/// [`Error::cause`] gives the error itself.
///
/// ```
/// let number = oxidask::try_delayed(|| "12".parse::<i64>());
/// assert_eq!(*number.compute()?, 12);
/// # Ok::<(), oxidask::Error>(())
/// ```
pub fn try_delayed<T, E, F>(function: F) -> Delayed<T>
where
    T: Send + Sync + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    F: Fn() -> Result<T, E> + Send + Sync + 'static,
{
    Joined { nodes: Vec::new(), shape: () }.try_then(move |()| function())
}

/// Puts off a call that always gives the same value for the same argument.
///
/// Calls of one function with equal arguments share a key, and so run once in a computation.
/// Arguments are told apart by their [tokens](oxidask_core::tokenize), and functions by their type:
/// one that captures something is refused by the compiler.
///
/// ```
/// use oxidask::{delayed_pure, join};
///
/// fn square(x: &i64) -> i64 {
///     x * x
/// }
///
/// let (a, b) = (delayed_pure(square, 7), delayed_pure(square, 7));
/// assert_eq!(a.key(), b.key());
/// assert_eq!(*join((&a, &b)).then(|(a, b)| a + b).compute()?, 98);
/// # Ok::<(), oxidask::Error>(())
/// ```
///
/// ```compile_fail
/// let n = 7;
/// let a = oxidask::delayed_pure(move |x: &i64| x * n, 7);
/// ```
pub fn delayed_pure<A, T, F>(function: F, argument: A) -> Delayed<T>
where
    A: Tokenize + Send + Sync + 'static,
    T: Send + Sync + 'static,
    F: Fn(&A) -> T + Send + Sync + 'static,
{
    let name = function_name::<F>();
    let key = pure_key::<F>(name, &[], Some(&argument));
    let op = Function::new(name, move |_: &mut [Value], _: &TaskContext<'_>| {
        Ok(plain(function(&argument)))
    });
    Delayed::from_node(Node::new(key, Arc::new(op), Vec::new()))
}

impl<T: Send + Sync + 'static> Delayed<T> {
    /// A value that is known already.
    ///
    /// ```
    /// let x = oxidask::Delayed::value(20);
    /// assert_eq!(*x.then(|x| x + 1).compute()?, 21);
    /// # Ok::<(), oxidask::Error>(())
    /// ```
    #[must_use]
    pub fn value(value: T) -> Self {
        Self::from_node(Node::new(
            unique_key("value"),
            Arc::new(Constant(plain(value))),
            Vec::new(),
        ))
    }

    /// A task that reads this value.
    ///
    /// ```
    /// let words = oxidask::delayed(|| vec!["a", "bc"]);
    /// assert_eq!(*words.then(|words| words.len()).compute()?, 2);
    /// # Ok::<(), oxidask::Error>(())
    /// ```
    pub fn then<U, F>(&self, function: F) -> Delayed<U>
    where
        U: Send + Sync + 'static,
        F: Fn(&T) -> U + Send + Sync + 'static,
    {
        join(self).then(function)
    }

    /// A task that reads this value and may fail.
    ///
    /// ```
    /// let text = oxidask::delayed(|| "1.5");
    /// assert_eq!(*text.try_then(|text| text.parse::<f64>()).compute()?, 1.5);
    /// # Ok::<(), oxidask::Error>(())
    /// ```
    pub fn try_then<U, E, F>(&self, function: F) -> Delayed<U>
    where
        U: Send + Sync + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
        F: Fn(&T) -> Result<U, E> + Send + Sync + 'static,
    {
        join(self).try_then(function)
    }

    /// A task that reads this value and always gives the same for it: see [`delayed_pure`].
    ///
    /// ```
    /// let x = oxidask::delayed(|| 2);
    /// let double = |x: &i32| x * 2;
    /// assert_eq!(x.then_pure(double).key(), x.then_pure(double).key());
    /// ```
    pub fn then_pure<U, F>(&self, function: F) -> Delayed<U>
    where
        U: Send + Sync + 'static,
        F: Fn(&T) -> U + Send + Sync + 'static,
    {
        join(self).then_pure(function)
    }

    /// The same task under another name, with a unique token after it.
    ///
    /// Tasks of one name are taken for alike: a memory budget predicts what one of them will need
    /// from what the others took.
    ///
    /// ```
    /// let x = oxidask::delayed(|| 1).named("load");
    /// assert!(x.key().to_string().starts_with("load-"));
    /// ```
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        self.renamed(unique_key(name), name.to_owned())
    }

    /// The same task with exactly this key. Among tasks of one key that meet in a computation, the
    /// first that is found stands for all.
    ///
    /// ```
    /// let x = oxidask::delayed(|| 1).with_key("x");
    /// assert_eq!(x.key().to_string(), "x");
    /// ```
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        self.renamed(key.into(), key.to_owned())
    }

    fn renamed(&self, key: Key, name: String) -> Self {
        let op = Renamed { name, op: Arc::clone(self.node.op()) };
        Self::from_node(Node::new(key, Arc::new(op), self.node.inputs()))
    }

    /// The same task, whose value may go to disk when memory is short: see [`Spillable`]. Values of
    /// other tasks stay in memory, and count with the size of `T` itself only.
    #[must_use]
    pub fn spillable(&self) -> Self
    where
        T: Spillable,
    {
        let op = spilling::<T>(Arc::clone(self.node.op()));
        Self::from_node(Node::new(self.key().clone(), op, self.node.inputs()))
    }

    /// Computes the value on the threads of this machine, with the default settings of a
    /// [`crate::Scheduler`].
    ///
    /// # Errors
    /// Whatever keeps the value from being computed, [`Error::Task`] above all.
    pub fn compute(&self) -> Result<Arc<T>, Error> {
        scheduler::compute(self)
    }

    /// Computes the value and gives a delayed value of the same key that holds it.
    ///
    /// # Errors
    /// Those of [`Delayed::compute`].
    ///
    /// ```
    /// let data = oxidask::delayed(|| vec![1, 2, 3]).persist()?;
    /// assert_eq!(*data.then(|data| data.len()).compute()?, 3);
    /// # Ok::<(), oxidask::Error>(())
    /// ```
    pub fn persist(&self) -> Result<Self, Error> {
        scheduler::persist(self)
    }

    /// A picture of all the tasks behind this value.
    ///
    /// # Errors
    /// [`Error::Graph`] if they wait for each other.
    pub fn picture(&self) -> Result<Picture, Error> {
        draw::picture(self)
    }

    /// Draws all the tasks behind this value into a file, as SVG, PNG or DOT by its ending.
    ///
    /// # Errors
    /// [`Error::Graph`] if they wait for each other, [`Error::PictureFormat`] for another ending,
    /// and [`Error::PictureFile`] if the file can't be written.
    pub fn visualize(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        draw::visualize(self, path)
    }
}

impl<T> Delayed<T> {
    /// The task's key.
    #[must_use]
    pub fn key(&self) -> &Key {
        self.node.key()
    }

    /// The task and, through its inputs, everything that it needs.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    pub(crate) fn from_node(node: Node) -> Self {
        Self { node, value: PhantomData }
    }
}

impl<T> Clone for Delayed<T> {
    fn clone(&self) -> Self {
        Self::from_node(self.node.clone())
    }
}

impl<T> fmt::Debug for Delayed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delayed<{}>({})", type_name::<T>(), self.key())
    }
}

/// Brings delayed values together, for a task that reads them all.
///
/// ```
/// use oxidask::{Delayed, delayed, join};
///
/// let factor = delayed(|| 10);
/// let parts: Vec<Delayed<i32>> = (0..4).map(|i| delayed(move || i)).collect();
/// let scaled = join((&factor, &parts)).then(|(factor, parts)| factor * parts.into_iter().sum::<i32>());
/// assert_eq!(*scaled.compute()?, 60);
/// # Ok::<(), oxidask::Error>(())
/// ```
pub fn join<I: Inputs>(inputs: I) -> Joined<I::Shape> {
    let mut nodes = Vec::new();
    let shape = inputs.take_apart(&mut nodes);
    Joined { nodes, shape }
}

/// Delayed values that one task will read: see [`join`].
#[must_use = "nothing reads the joined values until `then` makes a task of them"]
pub struct Joined<S> {
    nodes: Vec<Node>,
    shape: S,
}

impl<S: Shape> Joined<S> {
    /// A task that reads the values.
    pub fn then<U, F>(self, function: F) -> Delayed<U>
    where
        U: Send + Sync + 'static,
        F: for<'a> Fn(S::Args<'a>) -> U + Send + Sync + 'static,
    {
        let name = function_name::<F>();
        self.task(unique_key(name), name, function)
    }

    /// A task that reads the values and may fail.
    pub fn try_then<U, E, F>(self, function: F) -> Delayed<U>
    where
        U: Send + Sync + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
        F: for<'a> Fn(S::Args<'a>) -> Result<U, E> + Send + Sync + 'static,
    {
        let Self { nodes, shape } = self;
        let name = function_name::<F>();
        let op = Function::new(name, move |values: &mut [Value], _: &TaskContext<'_>| {
            function(shape.args(&mut values.iter())?).map(plain).map_err(raised)
        });
        Delayed::from_node(Node::new(unique_key(name), Arc::new(op), nodes))
    }

    /// A task that reads the values and always gives the same for them: see [`delayed_pure`].
    pub fn then_pure<U, F>(self, function: F) -> Delayed<U>
    where
        U: Send + Sync + 'static,
        F: for<'a> Fn(S::Args<'a>) -> U + Send + Sync + 'static,
    {
        let name = function_name::<F>();
        let key = pure_key::<F>(name, &self.nodes, None);
        self.task(key, name, function)
    }

    fn task<U, F>(self, key: Key, name: &'static str, function: F) -> Delayed<U>
    where
        U: Send + Sync + 'static,
        F: for<'a> Fn(S::Args<'a>) -> U + Send + Sync + 'static,
    {
        let Self { nodes, shape } = self;
        let op = Function::new(name, move |values: &mut [Value], _: &TaskContext<'_>| {
            Ok(plain(function(shape.args(&mut values.iter())?)))
        });
        Delayed::from_node(Node::new(key, Arc::new(op), nodes))
    }
}

/// A function's own error as a task's failure.
pub(crate) fn raised<E: Into<Boxed>>(error: E) -> TaskError {
    TaskError::Raised(Arc::from(error.into()))
}

/// An op under another name.
struct Renamed {
    name: String,
    op: Arc<dyn Op>,
}

impl Op for Renamed {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        self.op.call(inputs, ctx)
    }

    fn name(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }

    fn constant(&self) -> Option<Value> {
        self.op.constant()
    }
}

/// An op whose values may be spilled.
struct Spilling<T> {
    op: Arc<dyn Op>,
    of: PhantomData<fn() -> T>,
}

impl<T: Spillable> Op for Spilling<T> {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        let value = self.op.call(inputs, ctx)?;
        Ok(Value::new(Held::new(share::<T>(&value)?, Some(CodecOf::<T>::CODEC))))
    }

    fn name(&self) -> Cow<'_, str> {
        self.op.name()
    }
}

/// The op of `op` with values that may be spilled.
pub(crate) fn spilling<T: Spillable>(op: Arc<dyn Op>) -> Arc<dyn Op> {
    Arc::new(Spilling { op, of: PhantomData::<fn() -> T> })
}
