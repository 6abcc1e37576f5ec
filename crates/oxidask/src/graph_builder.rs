//! Graphs written down key by key, as Dask's dict graphs are.
//!
//! A [`GraphBuilder`] takes tasks in any order and by name; [`GraphBuilder::build`] checks that the
//! names, the numbers of inputs and the types fit and that nothing waits for itself, and gives a
//! [`KeyedGraph`], whose tasks are [delayed values](Delayed) by key.

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::marker::PhantomData;
use std::sync::Arc;

use oxidask_core::dag::{Csr, Dag};
use oxidask_core::graph::GraphError;
use oxidask_core::key::Key;
use oxidask_core::node::Node;
use oxidask_core::op::{Constant, Function, Op, TaskContext, TaskError};
use oxidask_core::order::{Cycle, order};
use oxidask_core::value::Value;

use crate::delayed::{Delayed, raised, spilling};
use crate::error::{Error, MOST_KNOWN};
use crate::held::{plain, read};
use crate::spill::Spillable;

/// A graph in the making.
///
/// ```
/// use oxidask::GraphBuilder;
///
/// let mut graph = GraphBuilder::new();
/// graph.value("x", 1);
/// graph.task("z", ["x", "y"], |x: &i32, y: &i32| x + y);
/// graph.task("y", ["x"], |x: &i32| x + 10);
/// let graph = graph.build()?;
/// assert_eq!(*graph.get::<i32>("z")?.compute()?, 12);
/// # Ok::<(), oxidask::Error>(())
/// ```
#[derive(Default)]
pub struct GraphBuilder {
    tasks: Vec<Task>,
}

/// A type, by its identity and its name.
type TypeOf = (TypeId, &'static str);

fn type_of<T: 'static>() -> TypeOf {
    (TypeId::of::<T>(), type_name::<T>())
}

struct Task {
    key: Key,
    op: Arc<dyn Op>,
    inputs: Vec<Key>,
    gives: TypeOf,
    takes: Takes,
}

/// What types a task's function takes.
enum Takes {
    /// One of each, in order.
    Each(Vec<TypeOf>),
    /// Any number of one.
    All(TypeOf),
}

/// A function of references to values: `|x: &i32, y: &String| ...`, with none to six parameters,
/// whose types are written out.
pub trait TaskFunction<Args, R>: Send + Sync + 'static {
    /// The types of its parameters.
    #[doc(hidden)]
    fn takes() -> Vec<(TypeId, &'static str)>;

    /// Calls it with the task's inputs.
    ///
    /// # Errors
    /// If an input is missing or has another type.
    #[doc(hidden)]
    fn call_with(&self, inputs: &[Value]) -> Result<R, TaskError>;
}

