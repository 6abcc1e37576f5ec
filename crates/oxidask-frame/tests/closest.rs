//! Joins by nearness and largest rows, as pandas 3.1 answers.

#![expect(clippy::unwrap_used, reason = "a test that panics tells what went wrong")]

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, Int64Array, StringViewArray, TimestampMillisecondArray, UInt32Array,
};
use oxidask_frame::dtype::Unit;
use oxidask_frame::error::FrameError;
use oxidask_frame::kernel::asof::{AsOf, Direction, Side, merge_asof};
use oxidask_frame::kernel::sort::{SortKey, argsort, merge_runs};
use oxidask_frame::kernel::top::{Ties, top};
use oxidask_frame::scalar::Scalar;
use proptest::prelude::*;

const LEFT: [i64; 6] = [1, 3, 3, 5, 8, 10];
const RIGHT: [i64; 7] = [1, 2, 3, 3, 6, 7, 12];

fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn how(direction: Direction, allow_exact_matches: bool, tolerance: Option<Scalar>) -> AsOf {
    AsOf { direction, tolerance, allow_exact_matches }
}

/// `-1` for null.
fn rows(positions: &UInt32Array) -> Vec<i64> {
    positions.iter().map(|row| row.map_or(-1, i64::from)).collect()
}

/// With the table above, and with equal letters beside it.
fn check(how: &AsOf, without: [i64; 6], with: [i64; 6]) {
    let (left, right) = (integers(&LEFT), integers(&RIGHT));
    let text = |values: &[Option<&str>]| -> [ArrayRef; 1] {
        [Arc::new(StringViewArray::from(values.to_vec()))]
    };
    let left_by = text(&[Some("x"), Some("y"), Some("x"), None, Some("y"), Some("x")]);
    let right_by = text(&[Some("x"), Some("y"), None, Some("x"), Some("y"), None, Some("x")]);
    let (left, right) = (Side { on: &left, by: &[] }, Side { on: &right, by: &[] });
    assert_eq!(rows(&merge_asof(left, right, how).unwrap()), without, "{how:?}");
    let (left, right) = (Side { by: &left_by, ..left }, Side { by: &right_by, ..right });
    assert_eq!(rows(&merge_asof(left, right, how).unwrap()), with, "{how:?} by letters");
}

#[test]
fn the_closest_rows_are_those_of_pandas() {
    use Direction::{Backward, Forward, Nearest};
    let one = || Some(Scalar::Int(1));
    check(&how(Backward, true, None), [0, 3, 3, 3, 5, 5], [0, 1, 3, 2, 4, 3]);
    check(&how(Backward, true, one()), [0, 3, 3, -1, 5, -1], [0, 1, 3, -1, -1, -1]);
    check(&how(Backward, false, None), [-1, 1, 1, 3, 5, 5], [-1, 1, 0, 2, 4, 3]);
    check(&how(Backward, false, one()), [-1, 1, 1, -1, 5, -1], [-1, 1, -1, -1, -1, -1]);
    check(&how(Forward, true, None), [0, 2, 2, 4, 6, 6], [0, 4, 3, 5, -1, 6]);
    check(&how(Forward, true, one()), [0, 2, 2, 4, -1, -1], [0, -1, 3, -1, -1, -1]);
    check(&how(Forward, false, None), [1, 4, 4, 4, 6, 6], [3, 4, 6, 5, -1, 6]);
    check(&how(Forward, false, one()), [1, -1, -1, 4, -1, -1], [-1, -1, -1, -1, -1, -1]);
    check(&how(Nearest, true, None), [0, 3, 3, 4, 5, 6], [0, 1, 3, 2, 4, 6]);
    check(&how(Nearest, true, one()), [0, 3, 3, 4, 5, -1], [0, 1, 3, -1, -1, -1]);
    check(&how(Nearest, false, None), [1, 1, 1, 4, 5, 6], [3, 1, 0, 2, 4, 6]);
    check(&how(Nearest, false, one()), [1, 1, 1, 4, 5, -1], [-1, 1, -1, -1, -1, -1]);
}

#[test]
fn tolerances_are_in_the_unit_of_the_keys() {
    let times =
        |values: &[i64]| -> ArrayRef { Arc::new(TimestampMillisecondArray::from(values.to_vec())) };
    let (left, right) = (times(&[5000, 9001]), times(&[1000, 8000]));
    let (left, right) = (Side { on: &left, by: &[] }, Side { on: &right, by: &[] });
    let found = |tolerance, unit| {
        let how = how(Direction::Backward, true, Some(Scalar::Timedelta(tolerance, unit)));
        rows(&merge_asof(left, right, &how).unwrap())
    };
    assert_eq!(found(4, Unit::Second), [0, 1]);
    assert_eq!(found(1, Unit::Second), [-1, -1]);
    assert_eq!(found(1_001_999, Unit::Micro), [-1, 1]);
    assert_eq!(found(1_000_999, Unit::Micro), [-1, -1]);
}

