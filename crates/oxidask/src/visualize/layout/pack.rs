//! Components side by side in rows, so that a thousand chains are not a mile wide.

use super::component::Component;

/// Between components.
const GAP: f32 = 24.0;
/// Up to this far across, all components stand in one row, as users of Dask are used to.
const ONE_ROW: f32 = 3_000.0;
/// Beyond that, rows are filled until the picture is about this much wider than high.
const ASPECT: f32 = 1.8;
/// Rows may be this much longer than their mean, so that the last one need not be short.
const SLACK: f32 = 1.05;

/// Where each component goes, and the size of it all.
pub(super) struct Packed {
    pub(super) shifts: Vec<(f32, f32)>,
    pub(super) across: f32,
    pub(super) along: f32,
}

/// Fills rows in the order of the components.
pub(super) fn pack(components: &[Component]) -> Packed {
    let widest = components.iter().map(|part| part.across).fold(0.0, f32::max);
    let area: f32 = components.iter().map(|part| (part.across + GAP) * (part.along + GAP)).sum();
    let longest = widest.max(ONE_ROW).max((area * ASPECT).sqrt());
    // As many rows as that takes, but of about one length.
    let total: f32 = components.iter().map(|part| part.across + GAP).sum();
    let row_end = widest.max(total / (total / longest).ceil() * SLACK);
    let mut packed =
        Packed { shifts: Vec::with_capacity(components.len()), across: 0.0, along: 0.0 };
    let (mut x, mut y) = (0.0, 0.0);
    for part in components {
        if x > 0.0 && x + part.across > row_end {
            (x, y) = (0.0, packed.along + GAP);
        }
        packed.shifts.push((x, y));
        packed.across = packed.across.max(x + part.across);
        packed.along = packed.along.max(y + part.along);
        x += part.across + GAP;
    }
    packed
}
