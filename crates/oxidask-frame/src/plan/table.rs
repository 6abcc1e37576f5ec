//! Lazy tables: immutable expressions over partitions.
//!
//! A [`Table`] is a counted handle to a [`Node`]: a name, a schema, how many partitions there are, what divides
//! them, and how they are made ([`Build`]). Names are hashes of what is computed, so equal expressions have equal names
//! and are computed once. Nothing here costs more than the number of partitions.

use std::sync::Arc;

use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::key::Group;
use oxidask_core::layer::IndexMap;
use oxidask_core::op::Op;

use super::name::Name;
use crate::error::{FrameError, Result};
use crate::ops::{self, AnyKernel, Kernel, KernelOp};
use crate::scalar::Scalar;
use crate::schema::{Label, Schema};

/// A lazy dataframe, series or index.
#[derive(Clone)]
pub struct Table(Arc<Node>);

/// What a table is.
pub struct Node {
    /// Its name: partition `i` has the key `(name, i)`.
    pub name: Group,
    /// What is known without data; none if Python's functions make the partitions.
    pub schema: Option<Arc<Schema>>,
    /// How many partitions there are.
    pub n_partitions: u32,
    /// What divides them.
    pub divisions: Divisions,
    /// The table that its rows were first those of: tables of equal rows can be taken together row by row.
    pub rows: Group,
    /// How the partitions are made.
    pub build: Build,
}

/// What is known of the index's order over partitions.
#[derive(Clone, Debug, PartialEq)]
pub enum Divisions {
    /// Nothing.
    Unknown,
    /// Partition `i` holds labels from the `i`th up to the next; the last one's end is included.
    Known(Arc<[Scalar]>),
}

/// How the partitions of a table are made.
pub enum Build {
    /// From nothing: one task each.
    Source(AnyKernel),
    /// Each from those of the same number.
    Partwise {
        /// What a task runs.
        kernel: AnyKernel,
        /// Tables of as many partitions, or of one that all read.
        inputs: Vec<Table>,
    },
    /// By layers of any kind, the last of which has the table's partitions.
    Layers(Layers),
    /// By tasks of another graph, one for each partition.
    Graph {
        /// The graph.
        graph: Arc<Graph>,
        /// Where the partitions are.
        blocks: Arc<[TaskRef]>,
    },
}

/// Layers over other tables.
pub struct Layers {
    /// The tables that they read.
    pub inputs: Vec<Table>,
    /// Which of their columns.
    pub reads: Reads,
    /// The layers in the order in which they are read; the last one gives the table.
    pub layers: Vec<ProtoLayer>,
}

/// Which columns of its inputs a table reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reads {
    /// All, for all that is known.
    All,
    /// Of the first input those that are read of the table, and these.
    Same(Vec<Label>),
    /// These.
    Only(Vec<Label>),
}

/// A layer of a table, before it has a place in a graph.
pub struct ProtoLayer {
    /// Appended to the table's name (nothing for the last layer).
    pub suffix: String,
    /// Blocks along each axis.
    pub grid: Box<[u32]>,
    /// What each block runs.
    pub op: Arc<dyn Op>,
    /// What each block reads.
    pub inputs: Vec<(From, IndexMap)>,
}

/// What a layer of a table reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// An input of the table.
    Input(usize),
    /// An earlier layer of it.
    Layer(usize),
}

/// What a table keeps of its inputs.
pub struct Outline {
    /// What is known without data.
    pub schema: Option<Arc<Schema>>,
    /// How many partitions there are.
    pub n_partitions: u32,
    /// What divides them.
    pub divisions: Divisions,
    /// The table whose rows it has; none if they are its own.
    pub rows: Option<Group>,
}

impl Outline {
    /// Rows of its own, in partitions of which nothing is known.
    #[must_use]
    pub fn new(schema: impl Into<Arc<Schema>>, n_partitions: u32) -> Self {
        let schema = Some(schema.into());
        Self { schema, n_partitions, divisions: Divisions::Unknown, rows: None }
    }

    /// As the table's, with another schema.
    #[must_use]
    pub fn of(table: &Table, schema: Schema) -> Self {
        Self {
            schema: Some(Arc::new(schema)),
            n_partitions: table.n_partitions(),
            divisions: table.divisions().clone(),
            rows: Some(table.rows().clone()),
        }
    }

    /// With rows of its own: some of the input's, or in another order.
    #[must_use]
    pub fn own_rows(mut self) -> Self {
        self.rows = None;
        self
    }

