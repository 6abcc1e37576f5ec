//! Running sums and products along an axis of many blocks.
//!
//! Each block's total is found first; one task for each row of blocks along the axis turns the
//! totals to what comes before each block; then every block is scanned from there. No block waits
//! for the one before it.
//!
//! Products of floats are the exception: a block's own product may overflow where the running
//! product, 0 by then, does not. There each total goes on from the one before it.

use oxidask_core::layer::{AxisMap, IndexMap};

use crate::dtype::{DType, Kind};
use crate::error::Result;
use crate::kernel::cumulative::Scan;
use crate::ops::cumulative::{Cumulate, Step};
use crate::plan::array::{Array, Build, From, Layers, Name, Node, ProtoLayer};

impl Array {
    /// The scan along `axis`, in the array's own dtype.
    ///
    /// # Errors
    /// [`crate::error::ArrayError::Axis`] if there is no such axis.
    pub fn cumulate(&self, scan: Scan, axis: i64) -> Result<Self> {
        let axis = self.axis(axis)?;
        let (chunks, dtype) = (self.chunks().clone(), self.dtype());
        let grid = chunks.grid();
        if grid[axis] == 1 {
            let inputs = vec![(self.clone(), IndexMap::Identity)];
            let kernel = Cumulate { scan, axis, step: Step::Scan };
            return Self::layer("cumulate", kernel, inputs, chunks, dtype);
        }
        let rows = Rows { scan, axis, grid: &grid };
        let mut layers = match overflows(scan, dtype) {
            true => rows.one_after_another(),
            false => rows.at_once(),
        };
        let carries = From::Layer(layers.len() - 1);
        let scans =
            vec![(From::Input(0), IndexMap::Identity), (carries, rows.along(AxisMap::Fixed(0)))];
        layers.push(rows.layer("", Step::Scan, &grid, scans));
        let name = Name::new("cumulate").text(&format!("{scan:?} {axis}"));
        let name = name.text(self.name().as_str()).finish();
        let layers = Layers { inputs: vec![self.clone()], layers };
        Ok(Self::new(Node { name, chunks, dtype, build: Build::Layers(layers) }))
    }
}

/// Whether a block's own total may be infinite where the running one isn't.
fn overflows(scan: Scan, dtype: Option<DType>) -> bool {
    let inexact = dtype.is_none_or(|dtype| matches!(dtype.kind(), Kind::Float | Kind::Complex));
    inexact && matches!(scan, Scan::Product | Scan::NanProduct)
}

/// The blocks along the axis, row by row.
struct Rows<'a> {
    scan: Scan,
    axis: usize,
    grid: &'a [u32],
}

impl Rows<'_> {
    /// What comes before each block, from all the blocks' totals.
    fn at_once(&self) -> Vec<ProtoLayer> {
        let blocks = vec![(From::Input(0), IndexMap::Identity)];
        let totals = vec![(From::Layer(0), self.along(AxisMap::Every))];
        vec![
            self.layer("total", Step::Total, self.grid, blocks),
            self.layer("carries", Step::Carries, &self.row_grid(), totals),
        ]
    }

    /// What comes before each block, from what comes before its neighbour.
    fn one_after_another(&self) -> Vec<ProtoLayer> {
        let n = self.grid[self.axis] as usize;
        let row_grid = self.row_grid();
        let total = |at: usize| {
            let mut inputs = vec![(From::Input(0), self.along(AxisMap::Fixed(at as u32)))];
            inputs.extend((at > 0).then(|| (From::Layer(at - 1), IndexMap::Identity)));
            self.layer(&format!("total{at}"), Step::Total, &row_grid, inputs)
        };
        let mut layers: Vec<ProtoLayer> = (0..n - 1).map(total).collect();
        let all = (0..n - 1).map(|at| (From::Layer(at), IndexMap::Identity)).collect();
        layers.push(self.layer("carries", Step::Gather, &row_grid, all));
        layers
    }

    fn row_grid(&self) -> Box<[u32]> {
        let mut grid: Box<[u32]> = self.grid.into();
        grid[self.axis] = 1;
        grid
    }

    fn along(&self, map: AxisMap) -> IndexMap {
        let other = |a: usize| if a == self.axis { map.clone() } else { AxisMap::Same(a as u8) };
        IndexMap::Axes((0..self.grid.len()).map(other).collect())
    }

    fn layer(
        &self,
        suffix: &str,
        step: Step,
        grid: &[u32],
        inputs: Vec<(From, IndexMap)>,
    ) -> ProtoLayer {
        let op = crate::ops::op(Cumulate { scan: self.scan, axis: self.axis, step }, grid);
        ProtoLayer { suffix: suffix.into(), grid: grid.into(), op, inputs }
    }
}
