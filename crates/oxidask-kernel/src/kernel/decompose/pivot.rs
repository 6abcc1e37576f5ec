//! LU with partial pivoting, in place: recursive, so that most of the work is matrix products.
//!
//! A column without a pivot (all zeros from the diagonal down) is left as it is, as LAPACK's
//! `getrf` does: the factors of singular matrices are finite, and multiply back.
//! S. Toledo, "Locality of reference in LU decomposition with partial pivoting" (1997).

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_unit_lower_triangular_in_place;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::{Accum, MatMut, Par};

use super::Scalar;

/// Columns that are eliminated one by one.
const NARROW: usize = 16;

/// Overwrites a matrix by its factors: the upper one, and below its diagonal the lower one without
/// its ones. Returns the order of the rows: row `i` of the product was row `order[i]`.
pub(super) fn factor_in_place<T: Scalar>(mut a: MatMut<'_, T>) -> Vec<usize> {
    let (m, n) = (a.nrows(), a.ncols());
    let k = m.min(n);
    let mut swaps = vec![0; k];
    let (left, right) = a.rb_mut().split_at_col_mut(k);
    let mut left = left;
    eliminate(left.rb_mut(), &mut swaps);
    if n > k {
        let mut right = right;
        swap_rows(right.rb_mut(), &swaps);
        solve_unit_lower_triangular_in_place(left.rb(), right, Par::Seq);
    }
    let mut order: Vec<usize> = (0..m).collect();
    for (i, &step) in swaps.iter().enumerate() {
        order.swap(i, i + step);
    }
    order
}

/// `swaps[i]` tells how far below row `i` the row is that it changes places with.
fn eliminate<T: Scalar>(mut a: MatMut<'_, T>, swaps: &mut [usize]) {
    let n = a.ncols();
    if n <= NARROW {
        return eliminate_narrow(a, swaps);
    }
    let half = n / 2;
    let (first, last) = swaps.split_at_mut(half);
    {
        let (mut left, mut right) = a.rb_mut().split_at_col_mut(half);
        eliminate(left.rb_mut(), first);
        swap_rows(right.rb_mut(), first);
        let (diagonal, below) = left.rb().split_at_row(half);
        let (mut top, mut rest) = right.split_at_row_mut(half);
        solve_unit_lower_triangular_in_place(diagonal, top.rb_mut(), Par::Seq);
        matmul(rest.rb_mut(), Accum::Add, below, top.rb(), -T::one_impl(), Par::Seq);
        eliminate(rest, last);
    }
    let left = a.subcols_mut(0, half);
    swap_rows(left.split_at_row_mut(half).1, last);
}

fn eliminate_narrow<T: Scalar>(mut a: MatMut<'_, T>, swaps: &mut [usize]) {
    for j in 0..a.ncols() {
        let mut pivot = j;
        let mut largest = T::abs1_impl(&a[(j, j)]);
        for i in j + 1..a.nrows() {
            let size = T::abs1_impl(&a[(i, j)]);
            if size > largest {
                (pivot, largest) = (i, size);
            }
        }
        swaps[j] = pivot - j;
        swap_rows(a.rb_mut().split_at_row_mut(j).1, &swaps[j..=j]);
        let pivot = a[(j, j)];
        if pivot == T::default() {
            continue;
        }
        for i in j + 1..a.nrows() {
            a[(i, j)] /= pivot;
        }
        let (top, mut below) = a.rb_mut().split_at_row_mut(j + 1);
        let row = top.rb().subrows(j, 1);
        let (left, right) = below.rb_mut().split_at_col_mut(j + 1);
        let (column, row) = (left.rb().subcols(j, 1), row.split_at_col(j + 1).1);
        matmul(right, Accum::Add, column, row, -T::one_impl(), Par::Seq);
    }
}

fn swap_rows<T: Scalar>(mut a: MatMut<'_, T>, swaps: &[usize]) {
    for j in 0..a.ncols() {
        let mut column = a.rb_mut().col_mut(j);
        for (i, &step) in swaps.iter().enumerate().filter(|(_, step)| **step != 0) {
            let kept = column[i];
            column[i] = column[i + step];
            column[i + step] = kept;
        }
    }
}