macro_rules! task_functions {
    ($(($($name:ident $at:tt),*))*) => {$(
        impl<Func, R, $($name),*> TaskFunction<($($name,)*), R> for Func
        where
            Func: Fn($(&$name),*) -> R + Send + Sync + 'static,
            $($name: Send + Sync + 'static,)*
        {
            fn takes() -> Vec<TypeOf> {
                vec![$(type_of::<$name>()),*]
            }

            fn call_with(&self, inputs: &[Value]) -> Result<R, TaskError> {
                let _ = inputs;
                Ok(self($(read::<$name>(&inputs[$at])?),*))
            }
        }
    )*};
}

task_functions! {
    () (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

impl GraphBuilder {
    /// A graph without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value that is known already.
    pub fn value<T: Send + Sync + 'static>(&mut self, key: &str, value: T) {
        let op = Arc::new(Constant(plain(value)));
        self.push::<T>(key, op, Vec::new(), Takes::Each(Vec::new()));
    }

    /// Adds a task: `function` of the values of `inputs`, in their order. Inputs may be added
    /// later. What is wrong with a task shows in [`GraphBuilder::build`].
    pub fn task<'k, Args, R, F>(
        &mut self,
        key: &str,
        inputs: impl IntoIterator<Item = &'k str>,
        function: F,
    ) -> Added<'_, R>
    where
        R: Send + Sync + 'static,
        F: TaskFunction<Args, R>,
    {
        let op = Function::new(key.to_owned(), move |values: &mut [Value], _: &TaskContext<'_>| {
            function.call_with(values).map(plain)
        });
        let inputs = inputs.into_iter().map(Key::from).collect();
        self.push(key, Arc::new(op), inputs, Takes::Each(F::takes()))
    }

    /// Adds a task that may fail: see [`GraphBuilder::task`] and [`crate::try_delayed`].
    pub fn try_task<'k, Args, R, E, F>(
        &mut self,
        key: &str,
        inputs: impl IntoIterator<Item = &'k str>,
        function: F,
    ) -> Added<'_, R>
    where
        R: Send + Sync + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
        F: TaskFunction<Args, Result<R, E>>,
    {
        let op = Function::new(key.to_owned(), move |values: &mut [Value], _: &TaskContext<'_>| {
            function.call_with(values)?.map(plain).map_err(raised)
        });
        let inputs = inputs.into_iter().map(Key::from).collect();
        self.push(key, Arc::new(op), inputs, Takes::Each(F::takes()))
    }

    /// Adds a task that reads any number of values of one type.
    ///
    /// ```
    /// let mut graph = oxidask::GraphBuilder::new();
    /// let names: Vec<String> = (0..5).map(|i| format!("part-{i}")).collect();
    /// for (i, name) in names.iter().enumerate() {
    ///     graph.task(name, [], move || i);
    /// }
    /// graph.task_of_all("sum", names.iter().map(String::as_str), |parts: &[&usize]| {
    ///     parts.iter().copied().sum::<usize>()
    /// });
    /// assert_eq!(*graph.build()?.get::<usize>("sum")?.compute()?, 10);
    /// # Ok::<(), oxidask::Error>(())
    /// ```
    pub fn task_of_all<'k, T, R, F>(
        &mut self,
        key: &str,
        inputs: impl IntoIterator<Item = &'k str>,
        function: F,
    ) -> Added<'_, R>
    where
        T: Send + Sync + 'static,
        R: Send + Sync + 'static,
        F: Fn(&[&T]) -> R + Send + Sync + 'static,
    {
        let op = Function::new(key.to_owned(), move |values: &mut [Value], _: &TaskContext<'_>| {
            let parts = values.iter().map(read::<T>).collect::<Result<Vec<&T>, _>>()?;
            Ok(plain(function(&parts)))
        });
        let inputs = inputs.into_iter().map(Key::from).collect();
        self.push(key, Arc::new(op), inputs, Takes::All(type_of::<T>()))
    }

    fn push<R: 'static>(
        &mut self,
        key: &str,
        op: Arc<dyn Op>,
        inputs: Vec<Key>,
        takes: Takes,
    ) -> Added<'_, R> {
        let at = self.tasks.len();
        self.tasks.push(Task { key: key.into(), op, inputs, gives: type_of::<R>(), takes });
        Added { task: &mut self.tasks[at], gives: PhantomData }
    }

    /// Checks the graph as a whole.
    ///
    /// # Errors
    /// [`Error::DuplicateKey`]; [`Error::Graph`] for an input that there is not and for tasks that
    /// wait for each other; [`Error::InputCount`] and [`Error::WrongType`] where a function doesn't
    /// fit its inputs. All of them name the keys.
    pub fn build(self) -> Result<KeyedGraph, Error> {
        let mut index = HashMap::with_capacity(self.tasks.len());
        for (at, task) in self.tasks.iter().enumerate() {
            if index.insert(task.key.clone(), at as u32).is_some() {
                return Err(Error::DuplicateKey { key: task.key.clone() });
            }
        }
        let inputs = self.checked_inputs(&index)?;
        let schedule = self.schedule(&inputs)?;
        let mut nodes: Vec<Option<Node>> = vec![None; self.tasks.len()];
        for at in schedule {
            let task = &self.tasks[at as usize];
            // The schedule has inputs before their readers, so each of them is there.
            let read =
                inputs[at as usize].iter().filter_map(|&input| nodes[input as usize].clone());
            let node = Node::new(task.key.clone(), Arc::clone(&task.op), read.collect::<Vec<_>>());
            nodes[at as usize] = Some(node);
        }
        let nodes = nodes.into_iter().flatten().zip(self.tasks.iter().map(|task| task.gives));
        Ok(KeyedGraph { nodes: nodes.collect(), index })
    }

    /// The inputs of each task, as numbers.
    fn checked_inputs(&self, index: &HashMap<Key, u32>) -> Result<Vec<Vec<u32>>, Error> {
        let mut all = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            let inputs = task.inputs.iter().map(|input| {
                index.get(input).copied().ok_or_else(|| GraphError::MissingTask {
                    reader: task.key.to_string(),
                    missing: input.to_string(),
                })
            });
            let inputs = inputs.collect::<Result<Vec<u32>, _>>()?;
            let wanted: Vec<TypeOf> = match &task.takes {
                Takes::Each(types) => types.clone(),
                Takes::All(one) => vec![*one; inputs.len()],
            };
            if wanted.len() != inputs.len() {
                let (takes, given) = (wanted.len(), inputs.len());
                return Err(Error::InputCount { key: task.key.clone(), takes, given });
            }
            for (&input, expected) in inputs.iter().zip(wanted) {
                let source = &self.tasks[input as usize];
                check_type(&source.key, source.gives, expected, || {
                    format!("the function of task {}", task.key)
                })?;
            }
            all.push(inputs);
        }
        Ok(all)
    }

    /// The tasks, inputs before their readers.
    fn schedule(&self, inputs: &[Vec<u32>]) -> Result<Vec<u32>, Error> {
        let mut rows = Csr::with_capacity(inputs.len(), inputs.iter().map(Vec::len).sum());
        for row in inputs {
            let mut row = row.clone();
            row.sort_unstable();
            row.dedup();
            rows.push_row(row);
        }
        let priorities = order(&Dag::new(rows)).map_err(|Cycle { mut tasks }| {
            // Told from the task that was added first.
            let first = tasks.iter().enumerate().min_by_key(|&(_, task)| task);
            let turn = first.map_or(0, |(at, _)| at);
            tasks.rotate_left(turn);
            let name = |&task: &u32| self.tasks[task as usize].key.to_string();
            GraphError::Cycle { keys: tasks.iter().chain(tasks.first()).map(name).collect() }
        })?;
        let mut schedule: Vec<u32> = (0..inputs.len() as u32).collect();
        schedule.sort_unstable_by_key(|&task| priorities[task as usize]);
        Ok(schedule)
    }
}

