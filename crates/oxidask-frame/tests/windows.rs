//! Answers of running and rolling functions: what is expected was computed by pandas 3.1.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, Float64Array, Int64Array, StringViewArray, TimestampMicrosecondArray};
use oxidask_frame::dtype::{DType, Number, Unit};
use oxidask_frame::kernel::window::{
    Closed, Cumulative, Fill, Roll, cumulative, diff, fill, roll, row_bounds, shift, time_bounds,
};
use oxidask_frame::scalar::Scalar;
use proptest::prelude::*;

const NAN: f64 = f64::NAN;

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn assert_close(array: &ArrayRef, expected: &[f64]) {
    let values = array.as_primitive::<Float64Type>().values();
    assert_eq!(values.len(), expected.len());
    for (value, expected) in values.iter().zip(expected) {
        let same = (value - expected).abs() <= 1e-9 * expected.abs().max(1.0);
        assert!(
            same || (value.is_nan() && expected.is_nan()),
            "{value} in {values:?}, not {expected}"
        );
    }
}

#[test]
fn totals_run_over_partitions() {
    let (first, second) = (floats(&[1.0, NAN, -2.0]), floats(&[NAN, 4.0]));
    let (totals, carry) = cumulative(Cumulative::Sum, &first, &DType::F64, None).unwrap();
    assert_close(&totals, &[1.0, NAN, -1.0]);
    let (totals, carry) =
        cumulative(Cumulative::Sum, &second, &DType::F64, carry.as_ref()).unwrap();
    assert_close(&totals, &[NAN, 3.0]);
    assert_eq!(carry, Some(Scalar::Float(3.0)));
    let (largest, _) = cumulative(Cumulative::Max, &first, &DType::F64, None).unwrap();
    assert_close(&largest, &[1.0, NAN, 1.0]);
    let holes: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(2)]));
    let dtype = DType::NullableNumber(Number::I64);
    let (totals, _) = cumulative(Cumulative::Prod, &holes, &dtype, Some(&Scalar::Int(5))).unwrap();
    let totals: Vec<_> = totals.as_primitive::<Int64Type>().iter().collect();
    assert_eq!(totals, [Some(5), None, Some(10)]);
    assert!(cumulative(Cumulative::Sum, &first, &DType::Str, None).is_err());
}

#[test]
fn rows_are_moved() {
    let i: ArrayRef = Arc::new(Int64Array::from(vec![3, -1, 2]));
    assert_close(&shift(&i, &DType::I64, 1).unwrap(), &[NAN, 3.0, -1.0]);
    assert_close(&shift(&i, &DType::I64, -2).unwrap(), &[2.0, NAN, NAN]);
    assert_close(&shift(&i, &DType::I64, 9).unwrap(), &[NAN, NAN, NAN]);
    assert_close(&diff(&i, &DType::I64, 1).unwrap(), &[NAN, -4.0, 3.0]);
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1, 5]));
    let steps = diff(&times, &DType::Datetime(Unit::Micro, None), 1).unwrap();
    assert_eq!(*steps.data_type(), DType::Timedelta(Unit::Micro).arrow());
}

#[test]
fn missing_values_come_from_neighbours() {
    let f = floats(&[NAN, 1.0, NAN, NAN, 4.0]);
    assert_close(&fill(Fill::Forward, &f, None).unwrap(), &[NAN, 1.0, 1.0, 1.0, 4.0]);
    assert_close(&fill(Fill::Forward, &f, Some(1)).unwrap(), &[NAN, 1.0, 1.0, NAN, 4.0]);
    assert_close(&fill(Fill::Backward, &f, None).unwrap(), &[1.0, 1.0, 4.0, 4.0, 4.0]);
    let text: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None]));
    let filled = fill(Fill::Forward, &text, None).unwrap();
    assert_eq!(filled.as_string_view().value(1), "a");
}

