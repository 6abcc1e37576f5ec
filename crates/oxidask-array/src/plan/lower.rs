//! From arrays to the layers of a task graph.
//!
//! Equal expressions (by name) become one; runs of elementwise expressions become one program; what
//! is left is emitted layer by layer. The cost is that of the expressions, not of their blocks.

use std::sync::Arc;

use oxidask_core::dag::Csr;
use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::key::{Group, Key};
use oxidask_core::layer::{IndexMap, Layer, LayerInput, MappedLayer};
use oxidask_core::op::Op;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::Dims;
use crate::kernel::program::{AxesMap, Input, Program};
use crate::kernel::reduce::Reducer;
use crate::ops::random::Random;
use crate::ops::reduce::Partial;
use crate::ops::{self, AnyKernel, elementwise};
use crate::plan::array::{Array, Build, From, Layers};
use crate::plan::chunks::Chunks;
use crate::plan::elementwise::index_map;
use crate::plan::fuse::{address, fuse};
use crate::plan::pair::{Paired, paired};
use crate::plan::reduce::{Reduced, layers_above, with_casts};
use crate::plan::region;

/// How to lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fusion {
    /// Merge elementwise expressions.
    On,
    /// One layer for each expression, as they were written.
    Off,
}

/// Arrays as layers of a graph.
#[derive(Default)]
pub struct Lowered {
    /// The graph.
    pub graph: Graph,
    /// The layer of every array that was asked for, in order.
    pub layers: Vec<u32>,
    /// Tasks that came from other graphs, by key.
    pub keys: FxHashMap<Key, TaskRef>,
    /// The name of the array that each layer was made for; none for layers of other graphs.
    pub owners: Vec<Option<Group>>,
}

/// Lowers `roots` into a new graph.
///
/// # Errors
/// If an array's grid has more blocks than can be counted.
pub fn lower(roots: &[Array], fusion: Fusion) -> Result<Lowered> {
    let mut lowering = Lowering::new(roots, fusion);
    let layers = roots.iter().map(|root| lowering.layer_of(root)).collect::<Result<_>>()?;
    let Lowering { graph, keys, owners, .. } = lowering;
    Ok(Lowered { graph, layers, keys, owners })
}

/// The arrays that `roots` are made of, inputs first, equal ones once.
#[must_use]
pub fn walk(roots: &[Array]) -> Vec<Array> {
    let mut seen: FxHashSet<Group> = FxHashSet::default();
    let mut sorted = Vec::new();
    let mut stack: Vec<(Array, bool)> =
        roots.iter().rev().map(|root| (root.clone(), false)).collect();
    while let Some((array, is_ready)) = stack.pop() {
        if is_ready {
            sorted.push(array);
        } else if seen.insert(array.name().clone()) {
            let inputs: Vec<Array> = array.inputs().to_vec();
            stack.push((array, true));
            stack.extend(inputs.into_iter().rev().map(|input| (input, false)));
        }
    }
    sorted
}

/// A program with what it reads.
struct Planned {
    program: Program,
    /// One for each input of the program.
    inputs: Vec<Array>,
    /// Inputs that are made tile by tile.
    made: Vec<(u32, Random)>,
    /// Chunks of the program's value.
    chunks: Chunks,
}

impl Planned {
    fn reads_with_axes(&self) -> impl Iterator<Item = (&Array, &AxesMap)> {
        let is_made = |at: usize| self.made.iter().any(|(made, _)| *made as usize == at);
        let inputs = self.inputs.iter().zip(&self.program.inputs).enumerate();
        inputs.filter(move |(at, _)| !is_made(*at)).map(|(_, (array, input))| (array, &input.axes))
    }

    /// The arrays that tasks read.
    fn reads(&self) -> impl Iterator<Item = &Array> {
        self.reads_with_axes().map(|(array, _)| array)
    }

    /// What the tasks run.
    fn elements(&self) -> elementwise::Elementwise {
        let shapes = self.inputs.iter().enumerate().map(|(at, array)| {
            // What is made tells no extents.
            let is_made = self.made.iter().any(|(made, _)| *made as usize == at);
            if is_made { Dims::from_elem(1, array.ndim()) } else { array.chunks().shape() }
        });
        let covered = elementwise::covered(&self.program, &shapes.collect::<Vec<_>>());
        let bound = |axis: usize| {
            (!covered[axis] && self.chunks.axis_known(axis)).then(|| self.chunks.bounds(axis))
        };
        elementwise::Elementwise {
            bounds: (0..self.program.ndim).map(bound).collect(),
            program: self.program.clone(),
            made: self.made.clone(),
        }
    }
}

