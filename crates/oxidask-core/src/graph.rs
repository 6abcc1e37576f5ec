//! Graphs: layers, and the dense tasks that some outputs need of them.
//!
//! A [`Graph`] is what collections emit and optimisation rewrites. [`Graph::expand`] culls it to
//! what the outputs need and numbers the tasks densely: a [`TaskGraph`] is what is ordered and run.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::dag::{Csr, Dag};
use crate::key::Key;
use crate::layer::{
    ExplicitLayer, IndexMap, Layer, LayerInput, MappedLayer, TaskSpec, n_blocks, unravel,
};
use crate::op::Op;
use crate::order::{self, Cycle};

/// A task of a graph, by layer and block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskRef {
    /// Index of the layer in the graph.
    pub layer: u32,
    /// Linear index of the block in the layer.
    pub block: u32,
}

/// What is wrong with a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// A task or an output names a task that isn't there.
    #[error("{reader} reads {missing}, which is not in the graph")]
    MissingTask {
        /// The task that reads it, or `the output`.
        reader: String,
        /// What was read.
        missing: String,
    },
    /// Tasks wait for each other.
    #[error("Cycle detected in the task graph: {}", .keys.join(" -> "))]
    Cycle {
        /// The tasks of the cycle in turn; the first is repeated at the end.
        keys: Vec<String>,
    },
    /// There is more than numbers of 32 bits can count.
    #[error(
        "{what} {n}, and a graph can have fewer than {most}; take larger chunks or compute in parts",
        most = NEEDED
    )]
    TooLarge {
        /// What there is too much of.
        what: String,
        /// How much of it there is.
        n: u128,
    },
}

/// Layers that read each other's blocks.
#[derive(Default, Clone)]
pub struct Graph {
    layers: Vec<Layer>,
}

impl Graph {
    /// A graph without layers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a layer and gives its index. Layers may read layers that are appended later.
    pub fn push(&mut self, layer: Layer) -> u32 {
        self.layers.push(layer);
        self.layers.len() as u32 - 1
    }

    /// Appends one task to the explicit layer at the end of the graph (which is made if there is
    /// none) and gives its place.
    pub fn push_task(&mut self, task: TaskSpec) -> TaskRef {
        if !matches!(self.layers.last(), Some(Layer::Explicit(_))) {
            self.layers.push(Layer::Explicit(ExplicitLayer::default()));
        }
        let layer = self.layers.len() as u32 - 1;
        let block = match self.layers.last_mut() {
            Some(Layer::Explicit(explicit)) => explicit.push(task.key, task.op, task.inputs),
            _ => unreachable!("the last layer was made explicit above"),
        };
        TaskRef { layer, block }
    }

    /// The layers.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Number of tasks over all layers.
    #[must_use]
    pub fn n_tasks(&self) -> usize {
        self.layers.iter().map(|layer| layer.n_tasks() as usize).sum()
    }

    /// The key of a task.
    #[must_use]
    pub fn key(&self, task: TaskRef) -> Key {
        self.layers[task.layer as usize].key(task.block)
    }

    /// Whether the task is there.
    #[must_use]
    pub fn contains(&self, task: TaskRef) -> bool {
        self.layers.get(task.layer as usize).is_some_and(|layer| task.block < layer.n_tasks())
    }

    /// Appends to `inputs` what `task` reads, in the order in which its op takes them.
    ///
    /// # Errors
    /// If it reads a task that isn't there.
    pub fn inputs(&self, task: TaskRef, inputs: &mut Vec<TaskRef>) -> Result<(), GraphError> {
        match &self.layers[task.layer as usize] {
            Layer::Explicit(layer) => {
                for &input in layer.inputs(task.block) {
                    if !self.contains(input) {
                        return Err(self.missing(task, format!("task {input:?}")));
                    }
                    inputs.push(input);
                }
                Ok(())
            }
            Layer::Mapped(layer) => self.mapped_inputs(task, layer, inputs),
        }
    }