#[test]
fn windows_of_rows_are_those_of_pandas() {
    let r = floats(&[1.0, 2.0, NAN, 4.0, 5.0]);
    let of = |op, window, min_periods, center, closed| {
        let bounds = row_bounds(5, window, center, closed);
        roll(op, &r, &DType::F64, &bounds, min_periods).unwrap()
    };
    let plain = |op| of(op, 3, 2, false, Closed::Right);
    assert_close(&plain(Roll::Sum), &[NAN, 3.0, 3.0, 6.0, 9.0]);
    assert_close(&plain(Roll::Mean), &[NAN, 1.5, 1.5, 3.0, 4.5]);
    assert_close(&plain(Roll::Var(1)), &[NAN, 0.5, 0.5, 2.0, 0.5]);
    assert_close(&plain(Roll::Min), &[NAN, 1.0, 1.0, 2.0, 4.0]);
    assert_close(&plain(Roll::Max), &[NAN, 2.0, 2.0, 4.0, 5.0]);
    assert_close(&plain(Roll::Median), &[NAN, 1.5, 1.5, 3.0, 4.5]);
    assert_close(&of(Roll::Sum, 3, 1, true, Closed::Right), &[3.0, 3.0, 6.0, 9.0, 9.0]);
    assert_close(&of(Roll::Sum, 2, 1, false, Closed::Left), &[NAN, 1.0, 3.0, 2.0, 4.0]);
    assert_close(&of(Roll::Sum, 2, 1, false, Closed::Both), &[1.0, 3.0, 3.0, 6.0, 9.0]);
    assert_close(&of(Roll::Sum, 2, 1, false, Closed::Neither), &[NAN, 1.0, 2.0, NAN, 4.0]);
    assert_close(&of(Roll::Sum, 2, 0, false, Closed::Right), &[1.0, 3.0, 2.0, 4.0, 9.0]);
}

#[test]
fn windows_of_time_are_those_of_pandas() {
    // Seconds 0, 1, 3, 3, 6 and "3s".
    let ticks = [0, 1, 3, 3, 6];
    let r = floats(&[1.0, 2.0, 3.0, 4.0, 5.0]);
    let of = |closed| roll(Roll::Sum, &r, &DType::F64, &time_bounds(&ticks, 3, closed), 1).unwrap();
    assert_close(&of(Closed::Right), &[1.0, 3.0, 5.0, 9.0, 5.0]);
    assert_close(&of(Closed::Both), &[1.0, 3.0, 6.0, 10.0, 12.0]);
    assert_close(&of(Closed::Left), LEFT);
    assert_close(&of(Closed::Neither), NEITHER);
}

const LEFT: &[f64] = &[NAN, 1.0, 3.0, 3.0, 7.0];
const NEITHER: &[f64] = &[NAN, 1.0, 2.0, 2.0, NAN];

proptest! {
    /// Each window by itself gives what the running one does.
    #[test]
    fn windows_agree_with_slow_ones(
        values in prop::collection::vec(prop_oneof![4 => -100_i32..100, 1 => Just(i32::MAX)], 0..60),
        window in 1_usize..9,
        min_periods in 1_usize..4,
        center in any::<bool>(),
    ) {
        let values: Vec<f64> =
            values.iter().map(|it| if *it == i32::MAX { NAN } else { f64::from(*it) / 8.0 }).collect();
        let bounds = row_bounds(values.len(), window, center, Closed::Right);
        let array = floats(&values);
        let slow = |answer: fn(&[f64]) -> f64| -> Vec<f64> {
            bounds.start.iter().zip(&bounds.end).map(|(start, end)| {
                let inside = &values[*start..*end.max(start)];
                let known: Vec<f64> = inside.iter().copied().filter(|it| !it.is_nan()).collect();
                if known.len() < min_periods { NAN } else { answer(&known) }
            }).collect()
        };
        let fast = |op| roll(op, &array, &DType::F64, &bounds, min_periods).unwrap();
        assert_close(&fast(Roll::Sum), &slow(|it| it.iter().sum()));
        assert_close(&fast(Roll::Max), &slow(|it| it.iter().copied().fold(f64::MIN, f64::max)));
        assert_close(&fast(Roll::Var(0)), &slow(|it| {
            let mean = it.iter().sum::<f64>() / it.len() as f64;
            it.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / it.len() as f64
        }));
    }
}
