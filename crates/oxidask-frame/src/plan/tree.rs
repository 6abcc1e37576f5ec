//! Trees: many partitions to few, some at a time.

use oxidask_core::layer::{AxisMap, IndexMap};

use super::table::{From, ProtoLayer};
use crate::ops::{self, AnyKernel};

/// Values that one task of a tree takes together.
pub const SPLIT_EVERY: u32 = 8;

/// Layers that bring the `n` blocks of `from` to one: levels of `merge`, and `last` on what is left.
pub fn to_one(
    from: From,
    n: u32,
    split_every: u32,
    merge: &AnyKernel,
    last: AnyKernel,
    above: &mut Vec<ProtoLayer>,
) {
    let by = split_every.max(2);
    let (mut from, mut n, mut level) = (from, n, 0);
    while n > by {
        let grid = n.div_ceil(by);
        let map = IndexMap::Axes([AxisMap::Tree { axis: 0, by }].into());
        above.push(ProtoLayer {
            suffix: format!("merge-{level}"),
            grid: [grid].into(),
            op: ops::op(merge.clone()),
            inputs: vec![(from, map)],
        });
        from = From::Layer(above.len() - 1);
        (n, level) = (grid, level + 1);
    }
    above.push(ProtoLayer {
        suffix: String::new(),
        grid: [1].into(),
        op: ops::op(last),
        inputs: vec![(from, IndexMap::Axes([AxisMap::Every].into()))],
    });
}