struct Lowering {
    fusion: Fusion,
    graph: Graph,
    /// The layer of each array that is in the graph, by name.
    done: FxHashMap<Group, u32>,
    /// The one array that stands for all of a name.
    canonical: FxHashMap<Group, Array>,
    n_readers: FxHashMap<usize, usize>,
    wanted: FxHashSet<usize>,
    /// Where the layers of a foreign graph begin, by its address.
    foreign: FxHashMap<usize, u32>,
    /// Tasks of foreign graphs, by key.
    keys: FxHashMap<Key, TaskRef>,
    owners: Vec<Option<Group>>,
}

impl Lowering {
    fn new(roots: &[Array], fusion: Fusion) -> Self {
        let arrays = walk(roots);
        let mut n_readers: FxHashMap<usize, usize> = FxHashMap::default();
        for array in &arrays {
            for input in array.inputs() {
                *n_readers.entry(address(input)).or_default() += 1;
            }
        }
        let canonical = arrays.into_iter().map(|array| (array.name().clone(), array)).collect();
        let wanted = roots.iter().map(address).collect();
        Self {
            fusion,
            graph: Graph::new(),
            done: FxHashMap::default(),
            canonical,
            n_readers,
            wanted,
            foreign: FxHashMap::default(),
            keys: FxHashMap::default(),
            owners: Vec::new(),
        }
    }

    /// The layer of `root`, with all that it needs before it.
    fn layer_of(&mut self, root: &Array) -> Result<u32> {
        enum Visit {
            Enter(Array),
            Emit(Array, Option<Planned>),
        }
        let mut stack = vec![Visit::Enter(root.clone())];
        while let Some(visit) = stack.pop() {
            match visit {
                Visit::Enter(array) if self.done.contains_key(array.name()) => {}
                Visit::Enter(array) => {
                    let array = self.canonical.get(array.name()).cloned().unwrap_or(array);
                    let array = self.pushed_down(&array).unwrap_or(array);
                    let fused = self.fused(&array);
                    let inputs: Vec<Array> = match &fused {
                        Some(planned) => planned.reads().cloned().collect(),
                        None => array.inputs().to_vec(),
                    };
                    stack.push(Visit::Emit(array, fused));
                    stack.extend(inputs.into_iter().rev().map(Visit::Enter));
                }
                Visit::Emit(array, _) if self.done.contains_key(array.name()) => {}
                Visit::Emit(array, fused) => {
                    let layer = self.emit(&array, fused)?;
                    self.owned_by(&array);
                    self.done.insert(array.name().clone(), layer);
                }
            }
        }
        Ok(self.done[root.name()])
    }

    /// The latest layers were made for an array, unless they are another graph's.
    fn owned_by(&mut self, array: &Array) {
        let n = self.graph.layers().len();
        let is_foreign = matches!(array.node().build, Build::Graph { .. });
        let n_foreign = if is_foreign { n - 1 } else { 0 };
        let owner = |at| (at >= n_foreign).then(|| array.name().clone());
        self.owners.extend((self.owners.len()..n).map(owner));
    }

    /// The program of an elementwise array or of a reduction's elements, fused if that is wanted.
    fn fused(&self, array: &Array) -> Option<Planned> {
        let (source, casts): (&Array, &[DType]) = match &array.node().build {
            Build::Elementwise(_) => (array, &[]),
            Build::Reduction(reduced) => (&reduced.inputs[0], &reduced.casts),
            _ => return None,
        };
        let joins = source.is(array) || self.fusion == Fusion::On && self.is_only_read_once(source);
        let (program, inputs) = match (&source.node().build, self.fusion) {
            (Build::Elementwise(_), Fusion::On) if joins => {
                let fused = fuse(source, &self.n_readers, &self.wanted)?;
                (fused.program, fused.inputs)
            }
            (Build::Elementwise(expression), _) if joins => {
                (expression.program.clone(), expression.inputs.clone())
            }
            _ => {
                let axes = (0..source.ndim() as u8).map(Some).collect();
                let inputs = vec![Input { dtype: source.dtype()?, axes }];
                let ndim = source.ndim();
                (Program { ndim, inputs, steps: Vec::new(), result: 0 }, vec![source.clone()])
            }
        };
        let program = with_casts(program, casts);
        let mut made = Vec::new();
        for (at, (input, array)) in program.inputs.iter().zip(&inputs).enumerate() {
            let is_straight = input.axes.len() == program.ndim
                && (0..).zip(&input.axes).all(|(i, axis)| *axis == Some(i));
            if let Build::Source(AnyKernel::Random(random)) = &array.node().build
                && self.fusion == Fusion::On
                && is_straight
                && random.is_tiled()
                && self.is_only_read_once(array)
                && array.chunks() == source.chunks()
            {
                made.push((at as u32, random.clone()));
            }
        }
        Some(Planned { program, inputs, made, chunks: source.chunks().clone() })
    }