fn check_type(
    key: &Key,
    found: TypeOf,
    expected: TypeOf,
    reader: impl FnOnce() -> String,
) -> Result<(), Error> {
    if found.0 == expected.0 {
        return Ok(());
    }
    let (found, expected) = (found.1, expected.1);
    Err(Error::WrongType { key: key.clone(), reader: reader(), expected, found })
}

/// A task that was just added.
pub struct Added<'a, R> {
    task: &'a mut Task,
    gives: PhantomData<fn() -> R>,
}

impl<R: Spillable> Added<'_, R> {
    /// Lets the task's values go to disk when memory is short: see [`Spillable`].
    pub fn spillable(self) {
        self.task.op = spilling::<R>(Arc::clone(&self.task.op));
    }
}

/// A graph whose tasks are known to fit together.
pub struct KeyedGraph {
    nodes: Vec<(Node, TypeOf)>,
    index: HashMap<Key, u32>,
}

impl KeyedGraph {
    /// The value of a task, delayed.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], and [`Error::WrongType`] if the task gives no `T`.
    pub fn get<T: Send + Sync + 'static>(&self, key: &str) -> Result<Delayed<T>, Error> {
        let key = Key::from(key);
        let Some(&at) = self.index.get(&key) else {
            let known = self.keys().take(MOST_KNOWN).cloned().collect();
            return Err(Error::UnknownKey { key, known });
        };
        let (node, gives) = &self.nodes[at as usize];
        check_type(&key, *gives, type_of::<T>(), || "the caller".into())?;
        Ok(Delayed::from_node(node.clone()))
    }

    /// The keys, in the order in which their tasks were added.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.nodes.iter().map(|(node, _)| node.key())
    }
}