    /// With divisions unknown.
    #[must_use]
    pub fn undivided(mut self) -> Self {
        self.divisions = Divisions::Unknown;
        self
    }
}

impl Table {
    /// A table of a node.
    #[must_use]
    pub fn new(node: Node) -> Self {
        Self(Arc::new(node))
    }

    fn built(name: Group, outline: Outline, build: Build) -> Self {
        let Outline { schema, n_partitions, divisions, rows } = outline;
        let rows = rows.unwrap_or_else(|| name.clone());
        Self::new(Node { name, schema, n_partitions, divisions, rows, build })
    }

    /// A table from a source kernel: `prefix` and the kernel's bytes make the name.
    ///
    /// # Errors
    /// If the kernel has no byte form.
    pub fn source(prefix: &str, kernel: impl Into<AnyKernel>, outline: Outline) -> Result<Self> {
        let kernel = KernelOp(kernel.into());
        let name = Name::new(prefix).bytes(&kernel.to_bytes()?);
        let name = name.bytes(&outline.n_partitions.to_le_bytes()).finish();
        Ok(Self::built(name, outline, Build::Source(kernel.0)))
    }

    /// A table whose partitions come from those of the same number.
    ///
    /// # Errors
    /// [`FrameError::Value`] if the inputs have different numbers of partitions.
    pub fn partwise(
        kernel: impl Into<AnyKernel>,
        inputs: Vec<Self>,
        outline: Outline,
    ) -> Result<Self> {
        let kernel = KernelOp(kernel.into());
        let n = outline.n_partitions;
        if let Some(odd) = inputs.iter().find(|input| ![1, n].contains(&input.n_partitions())) {
            return Err(FrameError::Value(format!(
                "{} partitions and {n} can't be taken together; repartition one of the two",
                odd.n_partitions()
            )));
        }
        let mut name = Name::new(&kernel.0.name()).bytes(&kernel.to_bytes()?);
        for input in &inputs {
            name = name.bytes(input.name().as_str().as_bytes());
        }
        Ok(Self::built(name.finish(), outline, Build::Partwise { kernel: kernel.0, inputs }))
    }

    /// A table made by layers. `what` tells layers over the same inputs apart.
    #[must_use]
    pub fn layers(prefix: &str, what: &[u8], layers: Layers, outline: Outline) -> Self {
        let mut name = Name::new(prefix).bytes(what).bytes(&outline.n_partitions.to_le_bytes());
        for input in &layers.inputs {
            name = name.bytes(input.name().as_str().as_bytes());
        }
        Self::built(name.finish(), outline, Build::Layers(layers))
    }

    /// The same table under another name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        let outline = Outline {
            schema: self.schema().cloned(),
            n_partitions: self.n_partitions(),
            divisions: self.divisions().clone(),
            rows: Some(self.rows().clone()),
        };
        let identity = ProtoLayer {
            suffix: String::new(),
            grid: [self.n_partitions()].into(),
            op: Arc::new(ops::source::Alias),
            inputs: vec![(From::Input(0), IndexMap::Identity)],
        };
        let reads = Reads::Same(Vec::new());
        let layers = Layers { inputs: vec![self.clone()], reads, layers: vec![identity] };
        Self::built(Group::new(name), outline, Build::Layers(layers))
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.0
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Group {
        &self.0.name
    }

    /// What is known without data, if the partitions are native.
    #[must_use]
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.0.schema.as_ref()
    }

    /// The schema.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if the partitions are not native.
    pub fn native(&self) -> Result<&Arc<Schema>> {
        let name = || FrameError::NoKernel(format!("the partitions of {}", self.name().as_str()));
        self.schema().ok_or_else(name)
    }

    /// How many partitions there are.
    #[must_use]
    pub fn n_partitions(&self) -> u32 {
        self.0.n_partitions
    }

    /// What divides them.
    #[must_use]
    pub fn divisions(&self) -> &Divisions {
        &self.0.divisions
    }

    /// The table that its rows were first those of.
    #[must_use]
    pub fn rows(&self) -> &Group {
        &self.0.rows
    }

    /// The tables that it is made of.
    #[must_use]
    pub fn inputs(&self) -> &[Self] {
        match &self.0.build {
            Build::Source(_) | Build::Graph { .. } => &[],
            Build::Partwise { inputs, .. } => inputs,
            Build::Layers(layers) => &layers.inputs,
        }
    }
}