    /// What a slice is computed as, if it can be read from a source.
    fn pushed_down(&self, array: &Array) -> Option<Array> {
        let once = |array: &Array| {
            // Equal expressions are one: readers of the first count.
            let canonical = self.canonical.get(array.name()).unwrap_or(array);
            self.is_only_read_once(canonical)
        };
        (self.fusion == Fusion::On).then(|| region::pushed_down(array, &once)).flatten()
    }

    /// Whether nothing but one expression reads an array.
    fn is_only_read_once(&self, array: &Array) -> bool {
        let at = address(array);
        self.n_readers.get(&at).is_none_or(|&n| n == 1)
            && !self.wanted.contains(&at)
            && !self.done.contains_key(array.name())
    }

    fn emit(&mut self, array: &Array, planned: Option<Planned>) -> Result<u32> {
        let grid = array.chunks().grid();
        check_grid(array)?;
        match (&array.node().build, planned) {
            (Build::Reduction(reduced), Some(planned)) => {
                Ok(self.emit_reduction(array, reduced, planned))
            }
            (_, Some(planned)) => {
                let inputs = self.layer_inputs(planned.reads_with_axes());
                let op = ops::op(planned.elements(), &grid);
                Ok(self.push(array.name().clone(), grid, op, inputs))
            }
            (Build::Source(kernel), None) => {
                let op = ops::op(kernel.clone(), &grid);
                Ok(self.push(array.name().clone(), grid, op, Box::default()))
            }
            (Build::Layers(layers), None) => self.emit_layers(array, layers),
            (Build::Graph { graph, blocks }, None) => Ok(self.emit_graph(array, graph, blocks)),
            (Build::Elementwise(_) | Build::Reduction(_), None) => {
                Err(ArrayError::Unsupported("an expression without a program".into()))
            }
        }
    }

