//! From tables to the layers of a task graph.
//!
//! Equal expressions (by name) become one; runs of partition by partition are merged afterwards by the core's
//! fusion. The cost is that of the expressions, not of their partitions.

use std::sync::Arc;

use oxidask_core::dag::Csr;
use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::key::Group;
use oxidask_core::layer::{AxisMap, IndexMap, Layer, LayerInput, MappedLayer};
use oxidask_core::op::Op;
use rustc_hash::FxHashMap;

use super::needs::{self, Needed};
use super::table::{Build, From, Table};
use crate::ops;

/// Tables as layers of a graph.
#[derive(Default)]
pub struct Lowered {
    /// The graph.
    pub graph: Graph,
    /// The layer of every table that was asked for, in order.
    pub layers: Vec<u32>,
}

/// What brings the layers of a foreign graph into another one: gives the number of the first of them.
pub type Append<'a> = dyn FnMut(&mut Graph, &Arc<Graph>) -> u32 + 'a;

/// Lowers `roots` into a new graph. `append` brings in graphs of others.
pub fn lower(roots: &[Table], append: &mut Append<'_>) -> Lowered {
    let mut lowering = Lowering { graph: Graph::new(), done: FxHashMap::default() };
    let walked = walk(roots);
    let needs = needs::needs(&walked, roots);
    for table in walked {
        let needed = needs.get(table.name()).unwrap_or(&None);
        let layer = lowering.emit(&table, needed, append);
        lowering.done.insert(table.name().clone(), layer);
    }
    let layers = roots.iter().map(|root| lowering.done[root.name()]).collect();
    Lowered { graph: lowering.graph, layers }
}

/// The tables that `roots` are made of, inputs first, equal ones once.
#[must_use]
pub fn walk(roots: &[Table]) -> Vec<Table> {
    let mut seen: FxHashMap<Group, ()> = FxHashMap::default();
    let mut sorted = Vec::new();
    let mut stack: Vec<(Table, bool)> = roots.iter().rev().map(|t| (t.clone(), false)).collect();
    while let Some((table, is_ready)) = stack.pop() {
        if is_ready {
            sorted.push(table);
        } else if seen.insert(table.name().clone(), ()).is_none() {
            let inputs = table.inputs().to_vec();
            stack.push((table, true));
            stack.extend(inputs.into_iter().rev().map(|input| (input, false)));
        }
    }
    sorted
}

/// Block 0 for all, of a table of one partition; else the block of the same number.
#[must_use]
pub fn same_or_only(table: &Table, n_partitions: u32) -> IndexMap {
    if table.n_partitions() == n_partitions {
        IndexMap::Identity
    } else {
        IndexMap::Axes([AxisMap::Fixed(0)].into())
    }
}

struct Lowering {
    graph: Graph,
    /// The layer of each table that is in the graph, by name.
    done: FxHashMap<Group, u32>,
}

impl Lowering {
    fn emit(&mut self, table: &Table, needed: &Needed, append: &mut Append<'_>) -> u32 {
        let grid: Box<[u32]> = [table.n_partitions()].into();
        match &table.node().build {
            Build::Source(kernel) => {
                let (name, kernel) = needs::pruned(table, kernel, needed);
                self.push(name, grid, ops::op(kernel), Box::default())
            }
            Build::Partwise { kernel, inputs } => {
                let inputs = inputs.iter().map(|input| LayerInput {
                    layer: self.done[input.name()],
                    map: same_or_only(input, table.n_partitions()),
                });
                let inputs = inputs.collect();
                let (name, kernel) = needs::pruned(table, kernel, needed);
                self.push(name, grid, ops::op(kernel), inputs)
            }
            Build::Layers(layers) => {
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
                        "" => table.name().clone(),
                        suffix => Group::new(&format!("{}-{suffix}", table.name().as_str())),
                    };
                    let op = Arc::clone(&proto.op);
                    numbers.push(self.push(name, proto.grid.clone(), op, inputs));
                }
                numbers.last().copied().unwrap_or_default()
            }
            Build::Graph { graph, blocks } => self.emit_graph(table, graph, blocks, append),
        }
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

    /// Brings a foreign graph's layers in, and a layer of the table's partitions on top.
    fn emit_graph(
        &mut self,
        table: &Table,
        graph: &Arc<Graph>,
        blocks: &[TaskRef],
        append: &mut Append<'_>,
    ) -> u32 {
        let base = append(&mut self.graph, graph);
        // One input for each layer that is read: mostly one.
        let mut layers: Vec<u32> = blocks.iter().map(|block| block.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        let inputs = layers.iter().map(|&layer| {
            let mut rows = Csr::default();
            for block in blocks {
                rows.push_row((block.layer == layer).then_some(block.block));
            }
            LayerInput { layer: base + layer, map: IndexMap::Table(rows) }
        });
        let inputs = inputs.collect();
        let grid = [table.n_partitions()].into();
        self.push(table.name().clone(), grid, Arc::new(ops::source::Alias), inputs)
    }
}
