//! Factorisations column of blocks by column of blocks: what each task does with one or two
//! columns. See [`crate::kernel::decompose::columns`] for the mathematics and
//! [`crate::plan::linalg`] for the order of the steps.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::kernel::Chunk;
use crate::kernel::copy::contiguous_copy;
use crate::kernel::decompose::columns::{self, Order};
use crate::kernel::decompose::solve::Triangle;
use crate::ops::linalg::part;
use crate::ops::source::Bounds;
use crate::ops::{Block, Kernel, Parts, chunk, value};

/// What is done with columns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Columns {
    /// Parts of a column: the packed factors, and the order of its rows from `start` on.
    LuPanel {
        /// The row of the panel's diagonal.
        start: usize,
    },
    /// Of a column and a panel's parts: the column with the panel's lower factor eliminated.
    LuStep {
        /// The row of the panel's diagonal.
        start: usize,
    },
    /// Of a right hand side and a panel's parts: with the panel's upper factor eliminated.
    LuBack {
        /// The row of the panel's diagonal.
        start: usize,
    },
    /// Of a right hand side and a column of a triangular matrix: with that eliminated.
    Triangular {
        /// The row of the column's diagonal.
        start: usize,
        /// Which half holds the matrix.
        lower: bool,
        /// Whether its diagonal is taken as ones.
        unit: bool,
    },
    /// A column of the lower factor.
    CholeskyPanel {
        /// The row of the panel's diagonal.
        start: usize,
    },
    /// Of a column and a panel: the column with the panel eliminated.
    CholeskyStep {
        /// The rows of the columns' diagonals, one for each block.
        starts: Bounds,
    },
    /// A panel of a Cholesky factor, copied: the store does not spill a value that stands under two
    /// keys.
    CholeskyLower,
    /// Of a panel's parts, and the orders of the panels after it: a column of the lower factor.
    Lower {
        /// The rows of the panels' diagonals.
        starts: Bounds,
    },
    /// Of a panel's parts: a column of the upper factor.
    Upper {
        /// The rows of the panels' diagonals.
        starts: Bounds,
    },
    /// Of all orders: which row of the matrix each row of the factors' product is.
    Rows {
        /// The rows of the panels' diagonals, and last their number.
        starts: Bounds,
    },
    /// Of that: a block of the permutation matrix.
    Permutation {
        /// Where the blocks of the rows and of the columns start.
        bounds: [Bounds; 2],
        /// The dtype.
        dtype: DType,
    },
    /// Of a panel's parts: its pivots, whose product over all panels is the determinant.
    Pivots {
        /// The rows of the panels' diagonals.
        starts: Bounds,
    },
}

/// An order of rows that the panel of a later step found.
fn orders(chunks: &[Chunk]) -> Result<Vec<Cow<'_, [i64]>>> {
    chunks.iter().map(Chunk::elements::<i64>).collect()
}

fn after<'a>(starts: &[usize], orders: &'a [Cow<'_, [i64]>]) -> Vec<Order<'a>> {
    let each = starts.iter().zip(orders);
    each.map(|(&start, order)| Order { start, order }).collect()
}

fn lower(inputs: &[Value], starts: &[usize], at: usize) -> Result<Chunk> {
    let later = inputs[1..].iter().map(chunk).collect::<Result<Vec<_>>>()?;
    let orders = orders(&later)?;
    columns::lower_column(&part(&inputs[0], 0)?, starts[at], &after(&starts[at + 1..], &orders))
}

fn rows(inputs: &[Value], starts: &[usize]) -> Result<Chunk> {
    let all = inputs.iter().map(chunk).collect::<Result<Vec<_>>>()?;
    let orders = orders(&all)?;
    let [firsts @ .., n] = starts else {
        return Err(ArrayError::Value("no panels".into()));
    };
    let rows = columns::rows_in_order(*n, &after(firsts, &orders));
    let rows: Vec<i64> = rows.into_iter().map(|row| row as i64).collect();
    Chunk::from_slice(&rows, &[*n])
}

fn permutation(rows: &Chunk, bounds: &[Bounds; 2], dtype: DType, coords: &[u32]) -> Result<Chunk> {
    let at = [0, 1].map(|axis: usize| bounds[axis][coords[axis] as usize]);
    let end = [0, 1].map(|axis: usize| bounds[axis][coords[axis] as usize + 1]);
    let shape = [end[0] - at[0], end[1] - at[1]];
    columns::permutation_block(&rows.elements::<i64>()?, at, shape, dtype)
}

impl Kernel for Columns {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::LuPanel { .. } => "lu-panel",
            Self::LuStep { .. } => "lu-step",
            Self::LuBack { .. } => "back-substitution",
            Self::Triangular { .. } => "substitution",
            Self::CholeskyPanel { .. } => "cholesky-panel",
            Self::CholeskyStep { .. } => "cholesky-step",
            Self::CholeskyLower => "cholesky-lower",
            Self::Lower { .. } => "lu-lower",
            Self::Upper { .. } => "lu-upper",
            Self::Rows { .. } => "lu-rows",
            Self::Permutation { .. } => "lu-permutation",
            Self::Pivots { .. } => "lu-pivots",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let eliminated = |panel: &Chunk, half, start, order: Option<&[i64]>| {
            columns::eliminated(&chunk(&inputs[0])?, panel, half, start, order).map(value)
        };
        // The last axis counts columns.
        let at = block.coords.last().map_or(0, |&at| at as usize);
        match self {
            Self::LuPanel { start } => {
                let (packed, order) = columns::lu_panel(&chunk(&inputs[0])?, *start)?;
                Ok(Value::new(Parts(vec![value(packed), value(order)])))
            }
            Self::LuStep { start } => {
                let order = part(&inputs[1], 1)?;
                let half = Triangle { lower: true, unit: true };
                eliminated(&part(&inputs[1], 0)?, half, *start, Some(&order.elements()?))
            }
            Self::LuBack { start } => {
                let half = Triangle { lower: false, unit: false };
                eliminated(&part(&inputs[1], 0)?, half, *start, None)
            }
            Self::Triangular { start, lower, unit } => {
                let half = Triangle { lower: *lower, unit: *unit };
                eliminated(&chunk(&inputs[1])?, half, *start, None)
            }
            Self::CholeskyPanel { start } => {
                Ok(value(columns::cholesky_panel(&chunk(&inputs[0])?, *start)?))
            }
            Self::CholeskyStep { starts } => {
                let (column, panel) = (chunk(&inputs[0])?, chunk(&inputs[1])?);
                Ok(value(columns::cholesky_eliminated(&column, &panel, starts[at])?))
            }
            Self::CholeskyLower => Ok(value(contiguous_copy(&chunk(&inputs[0])?)?)),
            Self::Lower { starts } => Ok(value(lower(inputs, starts, at)?)),
            Self::Upper { starts } => {
                Ok(value(columns::upper_column(&part(&inputs[0], 0)?, starts[at])?))
            }
            Self::Rows { starts } => Ok(value(rows(inputs, starts)?)),
            Self::Permutation { bounds, dtype } => {
                Ok(value(permutation(&chunk(&inputs[0])?, bounds, *dtype, block.coords)?))
            }
            Self::Pivots { starts } => {
                let order = part(&inputs[0], 1)?;
                let panel = part(&inputs[0], 0)?;
                Ok(value(columns::pivots(&panel, starts[at], &order.elements()?)?))
            }
        }
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported(format!(
            "{} of blocks that are no native NumPy arrays; rechunk the matrix to one block: \
             x.rechunk(-1)",
            self.name()
        )))
    }
}
