//! Lazy arrays: immutable expressions over chunks.
//!
//! An [`Array`] is a counted handle to a [`Node`]: a name, chunks, a dtype and how its blocks are
//! made ([`Build`]). Names are hashes of what is computed, so equal expressions have equal names
//! and are computed once. Nothing here costs more than the number of blocks along an axis.

use std::sync::Arc;

use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::key::{Group, Key};
use oxidask_core::layer::IndexMap;
use oxidask_core::op::Op;

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::Dims;
use crate::kernel::program::Program;
use crate::ops::AnyKernel;
use crate::plan::chunks::{Chunks, UNKNOWN};
use crate::plan::note::{self, Note};
use crate::plan::reduce::Reduced;

pub use crate::plan::name::Name;

/// A lazy array.
#[derive(Clone)]
pub struct Array(Arc<Noted>);

/// A node, with what its user says about its tasks.
struct Noted {
    node: Node,
    note: Option<Note>,
}

/// What an array is.
pub struct Node {
    /// Its name: block `(i, j)` has the key `(name, i, j)`.
    pub name: Group,
    /// Extents of the blocks along each axis.
    pub chunks: Chunks,
    /// The dtype, if native chunks can have it.
    pub dtype: Option<DType>,
    /// How the blocks are made.
    pub build: Build,
}

/// How the blocks of an array are made.
pub enum Build {
    /// From nothing: one task each.
    Source(AnyKernel),
    /// Element by element from other arrays: what fusion merges.
    Elementwise(Elementwise),
    /// By reducing axes of another array.
    Reduction(Reduced),
    /// By layers of any kind, the last of which has the array's grid.
    Layers(Layers),
    /// By tasks of another graph, one for each block in row-major order.
    Graph {
        /// The graph.
        graph: Arc<Graph>,
        /// Where the blocks are.
        blocks: Arc<[TaskRef]>,
    },
}

/// An elementwise expression.
pub struct Elementwise {
    /// What it computes.
    pub program: Program,
    /// Its inputs; blocks follow from the program's axes.
    pub inputs: Vec<Array>,
}

/// Layers over other arrays.
pub struct Layers {
    /// The arrays that they read.
    pub inputs: Vec<Array>,
    /// The layers in the order in which they are read; the last one gives the array.
    pub layers: Vec<ProtoLayer>,
}

/// A layer of an expression, before it has a place in a graph.
pub struct ProtoLayer {
    /// Appended to the array's name (nothing for the last layer).
    pub suffix: String,
    /// Blocks along each axis.
    pub grid: Box<[u32]>,
    /// What each block runs.
    pub op: Arc<dyn Op>,
    /// What each block reads.
    pub inputs: Vec<(From, IndexMap)>,
}

/// What a layer of an expression reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// An input array of the expression.
    Input(usize),
    /// An earlier layer of it.
    Layer(usize),
}

impl Array {
    /// An array of a node, with the note of what is made now.
    #[must_use]
    pub fn new(node: Node) -> Self {
        Self(Arc::new(Noted { node, note: note::current() }))
    }

    /// An array from a source kernel: `prefix` and the kernel's bytes make the name.
    ///
    /// # Errors
    /// If the kernel has no byte form.
    pub fn source(
        prefix: &str,
        kernel: impl Into<AnyKernel>,
        chunks: Chunks,
        dtype: DType,
    ) -> Result<Self> {
        let kernel = kernel.into();
        let name = Name::new(prefix).bytes(&kernel.to_bytes()?).chunks(&chunks).finish();
        Ok(Self::new(Node { name, chunks, dtype: Some(dtype), build: Build::Source(kernel) }))
    }

    /// An array of one native kernel layer over some inputs.
    ///
    /// # Errors
    /// If the kernel has no byte form.
    pub fn layer(
        prefix: &str,
        kernel: impl Into<AnyKernel>,
        inputs: Vec<(Array, IndexMap)>,
        chunks: Chunks,
        dtype: Option<DType>,
    ) -> Result<Self> {
        let kernel = kernel.into();
        let mut name = Name::new(prefix).bytes(&kernel.to_bytes()?).chunks(&chunks);
        for (array, map) in &inputs {
            name = name.text(array.name().as_str()).map(map);
        }
        let grid = chunks.grid();
        let (arrays, maps): (Vec<_>, Vec<_>) = inputs.into_iter().unzip();
        let layer = ProtoLayer {
            suffix: String::new(),
            op: crate::ops::op(kernel, &grid),
            grid,
            inputs: maps.into_iter().enumerate().map(|(i, map)| (From::Input(i), map)).collect(),
        };
        let build = Build::Layers(Layers { inputs: arrays, layers: vec![layer] });
        Ok(Self::new(Node { name: name.finish(), chunks, dtype, build }))
    }

