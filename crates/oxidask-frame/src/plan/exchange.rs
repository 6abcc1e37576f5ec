//! Operations on tables that move rows between partitions.

use oxidask_core::dag::Csr;
use oxidask_core::graph::Graph;
use oxidask_core::key::Group;
use oxidask_core::layer::{IndexMap, Layer, LayerInput, MappedLayer};

use super::table::{Divisions, From, Layers, Outline, ProtoLayer, Reads, Table};
use crate::error::{FrameError, Result};
use crate::ops::{self, AnyKernel, exchange, select};

fn table_of(rows: impl Iterator<Item = Vec<u32>>) -> IndexMap {
    let mut table = Csr::default();
    rows.for_each(|row| table.push_row(row));
    IndexMap::Table(table)
}

impl Table {
    /// The first `n` rows of the first `n_partitions` partitions, or the last rows of the last.
    ///
    /// # Errors
    /// [`FrameError::Value`] if there are not so many partitions.
    pub fn head(&self, n: i64, from_end: bool, n_partitions: u32) -> Result<Self> {
        if n_partitions == 0 || n_partitions > self.n_partitions() {
            return Err(FrameError::Value(format!(
                "only {} partitions, head received {n_partitions}",
                self.n_partitions()
            )));
        }
        let first = if from_end { self.n_partitions() - n_partitions } else { 0 };
        let chosen: Vec<u32> = (first..first + n_partitions).collect();
        let chosen = self.partitions(&chosen)?;
        let outline = Outline { schema: self.schema().cloned(), ..chosen.outline().undivided() };
        let kernel = select::Head { n, from_end };
        let parts = Self::partwise(kernel.clone(), vec![chosen], outline)?;
        if n_partitions == 1 {
            return Ok(parts);
        }
        let whole = parts.gathered()?;
        let outline = whole.outline();
        Self::partwise(kernel, vec![whole], outline)
    }

    /// Some partitions, in any order.
    ///
    /// # Errors
    /// [`FrameError::Index`] if there is no such partition.
    pub fn partitions(&self, chosen: &[u32]) -> Result<Self> {
        if let Some(odd) = chosen.iter().find(|at| **at >= self.n_partitions()) {
            return Err(FrameError::Index(format!("partition {odd} of {}", self.n_partitions())));
        }
        let divisions = match self.divisions() {
            Divisions::Known(ends) if chosen.windows(2).all(|pair| pair[0] < pair[1]) => {
                let mut kept: Vec<_> = chosen.iter().map(|&at| ends[at as usize].clone()).collect();
                kept.extend(chosen.last().map(|&last| ends[last as usize + 1].clone()));
                Divisions::Known(kept.into())
            }
            _ => Divisions::Unknown,
        };
        let layer = ProtoLayer {
            suffix: String::new(),
            grid: [chosen.len() as u32].into(),
            op: std::sync::Arc::new(ops::source::Alias),
            inputs: vec![(From::Input(0), table_of(chosen.iter().map(|&at| vec![at])))],
        };
        let layers = Layers {
            inputs: vec![self.clone()],
            reads: Reads::Same(Vec::new()),
            layers: vec![layer],
        };
        let what: Vec<u8> = chosen.iter().flat_map(|at| at.to_le_bytes()).collect();
        let outline = Outline { n_partitions: chosen.len() as u32, divisions, ..self.outline() };
        Ok(Self::layers("partitions", &what, layers, outline))
    }

    /// All rows in one partition.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if the partitions are not native.
    pub fn gathered(&self) -> Result<Self> {
        self.coalesced(&[0, self.n_partitions()])
    }

    /// Fewer partitions, each of those from one bound up to the next.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if the partitions are not native.
    pub fn coalesced(&self, bounds: &[u32]) -> Result<Self> {
        self.native()?;
        let n = bounds.len() as u32 - 1;
        let divisions = match self.divisions() {
            Divisions::Known(ends) => {
                Divisions::Known(bounds.iter().map(|&at| ends[at as usize].clone()).collect())
            }
            Divisions::Unknown => Divisions::Unknown,
        };
        let rows = bounds.windows(2).map(|pair| (pair[0]..pair[1]).collect());
        let layer = ProtoLayer {
            suffix: String::new(),
            grid: [n].into(),
            op: ops::op(exchange::Concat),
            inputs: vec![(From::Input(0), table_of(rows))],
        };
        let layers = Layers {
            inputs: vec![self.clone()],
            reads: Reads::Same(Vec::new()),
            layers: vec![layer],
        };
        let what: Vec<u8> = bounds.iter().flat_map(|at| at.to_le_bytes()).collect();
        let outline = Outline { n_partitions: n, divisions, ..self.outline() };
        Ok(Self::layers("repartition", &what, layers, outline))
    }

    /// The partitions of several tables, one table after the other.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if schemas differ.
    pub fn stacked(tables: &[Self], divisions: Divisions) -> Result<Self> {
        let Some(first) = tables.first() else {
            return Err(FrameError::Value("No objects to concatenate".into()));
        };
        let schema = select::stored(first.native()?);
        for table in tables {
            if select::stored(table.native()?) != schema {
                return Err(FrameError::NoKernel("tables of different columns".into()));
            }
        }
        let n: u32 = tables.iter().map(Self::n_partitions).sum();
        let mut inputs = Vec::new();
        let mut before = 0;
        for (at, table) in tables.iter().enumerate() {
            let here = before..before + table.n_partitions();
            let rows =
                (0..n).map(|i| if here.contains(&i) { vec![i - here.start] } else { vec![] });
            inputs.push((From::Input(at), table_of(rows)));
            before = here.end;
        }
        let layer = ProtoLayer {
            suffix: String::new(),
            grid: [n].into(),
            op: std::sync::Arc::new(ops::source::Alias),
            inputs,
        };
        let layers = Layers { inputs: tables.to_vec(), reads: Reads::All, layers: vec![layer] };
        let outline =
            Outline { schema: Some(schema.into()), n_partitions: n, divisions, rows: None };
        Ok(Self::layers("concat", b"", layers, outline))
    }
}

/// Adds a task that gathers the partitions of a layer into one.
pub fn gather(graph: &mut Graph, table: &Table, layer: u32) -> oxidask_core::graph::TaskRef {
    if table.n_partitions() == 1 {
        return oxidask_core::graph::TaskRef { layer, block: 0 };
    }
    let every = oxidask_core::layer::AxisMap::Every;
    let layer = graph.push(Layer::Mapped(MappedLayer {
        name: Group::new(&format!("gather-{}", table.name().as_str())),
        shape: [1].into(),
        op: ops::op(AnyKernel::from(exchange::Concat)),
        inputs: [LayerInput { layer, map: IndexMap::Axes([every].into()) }].into(),
    }));
    oxidask_core::graph::TaskRef { layer, block: 0 }
}