#[test]
fn keys_that_have_no_order_are_refused() {
    let error = |left: &ArrayRef, right: &ArrayRef, tolerance| {
        let how = how(Direction::Backward, true, tolerance);
        merge_asof(Side { on: left, by: &[] }, Side { on: right, by: &[] }, &how).unwrap_err()
    };
    let (up, down) = (integers(&[1, 2]), integers(&[2, 1]));
    let is_value = |error, part: &str| {
        assert!(matches!(&error, FrameError::Value(text) if text.contains(part)), "{error}");
    };
    is_value(error(&down, &up, None), "left keys must be sorted");
    is_value(error(&up, &down, None), "right keys must be sorted");
    let holes: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN]));
    is_value(error(&holes, &holes, None), "left side lacks 1 values");
    let is_merge = |error, part: &str| {
        assert!(matches!(&error, FrameError::Merge(text) if text.contains(part)), "{error}");
    };
    is_merge(error(&up, &holes, None), "Int64 on the left and Float64 on the right");
    is_merge(error(&up, &up, Some(Scalar::Int(-1))), "negative");
    is_merge(error(&up, &up, Some(Scalar::Float(1.5))), "1.5");
}

#[test]
fn the_largest_and_smallest_are_those_of_pandas() {
    let nan = f64::NAN;
    let first: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 3.0, nan, 3.0, 2.0, 3.0, nan]));
    let second: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 5.0, 4.0, nan, 2.0, 6.0]));
    let found = |columns: &[&ArrayRef], descending, n, ties| {
        let key = |column: &&ArrayRef| SortKey {
            column: (*column).clone(),
            descending,
            nulls_last: true,
        };
        let keys: Vec<SortKey> = columns.iter().map(key).collect();
        top(&keys, n, ties).map(|rows| rows.values().to_vec())
    };
    let one = |descending, n, ties| found(&[&first], descending, n, ties).unwrap();
    let two = |descending, n, ties| found(&[&first, &second], descending, n, ties).unwrap();
    assert_eq!(one(true, 0, Ties::All), [0; 0]);
    assert_eq!(one(true, 2, Ties::First), [1, 3]);
    assert_eq!(one(true, 6, Ties::First), [1, 3, 5, 4, 0, 2]);
    assert_eq!(one(false, 4, Ties::First), [0, 4, 1, 3]);
    assert_eq!(one(true, 2, Ties::Last), [5, 3]);
    assert_eq!(one(true, 6, Ties::Last), [5, 3, 1, 4, 0, 2]);
    assert_eq!(one(true, 7, Ties::Last), [1, 3, 5, 4, 0, 2, 6]);
    assert_eq!(one(true, 1, Ties::All), [1, 3, 5]);
    assert_eq!(one(false, 3, Ties::All), [0, 4, 1, 3, 5]);
    assert_eq!(one(false, 6, Ties::All), [0, 4, 1, 3, 5, 2, 6]);
    assert_eq!(two(true, 6, Ties::First), [3, 1, 5, 4, 0, 6]);
    assert_eq!(two(true, 2, Ties::All), [3, 1, 5]);
    assert_eq!(two(false, 3, Ties::First), [0, 4, 1]);
    assert!(matches!(found(&[&first, &second], true, 2, Ties::Last), Err(FrameError::NoKernel(_))));
}

proptest! {
    #[test]
    fn the_top_is_the_start_of_the_order(
        values in prop::collection::vec(prop_oneof![-5.0..5.0, Just(f64::NAN), Just(1.0)], 1..200),
        n in 0_usize..220,
        descending: bool,
    ) {
        let column: ArrayRef = Arc::new(Float64Array::from(values));
        let keys = [SortKey { column, descending, nulls_last: true }];
        let order = argsort(&keys).unwrap();
        let n = n.min(order.values().len());
        prop_assert_eq!(top(&keys, n, Ties::First).unwrap(), order.slice(0, n));
    }

    #[test]
    fn runs_merge_to_the_order_of_all(
        mut runs in prop::collection::vec(prop::collection::vec("[ab]{0,12}[a-z]", 0..60), 0..5),
    ) {
        runs.iter_mut().for_each(|run| run.sort());
        let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(runs.concat()));
        let keys = [SortKey::ascending(column)];
        prop_assert_eq!(merge_runs(&keys).unwrap(), argsort(&keys).unwrap());
    }
}