    /// What the array is.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.0.node
    }

    /// What its user says about its tasks.
    #[must_use]
    pub fn note(&self) -> Option<&Note> {
        self.0.note.as_ref()
    }

    /// Whether both are handles to one node.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &Group {
        &self.0.node.name
    }

    /// The same array under another name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        let layer = ProtoLayer {
            suffix: String::new(),
            grid: self.chunks().grid(),
            op: Arc::new(crate::ops::Alias),
            inputs: vec![(From::Input(0), IndexMap::Identity)],
        };
        let build = Build::Layers(Layers { inputs: vec![self.clone()], layers: vec![layer] });
        let (chunks, dtype) = (self.chunks().clone(), self.dtype());
        Self::new(Node { name: Group::new(name), chunks, dtype, build })
    }

    /// The same blocks under another name, with extents that are known better.
    ///
    /// # Errors
    /// If there are more or fewer blocks.
    pub fn sized(&self, name: &str, chunks: Chunks) -> Result<Self> {
        if chunks.grid() != self.chunks().grid() {
            return Err(ArrayError::Value(format!(
                "chunks {chunks} have not as many blocks as {}",
                self.chunks()
            )));
        }
        let layer = ProtoLayer {
            suffix: String::new(),
            grid: chunks.grid(),
            op: Arc::new(crate::ops::Alias),
            inputs: vec![(From::Input(0), IndexMap::Identity)],
        };
        let build = Build::Layers(Layers { inputs: vec![self.clone()], layers: vec![layer] });
        Ok(Self::new(Node { name: Group::new(name), chunks, dtype: self.dtype(), build }))
    }

    /// Extents of the blocks.
    #[must_use]
    pub fn chunks(&self) -> &Chunks {
        &self.0.node.chunks
    }

    /// The dtype, if native chunks can have it.
    #[must_use]
    pub fn dtype(&self) -> Option<DType> {
        self.0.node.dtype
    }

    /// The dtype.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] if only NumPy knows it.
    pub fn native_dtype(&self) -> Result<DType> {
        self.0
            .node
            .dtype
            .ok_or_else(|| ArrayError::NoKernel("a dtype without native chunks".into()))
    }

    /// Extents of the axes; [`UNKNOWN`] where only computing tells.
    #[must_use]
    pub fn shape(&self) -> Dims {
        self.0.node.chunks.shape()
    }

    /// Number of axes.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.0.node.chunks.ndim()
    }

    /// The array's bytes, if its shape is known and it has native chunks.
    #[must_use]
    pub fn nbytes(&self) -> Option<u128> {
        let itemsize = self.0.node.dtype?.itemsize() as u128;
        self.shape().iter().try_fold(itemsize, |n, &extent| {
            if extent == UNKNOWN { None } else { n.checked_mul(extent as u128) }
        })
    }

    /// An axis counted from the end if negative.
    ///
    /// # Errors
    /// [`ArrayError::Axis`] if there is no such axis.
    pub fn axis(&self, axis: i64) -> Result<usize> {
        normalize_axis(axis, self.ndim())
    }

    /// The key of a block.
    #[must_use]
    pub fn key(&self, coords: &[u32]) -> Key {
        let index: Vec<i64> = coords.iter().map(|&c| i64::from(c)).collect();
        Key::block(self.0.node.name.clone(), &index)
    }

    /// Whether its blocks are made by kernels, not by functions that only a face knows.
    #[must_use]
    pub fn is_native(&self) -> bool {
        match &self.0.node.build {
            Build::Source(_) | Build::Elementwise(_) | Build::Reduction(_) => true,
            Build::Graph { .. } => false,
            Build::Layers(layers) => layers.layers.last().is_some_and(|layer| {
                layer.op.as_any().is_some_and(|op| {
                    op.is::<crate::ops::KernelOp>()
                        || (op.is::<crate::ops::Alias>() && layers.inputs[0].is_native())
                })
            }),
        }
    }

    /// The arrays that it is made of.
    #[must_use]
    pub fn inputs(&self) -> &[Self] {
        match &self.0.node.build {
            Build::Source(_) | Build::Graph { .. } => &[],
            Build::Elementwise(elementwise) => &elementwise.inputs,
            Build::Reduction(reduced) => &reduced.inputs,
            Build::Layers(layers) => &layers.inputs,
        }
    }
}

impl Drop for Node {
    /// Long chains of expressions are taken apart one by one: each level of recursion would cost
    /// stack.
    fn drop(&mut self) {
        let mut stack = take_inputs(&mut self.build);
        while let Some(array) = stack.pop() {
            if let Ok(mut noted) = Arc::try_unwrap(array.0) {
                stack.extend(take_inputs(&mut noted.node.build));
            }
        }
    }
}

fn take_inputs(build: &mut Build) -> Vec<Array> {
    match build {
        Build::Source(_) | Build::Graph { .. } => Vec::new(),
        Build::Elementwise(elementwise) => std::mem::take(&mut elementwise.inputs),
        Build::Reduction(reduced) => std::mem::take(&mut reduced.inputs),
        Build::Layers(layers) => std::mem::take(&mut layers.inputs),
    }
}

/// An axis counted from the end if negative.
///
/// # Errors
/// [`ArrayError::Axis`] if there is no such axis.
pub fn normalize_axis(axis: i64, ndim: usize) -> Result<usize> {
    let counted = if axis < 0 { axis + ndim as i64 } else { axis };
    usize::try_from(counted).ok().filter(|&axis| axis < ndim).ok_or(ArrayError::Axis { axis, ndim })
}
