//! Functions of a row and its neighbours: running totals, shifts, fills, rolling windows.
//!
//! They see one run of rows. Where a partition needs what came before, [`cumulative`] takes and gives a carry; for
//! the others the caller puts the neighbours' rows in front and cuts them off again.

mod cumulative;
mod rolling;
mod shift;

pub use cumulative::{Cumulative, cumulative, cumulative_dtype};
pub use rolling::{Bounds, Closed, Roll, roll, row_bounds, time_bounds};
pub use shift::{Fill, diff, diff_dtype, fill, shift, shift_dtype};
