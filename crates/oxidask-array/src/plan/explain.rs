//! What a plan will do and take, told before it runs.
//!
//! The tasks are walked in their static order with the sizes of their blocks, which are known or
//! bounded from above; the highest sum of what is alive at once, what the workers hold besides, and
//! the result make the bound. Blocks that are views of memory count in full, so that the bound
//! errs to the safe side; views of arrays that the user holds count nothing.

use std::fmt;
use std::sync::Arc;

use oxidask_core::graph::{Graph, TaskGraph, TaskRef};
use oxidask_core::key::Group;
use oxidask_core::layer::Layer;
use oxidask_core::optimize::fuse_blockwise;
use rustc_hash::FxHashMap;

use crate::error::{ArrayError, Result};
use crate::kernel::buffer::POOL_BYTES;
use crate::ops::{AnyKernel, KernelOp};
use crate::plan::array::Array;
use crate::plan::lower::{Fusion, lower, walk};

/// What the bookkeeping of a task takes.
const TASK_BYTES: u64 = 512;

/// What the itemsize of elements that only NumPy knows is taken to be.
const FOREIGN_ITEMSIZE: usize = 64;

/// A layer of a plan.
#[derive(Clone, Debug)]
pub struct PlannedLayer {
    /// The name in its keys.
    pub name: String,
    /// What each of its tasks does.
    pub does: String,
    /// Blocks along each axis.
    pub grid: Box<[u32]>,
    /// Bytes of its largest block, at most.
    pub block_bytes: u64,
}

/// A plan: layers, tasks and a bound on memory.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The layers, inputs first, after fusion.
    pub layers: Vec<PlannedLayer>,
    /// Tasks that will run.
    pub n_tasks: usize,
    /// Workers that the bound is for.
    pub n_workers: usize,
    /// The budget for values between tasks, if there is one.
    pub budget_bytes: Option<u64>,
    /// Values alive at once when one worker follows the order.
    pub live_bytes: u64,
    /// Inputs and output of the largest task.
    pub task_bytes: u64,
    /// The results, put together.
    pub result_bytes: u64,
    /// What all of it takes at most: results, values (within the budget, if there is one), what
    /// the workers have in hand, bookkeeping and memory kept for reuse.
    pub memory_bound_bytes: u64,
}

/// Explains how `roots` will be computed by so many workers within a budget.
///
/// # Errors
/// As lowering; [`ArrayError::Value`] if there are too many tasks.
pub fn explain(roots: &[Array], n_workers: usize, budget_bytes: Option<u64>) -> Result<Plan> {
    let lowered = lower(roots, Fusion::On)?;
    let graph = Arc::new(fuse_blockwise(&lowered.graph, &lowered.layers));
    let bytes = block_bytes(roots, &graph);
    let outputs = lowered.layers.iter().flat_map(|&layer| {
        let n_tasks = graph.layers()[layer as usize].n_tasks();
        (0..n_tasks).map(move |block| TaskRef { layer, block })
    });
    let outputs: Vec<TaskRef> = outputs.collect();
    let too_large = |error: oxidask_core::graph::GraphError| ArrayError::Value(error.to_string());
    let tasks = graph.expand(&outputs).map_err(too_large)?;
    let order = tasks.order().map_err(too_large)?;
    let tasks = tasks.renumbered(&order);
    let (live_bytes, task_bytes) = simulate(&tasks, &bytes);
    let result_bytes = roots.iter().map(array_bytes).sum::<u128>();
    let result_bytes = u64::try_from(result_bytes).unwrap_or(u64::MAX);
    let used: Vec<bool> = used_layers(&tasks, graph.layers().len());
    let layers = graph.layers().iter().zip(&bytes).zip(used);
    let layers = layers.filter(|(_, used)| *used).map(|((layer, &bytes), _)| planned(layer, bytes));
    let held = live_bytes.min(budget_bytes.unwrap_or(u64::MAX));
    let memory_bound_bytes = result_bytes
        .saturating_add(held)
        .saturating_add(task_bytes.saturating_mul(n_workers as u64))
        .saturating_add(TASK_BYTES * tasks.len() as u64)
        .saturating_add(POOL_BYTES as u64);
    Ok(Plan {
        layers: layers.collect(),
        n_tasks: tasks.len(),
        n_workers,
        budget_bytes,
        live_bytes,
        task_bytes,
        result_bytes,
        memory_bound_bytes,
    })
}

fn planned(layer: &Layer, block_bytes: u64) -> PlannedLayer {
    match layer {
        Layer::Mapped(mapped) => PlannedLayer {
            name: mapped.name.as_str().into(),
            does: mapped.op.name().into_owned(),
            grid: mapped.shape.clone(),
            block_bytes,
        },
        Layer::Explicit(explicit) => PlannedLayer {
            name: "tasks".into(),
            does: "tasks of another graph".into(),
            grid: [explicit.len() as u32].into(),
            block_bytes,
        },
    }
}

fn used_layers(tasks: &TaskGraph, n_layers: usize) -> Vec<bool> {
    let mut used = vec![false; n_layers];
    for task in 0..tasks.len() as u32 {
        used[tasks.origin(task).layer as usize] = true;
    }
    used
}

