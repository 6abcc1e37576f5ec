//! Factorisations of a matrix that is cut into columns of blocks: what one task does with one or
//! two of them.
//!
//! A *column* has all the rows of the matrix and some of its columns. Step by step, the column that
//! starts on the diagonal at `start` is factored, which makes a *panel* of it, and what the panel
//! tells is eliminated from the columns to its right. The same elimination solves equations, whose
//! right hand sides are columns too. Which step takes which columns is left to `plan`.

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve as triangular;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::traits::ComplexField;
use faer::{Accum, Conj, MatMut, MatRef, Par, Side};

use super::solve::Triangle;
use super::{Scalar, filled, for_matrix, pivot, prepared, view};
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;

/// Where an order of rows begins and what it is: row `start + i` is to be row `start + order[i]`.
pub struct Order<'a> {
    /// The first row that moves.
    pub start: usize,
    /// Rows, counted from there.
    pub order: &'a [i64],
}

fn same_dtype(a: &Chunk, b: &Chunk) -> Result<(Chunk, Chunk)> {
    let (a, b) = (prepared(a)?, prepared(b)?);
    if a.dtype() == b.dtype() && a.shape()[0] == b.shape()[0] {
        return Ok((a, b));
    }
    Err(ArrayError::Value(format!(
        "columns of shapes {:?} and {:?}, of {} and {}, are not of one matrix: are the blocks of \
         the dtype that the array says?",
        a.shape(),
        b.shape(),
        a.dtype(),
        b.dtype()
    )))
}

/// The panel of a column by LU: rows before `start` as they were, then the packed factors; and the
/// order of the rows from there on.
///
/// # Errors
/// As [`prepared`].
pub fn lu_panel(column: &Chunk, start: usize) -> Result<(Chunk, Chunk)> {
    let column = prepared(column)?;
    let mut order = Vec::new();
    let packed = for_matrix!(column, T => {
        filled::<T>(column.shape()[0], column.shape()[1], |mut a| {
            a.copy_from(view::<T>(&column));
            order = pivot::factor_in_place(a.split_at_row_mut(start).1);
            Ok(())
        })
    })?;
    let order: Vec<i64> = order.into_iter().map(|row| row as i64).collect();
    Ok((packed, Chunk::from_slice(&order, &[order.len()])?))
}

/// What is left of a column once a panel is eliminated: the rows on the panel's diagonal hold the
/// solution of its triangle, and the product of the panel's other rows with that is taken from those
/// after them (before them, for an upper triangle). With an order the rows are put in it first.
///
/// # Errors
/// [`ArrayError::LinAlg`] if the triangle is singular, [`ArrayError::Value`] if the two don't fit.
pub fn eliminated(
    column: &Chunk,
    panel: &Chunk,
    half: Triangle,
    start: usize,
    order: Option<&[i64]>,
) -> Result<Chunk> {
    let (column, panel) = same_dtype(column, panel)?;
    let width = panel.shape()[1];
    for_matrix!(column, T => {
        let factor = view::<T>(&panel);
        let diagonal = factor.subrows(start, width);
        let zero = (0..width).find(|&i| !half.unit && diagonal[(i, i)] == T::default());
        if let Some(i) = zero {
            return Err(ArrayError::LinAlg(format!(
                "Singular matrix: resolution failed at diagonal {}",
                start + i
            )));
        }
        filled::<T>(column.shape()[0], column.shape()[1], |mut x| {
            copy_ordered(x.rb_mut(), view::<T>(&column), order.map(|order| Order { start, order }));
            let (before, rest) = x.split_at_row_mut(start);
            let (mut on, after) = rest.split_at_row_mut(width);
            let solve = match (half.lower, half.unit) {
                (true, false) => triangular::solve_lower_triangular_in_place,
                (true, true) => triangular::solve_unit_lower_triangular_in_place,
                (false, false) => triangular::solve_upper_triangular_in_place,
                (false, true) => triangular::solve_unit_upper_triangular_in_place,
            };
            solve(diagonal, on.rb_mut(), Par::Seq);
            let (others, factor) = if half.lower {
                (after, factor.split_at_row(start + width).1)
            } else {
                (before, factor.split_at_row(start).0)
            };
            matmul(others, Accum::Add, factor, on.rb(), -T::one_impl(), Par::Seq);
            Ok(())
        })
    })
}

fn copy_ordered<T: Scalar>(mut to: MatMut<'_, T>, from: MatRef<'_, T>, order: Option<Order<'_>>) {
    let Some(Order { start, order }) = order else { return to.copy_from(from) };
    to.rb_mut().subrows_mut(0, start).copy_from(from.subrows(0, start));
    for j in 0..to.ncols() {
        for (i, &row) in order.iter().enumerate() {
            to[(start + i, j)] = from[(start + row as usize, j)];
        }
    }
}