    fn layer_inputs<'a>(
        &self,
        reads: impl Iterator<Item = (&'a Array, &'a AxesMap)>,
    ) -> Box<[LayerInput]> {
        let inputs = reads.map(|(array, axes)| LayerInput {
            layer: self.done[array.name()],
            map: index_map(array.chunks(), axes),
        });
        inputs.collect()
    }

    fn emit_reduction(&mut self, array: &Array, reduced: &Reduced, planned: Planned) -> u32 {
        let grid = planned.chunks.grid();
        let reduction = reduced.finish.reduction;
        let is_arg = matches!(reduction.reducer, Reducer::ArgMin | Reducer::ArgMax);
        let starts = if is_arg { planned.chunks.all_bounds() } else { Vec::new() };
        let elements = planned.elements();
        let partial =
            Partial { reduction, elements, reduced: reduced.finish.reduced.clone(), starts };
        let pairs = (self.fusion == Fusion::On)
            .then(|| paired(&partial, &planned.inputs, &planned.chunks))
            .flatten();
        let (inputs, op) = match pairs {
            Some(Paired { op, inputs }) => {
                let reads = inputs.iter().zip(op.program.inputs.iter().map(|input| &input.axes));
                (self.layer_inputs(reads), ops::op(op, &grid))
            }
            None => (self.layer_inputs(planned.reads_with_axes()), ops::op(partial, &grid)),
        };
        let name = |suffix: &str| match suffix {
            "" => array.name().clone(),
            suffix => Group::new(&format!("{}-{suffix}", array.name().as_str())),
        };
        let mut layer = self.push(name("partial"), grid.clone(), op, inputs);
        for above in layers_above(reduced, &grid, &array.chunks().grid()) {
            let inputs = [LayerInput { layer, map: above.map }].into();
            layer = self.push(name(&above.suffix), above.grid, above.op, inputs);
        }
        layer
    }

    fn push(
        &mut self,
        name: Group,
        shape: Box<[u32]>,
        op: Arc<dyn Op>,
        inputs: Box<[LayerInput]>,
    ) -> u32 {
        self.graph.push(Layer::Mapped(MappedLayer { name, shape, op, inputs }))
    }

    fn emit_layers(&mut self, array: &Array, layers: &Layers) -> Result<u32> {
        let mut numbers: Vec<u32> = Vec::with_capacity(layers.layers.len());
        for proto in &layers.layers {
            let inputs = proto.inputs.iter().map(|(from, map)| {
                let layer = match *from {
                    From::Input(at) => self.done[layers.inputs[at].name()],
                    From::Layer(at) => numbers[at],
                };
                LayerInput { layer, map: map.clone() }
            });
            let inputs = inputs.collect();
            let name = match proto.suffix.as_str() {
                "" => array.name().clone(),
                suffix => Group::new(&format!("{}-{suffix}", array.name().as_str())),
            };
            let number = self.push(name, proto.grid.clone(), Arc::clone(&proto.op), inputs);
            numbers.push(number);
        }
        numbers
            .last()
            .copied()
            .ok_or_else(|| ArrayError::Unsupported("an array without layers".into()))
    }

    /// Brings a foreign graph's layers in, and a layer of the array's grid on top.
    fn emit_graph(&mut self, array: &Array, graph: &Arc<Graph>, blocks: &Arc<[TaskRef]>) -> u32 {
        let at = Arc::as_ptr(graph) as usize;
        let base = match self.foreign.get(&at) {
            Some(&base) => base,
            None => {
                let base = self.graph.layers().len() as u32;
                append(&mut self.graph, graph, &mut self.keys);
                self.foreign.insert(at, base);
                base
            }
        };
        // One input for each layer that is read: mostly one.
        let mut layers: Vec<u32> = blocks.iter().map(|block| block.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        let inputs = layers.iter().map(|&layer| {
            let mut table = Csr::default();
            for block in blocks.iter() {
                table.push_row((block.layer == layer).then_some(block.block));
            }
            LayerInput { layer: base + layer, map: IndexMap::Table(table) }
        });
        let inputs = inputs.collect();
        self.push(array.name().clone(), array.chunks().grid(), Arc::new(ops::Alias), inputs)
    }
}

/// Appends the layers of `other`, whose numbers move up. A task whose key is among `keys` already
/// is not run again: it stands for the value that is there.
pub fn append(graph: &mut Graph, other: &Graph, keys: &mut FxHashMap<Key, TaskRef>) {
    let base = graph.layers().len() as u32;
    for (number, layer) in other.layers().iter().enumerate() {
        match layer {
            Layer::Mapped(mapped) => {
                let mut mapped = mapped.clone();
                for input in &mut mapped.inputs {
                    input.layer += base;
                }
                graph.push(Layer::Mapped(mapped));
            }
            Layer::Explicit(explicit) => {
                let mut moved = oxidask_core::layer::ExplicitLayer::with_capacity(explicit.len());
                for (block, key) in explicit.keys().iter().enumerate() {
                    let block = block as u32;
                    let here = TaskRef { layer: base + number as u32, block };
                    let first = *keys.entry(key.clone()).or_insert(here);
                    if first == here {
                        let inputs = explicit.inputs(block).iter();
                        let inputs =
                            inputs.map(|task| TaskRef { layer: task.layer + base, ..*task });
                        moved.push(key.clone(), Arc::clone(layer.op(block)), inputs);
                    } else {
                        moved.push(key.clone(), Arc::new(ops::Alias), [first]);
                    }
                }
                graph.push(Layer::Explicit(moved));
            }
        }
    }
}

fn check_grid(array: &Array) -> Result<()> {
    if array.chunks().n_blocks() < u128::from(u32::MAX - 1) {
        return Ok(());
    }
    Err(ArrayError::Value(format!(
        "{} has {} blocks, and a graph can have fewer than 2^32 tasks; take larger chunks",
        array.name().as_str(),
        array.chunks().n_blocks()
    )))
}