    fn mapped_inputs(
        &self,
        task: TaskRef,
        layer: &MappedLayer,
        inputs: &mut Vec<TaskRef>,
    ) -> Result<(), GraphError> {
        let (mut coords, mut blocks) = (Vec::new(), Vec::new());
        unravel(task.block, &layer.shape, &mut coords);
        for LayerInput { layer: index, map } in &layer.inputs {
            let flat;
            let shape: &[u32] = match self.layers.get(*index as usize) {
                Some(Layer::Mapped(input)) => &input.shape,
                Some(explicit @ Layer::Explicit(_)) => {
                    flat = [explicit.n_tasks()];
                    &flat
                }
                None => return Err(self.missing(task, format!("layer {index}"))),
            };
            blocks.clear();
            if !map.read(task.block, &coords, shape, &mut blocks) {
                let what = format!("a block outside of layer {index}, whose grid is {shape:?}");
                return Err(self.missing(task, what));
            }
            inputs.extend(blocks.iter().map(|&block| TaskRef { layer: *index, block }));
        }
        Ok(())
    }

    fn missing(&self, reader: TaskRef, missing: String) -> GraphError {
        GraphError::MissingTask { reader: self.key(reader).to_string(), missing }
    }

    /// The tasks that `outputs` need, numbered in the order of layers and blocks. Cost: tasks and
    /// edges of what is needed, and a word for each task of the layers.
    ///
    /// # Errors
    /// If a needed task isn't in the graph, or a layer or the whole is too large.
    pub fn expand(self: &Arc<Self>, outputs: &[TaskRef]) -> Result<TaskGraph, GraphError> {
        self.layers.iter().try_for_each(check_size)?;
        let mut numbers: Vec<Vec<u32>> =
            self.layers.iter().map(|layer| vec![ABSENT; layer.n_tasks() as usize]).collect();
        let mut stack = Vec::new();
        for &output in outputs {
            if !self.contains(output) {
                return Err(GraphError::MissingTask {
                    reader: "the output".into(),
                    missing: format!("task {output:?}"),
                });
            }
            stack.push(output);
        }
        let mut n_needed = 0usize;
        let mut inputs = Vec::new();
        while let Some(task) = stack.pop() {
            let number = &mut numbers[task.layer as usize][task.block as usize];
            if *number == ABSENT {
                *number = NEEDED;
                n_needed += 1;
                inputs.clear();
                self.inputs(task, &mut inputs)?;
                stack.extend(&inputs);
            }
        }
        countable("the tasks needed are", n_needed as u128)?;
        let mut origins = Vec::with_capacity(n_needed);
        for (layer, blocks) in numbers.iter_mut().enumerate() {
            for (block, number) in blocks.iter_mut().enumerate() {
                if *number == NEEDED {
                    *number = origins.len() as u32;
                    origins.push(TaskRef { layer: layer as u32, block: block as u32 });
                }
            }
        }
        let number = |task: &TaskRef| numbers[task.layer as usize][task.block as usize];
        let mut args = Csr::with_capacity(n_needed, n_needed);
        for &task in &origins {
            inputs.clear();
            self.inputs(task, &mut inputs)?;
            countable("the arguments of all tasks are", (args.n_edges() + inputs.len()) as u128)?;
            args.push_row(inputs.iter().map(&number));
        }
        let outputs = outputs.iter().map(number).collect();
        Ok(TaskGraph::new(Arc::clone(self), origins, args, outputs))
    }

    /// Where each key of the explicit layers is.
    #[must_use]
    pub fn index(&self) -> FxHashMap<Key, TaskRef> {
        let mut index = FxHashMap::default();
        for (number, layer) in self.layers.iter().enumerate() {
            if let Layer::Explicit(layer) = layer {
                for (block, key) in layer.keys().iter().enumerate() {
                    let task = TaskRef { layer: number as u32, block: block as u32 };
                    index.insert(key.clone(), task);
                }
            }
        }
        index
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for layer in &self.layers {
            match layer {
                Layer::Explicit(layer) => {
                    for (block, key) in layer.keys().iter().enumerate() {
                        list.entry(&(key, layer.inputs(block as u32)));
                    }
                }
                Layer::Mapped(layer) => {
                    list.entry(&(&layer.name, &layer.shape, &layer.inputs));
                }
            }
        }
        list.finish()
    }
}

/// Marks of tasks that have no number.
const ABSENT: u32 = u32::MAX;
const NEEDED: u32 = u32::MAX - 1;

fn countable(what: &str, n: u128) -> Result<(), GraphError> {
    if n < u128::from(NEEDED) { Ok(()) } else { Err(GraphError::TooLarge { what: what.into(), n }) }
}

fn check_size(layer: &Layer) -> Result<(), GraphError> {
    match layer {
        Layer::Explicit(layer) => countable("the tasks of a layer are", layer.len() as u128),
        Layer::Mapped(MappedLayer { name, shape, .. }) => {
            if n_blocks(shape).is_some_and(|n| n < NEEDED) {
                return Ok(());
            }
            let n = shape.iter().fold(1u128, |n, &extent| n.saturating_mul(extent.into()));
            Err(GraphError::TooLarge { what: format!("the blocks of {name:?} are"), n })
        }
    }
}