/// The panel of a column by Cholesky: zeros before `start`, then the lower factor.
///
/// # Errors
/// [`ArrayError::LinAlg`] if the matrix is not positive definite.
pub fn cholesky_panel(column: &Chunk, start: usize) -> Result<Chunk> {
    let column = prepared(column)?;
    let width = column.shape()[1];
    for_matrix!(column, T => {
        let from = view::<T>(&column).split_at_row(start).1;
        let llt = from.subrows(0, width).llt(Side::Lower).map_err(|_| {
            ArrayError::LinAlg("Matrix is not positive definite".into())
        })?;
        filled::<T>(column.shape()[0], width, |x| {
            let (mut before, mut rest) = x.split_at_row_mut(start);
            before.fill(T::default());
            rest.copy_from(from);
            let (mut on, after) = rest.split_at_row_mut(width);
            // The factor's upper half is zeros, whatever faer keeps there.
            for j in 0..width {
                for i in 0..width {
                    on[(i, j)] = if i < j { T::default() } else { llt.L()[(i, j)] };
                }
            }
            // x l* = b, turned: conj(l) xT = bT.
            triangular::solve_lower_triangular_in_place_with_conj(
                on.rb(), Conj::Yes, after.transpose_mut(), Par::Seq,
            );
            Ok(())
        })
    })
}

/// What is left of the column that starts on the diagonal at `start`, once a panel of a Cholesky
/// factor is eliminated.
///
/// # Errors
/// [`ArrayError::Value`] if the two don't fit.
pub fn cholesky_eliminated(column: &Chunk, panel: &Chunk, start: usize) -> Result<Chunk> {
    let (column, panel) = same_dtype(column, panel)?;
    let (rows, width) = (column.shape()[0], column.shape()[1]);
    for_matrix!(column, T => {
        let factor = view::<T>(&panel).split_at_row(start).1;
        filled::<T>(rows, width, |mut x| {
            x.copy_from(view::<T>(&column));
            let on = factor.subrows(0, width).adjoint();
            matmul(x.split_at_row_mut(start).1, Accum::Add, factor, on, -T::one_impl(), Par::Seq);
            Ok(())
        })
    })
}

/// A column of the unit lower factor: that of a panel, with its rows in the orders of the panels
/// after it.
///
/// # Errors
/// As [`prepared`].
pub fn lower_column(panel: &Chunk, start: usize, later: &[Order<'_>]) -> Result<Chunk> {
    let panel = prepared(panel)?;
    let rows = rows_in_order(panel.shape()[0], later);
    for_matrix!(panel, T => {
        let from = view::<T>(&panel);
        filled::<T>(panel.shape()[0], panel.shape()[1], |mut x| {
            for j in 0..x.ncols() {
                for i in 0..x.nrows() {
                    x[(i, j)] = match i.cmp(&(start + j)) {
                        std::cmp::Ordering::Less => T::default(),
                        std::cmp::Ordering::Equal => T::one_impl(),
                        std::cmp::Ordering::Greater => from[(rows[i], j)],
                    };
                }
            }
            Ok(())
        })
    })
}

/// A column of the upper factor.
///
/// # Errors
/// As [`prepared`].
pub fn upper_column(panel: &Chunk, start: usize) -> Result<Chunk> {
    let panel = prepared(panel)?;
    for_matrix!(panel, T => {
        let from = view::<T>(&panel);
        filled::<T>(panel.shape()[0], panel.shape()[1], |mut x| {
            x.fill(T::default());
            for j in 0..x.ncols() {
                for i in 0..=start + j {
                    x[(i, j)] = from[(i, j)];
                }
            }
            Ok(())
        })
    })
}

/// Which of the matrix's rows each row is, once the orders have been taken one after the other.
#[must_use]
pub fn rows_in_order(n: usize, orders: &[Order<'_>]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..n).collect();
    for Order { start, order } in orders {
        let old = rows[*start..].to_vec();
        for (row, &from) in rows[*start..].iter_mut().zip(*order) {
            *row = old[from as usize];
        }
    }
    rows
}

/// A block of the permutation matrix `p` with `p @ l @ u = a`, given the rows' order: the rows from
/// `at[0]` on and the columns from `at[1]` on. Its dtype is that of `like`.
///
/// # Errors
/// If there is not enough memory.
pub fn permutation_block(
    rows: &[i64],
    at: [usize; 2],
    shape: [usize; 2],
    dtype: crate::dtype::DType,
) -> Result<Chunk> {
    let like = Chunk::zeros(dtype, &[0, 0])?;
    for_matrix!(like, T => filled::<T>(shape[0], shape[1], |mut p| {
        p.fill(T::default());
        for j in 0..shape[1] {
            let row = rows[at[1] + j] as usize;
            if (at[0]..at[0] + shape[0]).contains(&row) {
                p[(row - at[0], j)] = T::one_impl();
            }
        }
        Ok(())
    }))
}

/// The pivots of a panel, the first with the sign of its order of rows: the product of all panels'
/// is the determinant.
///
/// # Errors
/// As [`prepared`].
pub fn pivots(panel: &Chunk, start: usize, order: &[i64]) -> Result<Chunk> {
    let panel = prepared(panel)?;
    let order: Vec<usize> = order.iter().map(|&row| row as usize).collect();
    let odd = super::factor::is_odd(&order);
    for_matrix!(panel, T => {
        let from = view::<T>(&panel);
        let mut values: Vec<T> = (0..from.ncols()).map(|i| from[(start + i, i)]).collect();
        if let Some(first) = values.first_mut().filter(|_| odd) {
            *first = -*first;
        }
        Chunk::from_slice(&values, &[values.len()])
    })
}
