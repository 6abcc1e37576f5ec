//! Running sums and products along an axis of many blocks.
//!
//! Each block's total is found first; one task for each row of blocks along the axis turns the
//! totals to what comes before each block; then every block is scanned from there. No block waits
//! for the one before it.

use oxidask_core::layer::{AxisMap, IndexMap};

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
        let step = |step| Cumulate { scan, axis, step };
        let (chunks, dtype) = (self.chunks().clone(), self.dtype());
        let grid = chunks.grid();
        if grid[axis] == 1 {
            let inputs = vec![(self.clone(), IndexMap::Identity)];
            return Self::layer("cumulate", step(Step::Scan), inputs, chunks, dtype);
        }
        let mut rows = grid.clone();
        rows[axis] = 1;
        let along = |map: AxisMap| -> IndexMap {
            let other = |a: usize| if a == axis { map.clone() } else { AxisMap::Same(a as u8) };
            IndexMap::Axes((0..grid.len()).map(other).collect())
        };
        let layer = |suffix: &str, kind, grid: &[u32], inputs| ProtoLayer {
            suffix: suffix.into(),
            grid: grid.into(),
            op: crate::ops::op(step(kind), grid),
            inputs,
        };
        let totals = layer("total", Step::Total, &grid, vec![(From::Input(0), IndexMap::Identity)]);
        let carries =
            layer("carries", Step::Carries, &rows, vec![(From::Layer(0), along(AxisMap::Every))]);
        let scans =
            vec![(From::Input(0), IndexMap::Identity), (From::Layer(1), along(AxisMap::Fixed(0)))];
        let scanned = layer("", Step::Scan, &grid, scans);
        let name = Name::new("cumulate").text(&format!("{scan:?} {axis}"));
        let name = name.text(self.name().as_str()).finish();
        let layers = Layers { inputs: vec![self.clone()], layers: vec![totals, carries, scanned] };
        Ok(Self::new(Node { name, chunks, dtype, build: Build::Layers(layers) }))
    }
}