/// The tasks that some outputs need, as dense integers.
pub struct TaskGraph {
    graph: Arc<Graph>,
    origins: Vec<TaskRef>,
    dag: Dag,
    /// Arguments with repeats, where a task reads a value twice; otherwise the dag's inputs serve.
    args: Option<Csr>,
    outputs: Vec<u32>,
}

impl TaskGraph {
    fn new(graph: Arc<Graph>, origins: Vec<TaskRef>, args: Csr, outputs: Vec<u32>) -> Self {
        let mut seen = vec![ABSENT; origins.len()];
        let mut inputs = Csr::with_capacity(args.len(), args.n_edges());
        for task in 0..args.len() as u32 {
            inputs.push_row(args.row(task).iter().copied().filter(|&input| {
                let fresh = seen[input as usize] != task;
                seen[input as usize] = task;
                fresh
            }));
        }
        let args = (inputs.n_edges() != args.n_edges()).then_some(args);
        Self { graph, origins, dag: Dag::new(inputs), args, outputs }
    }

    /// The same tasks under new numbers: `priority[task]` is the new number of `task`.
    ///
    /// Whoever runs tasks in the order of their numbers then walks through memory in that order.
    #[must_use]
    pub fn renumbered(self, priority: &[u32]) -> Self {
        let mut schedule = vec![0u32; priority.len()];
        for (task, &number) in priority.iter().enumerate() {
            schedule[number as usize] = task as u32;
        }
        let renumber = |rows: &Csr| {
            let mut new = Csr::with_capacity(rows.len(), rows.n_edges());
            for &task in &schedule {
                new.push_row(rows.row(task).iter().map(|&input| priority[input as usize]));
            }
            new
        };
        Self {
            graph: self.graph,
            origins: schedule.iter().map(|&task| self.origins[task as usize]).collect(),
            args: self.args.as_ref().map(renumber),
            dag: Dag::new(renumber(&self.dag.inputs)),
            outputs: self.outputs.iter().map(|&task| priority[task as usize]).collect(),
        }
    }

    /// Number of tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    /// Whether there are no tasks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// Who reads whom.
    #[must_use]
    pub fn dag(&self) -> &Dag {
        &self.dag
    }

    /// The tasks whose values `task`'s op takes, in its order, with repeats.
    #[must_use]
    #[inline]
    pub fn args(&self, task: u32) -> &[u32] {
        self.args.as_ref().unwrap_or(&self.dag.inputs).row(task)
    }

    /// The op of a task.
    #[must_use]
    #[inline]
    pub fn op(&self, task: u32) -> &Arc<dyn Op> {
        let origin = self.origins[task as usize];
        self.graph.layers[origin.layer as usize].op(origin.block)
    }

    /// The key of a task.
    #[must_use]
    pub fn key(&self, task: u32) -> Key {
        self.graph.key(self.origins[task as usize])
    }

    /// Where a task comes from.
    #[must_use]
    #[inline]
    pub fn origin(&self, task: u32) -> TaskRef {
        self.origins[task as usize]
    }

    /// The tasks whose values are asked for, in the order of the question.
    #[must_use]
    pub fn outputs(&self) -> &[u32] {
        &self.outputs
    }

    /// The graph that the tasks come from.
    #[must_use]
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The static order: for each task its priority, 0 first.
    ///
    /// # Errors
    /// If tasks wait for each other.
    pub fn order(&self) -> Result<Vec<u32>, GraphError> {
        order::order(&self.dag).map_err(|Cycle { tasks }| {
            let mut keys: Vec<String> = tasks.iter().map(|&t| self.key(t).to_string()).collect();
            keys.extend(keys.first().cloned());
            GraphError::Cycle { keys }
        })
    }
}

/// A mapped layer that reads one other, block by block: the common case of elementwise work.
#[must_use]
pub fn elementwise(name: &str, shape: &[u32], op: Arc<dyn Op>, inputs: &[u32]) -> Layer {
    let inputs = inputs.iter().map(|&layer| LayerInput { layer, map: IndexMap::Identity });
    Layer::Mapped(MappedLayer {
        name: crate::key::Group::new(name),
        shape: shape.into(),
        op,
        inputs: inputs.collect(),
    })
}