fn array_bytes(array: &Array) -> u128 {
    let itemsize = array.dtype().map_or(FOREIGN_ITEMSIZE, |dtype| dtype.itemsize()) as u128;
    let shape = array.chunks().iter().map(|axis| {
        axis.iter().map(|&n| if n == usize::MAX { 0 } else { n as u128 }).sum::<u128>()
    });
    shape.fold(itemsize, u128::saturating_mul)
}

/// The bytes of a block of every layer, at most.
fn block_bytes(roots: &[Array], graph: &Graph) -> Vec<u64> {
    let mut by_name: FxHashMap<Group, u64> = FxHashMap::default();
    let mut upstream: FxHashMap<Group, u64> = FxHashMap::default();
    for array in walk(roots) {
        let itemsize = array.dtype().map_or(FOREIGN_ITEMSIZE, |dtype| dtype.itemsize());
        let inputs = array.inputs().iter().filter_map(|input| by_name.get(input.name()));
        let read = inputs.copied().max().unwrap_or(0);
        let own = match (array.chunks().is_known(), array.dtype()) {
            (true, _) => array.chunks().max_block_bytes(itemsize).try_into().unwrap_or(u64::MAX),
            // A selection of what is read, or the several factors of it.
            (false, Some(_)) => read,
            (false, None) => read.saturating_mul(2),
        };
        upstream.insert(array.name().clone(), read.max(own));
        by_name.insert(array.name().clone(), own);
    }
    let of_layer = |layer: &Layer| {
        let Layer::Mapped(mapped) = layer else { return 0 };
        if is_free(mapped.op.as_any()) {
            return 0;
        }
        if let Some(&bytes) = by_name.get(&mapped.name) {
            return bytes;
        }
        // A layer inside of an expression: `name-suffix`.
        let sizes = if is_product(mapped.op.as_any()) { &by_name } else { &upstream };
        let mut name = mapped.name.as_str();
        while let Some((head, _)) = name.rsplit_once('-') {
            if let Some(&bytes) = sizes.get(&Group::new(head)) {
                return bytes;
            }
            name = head;
        }
        upstream.values().copied().max().unwrap_or(0)
    };
    graph.layers().iter().map(of_layer).collect()
}

/// Whether blocks are views of memory that is there anyway.
fn is_free(op: Option<&dyn std::any::Any>) -> bool {
    let kernel = op.and_then(|op| op.downcast_ref::<KernelOp>()).map(|op| &op.kernel);
    matches!(kernel, Some(AnyKernel::FromChunk(_) | AnyKernel::Full(_)))
}

/// Whether blocks are parts of sums, each as large as the result's.
fn is_product(op: Option<&dyn std::any::Any>) -> bool {
    let kernel = op.and_then(|op| op.downcast_ref::<KernelOp>()).map(|op| &op.kernel);
    matches!(kernel, Some(AnyKernel::Contract(_) | AnyKernel::AddBlocks(_)))
}

/// The most bytes alive at once in the static order, and those of the largest task.
fn simulate(tasks: &TaskGraph, bytes: &[u64]) -> (u64, u64) {
    let of = |task: u32| bytes[tasks.origin(task).layer as usize];
    let mut readers = vec![0u32; tasks.len()];
    for task in 0..tasks.len() as u32 {
        for &input in tasks.dag().inputs.row(task) {
            readers[input as usize] += 1;
        }
    }
    let (mut live, mut peak, mut largest) = (0u64, 0u64, 0u64);
    for task in 0..tasks.len() as u32 {
        let inputs = tasks.dag().inputs.row(task);
        let working = inputs.iter().map(|&input| of(input)).fold(of(task), u64::saturating_add);
        largest = largest.max(working);
        live = live.saturating_add(of(task));
        peak = peak.max(live);
        for &input in inputs {
            readers[input as usize] -= 1;
            if readers[input as usize] == 0 {
                live = live.saturating_sub(of(input));
            }
        }
        // A block of the result is written to its place and let go.
        if readers[task as usize] == 0 {
            live = live.saturating_sub(of(task));
        }
    }
    (peak, largest)
}

/// Bytes as people read them.
fn shown(bytes: u64) -> String {
    let units = ["B", "kiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Plan: {} tasks in {} layers", self.n_tasks, self.layers.len())?;
        for layer in &self.layers {
            let grid: Vec<String> = layer.grid.iter().map(u32::to_string).collect();
            let grid = if grid.is_empty() { "1".into() } else { grid.join(" x ") };
            writeln!(
                f,
                "  {:<32} {grid} blocks of at most {}",
                layer.does,
                shown(layer.block_bytes)
            )?;
        }
        writeln!(f, "Memory: at most {}", shown(self.memory_bound_bytes))?;
        write!(
            f,
            "  result {}, between tasks {}{}, in the hands of {} workers {} each",
            shown(self.result_bytes),
            shown(self.live_bytes),
            self.budget_bytes.map_or_else(String::new, |b| format!(" (budget {})", shown(b))),
            self.n_workers,
            shown(self.task_bytes),
        )
    }
}
