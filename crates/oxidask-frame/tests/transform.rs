//! Values for each row from its group, and aggregates of whole groups: the answers are those of pandas.

#![expect(clippy::unwrap_used, reason = "what makes the columns of tests may panic")]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray};
use oxidask_frame::dtype::{DType, Number, Unit};
use oxidask_frame::error::FrameError;
use oxidask_frame::kernel::group::{
    Agg, Groups, Holes, PairAgg, Ranking, Ties, Transform, aggregate, group, pair_finish,
    pair_merge, pair_partial, transform, transform_dtype,
};

const NAN: f64 = f64::NAN;

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringViewArray::from(values.to_vec()))
}

fn times(values: &[Option<i64>], dtype: &DType) -> ArrayRef {
    let data = Int64Array::from(values.to_vec()).into_data().into_builder();
    arrow_array::make_array(data.data_type(dtype.arrow()).build().unwrap())
}

fn by(ids: &[i64]) -> Groups {
    group(&[ints(ids)], true).unwrap()
}

/// Numbers, with -1 for NaN.
fn shown(array: &ArrayRef) -> Vec<f64> {
    assert_eq!(array.null_count(), 0);
    array
        .as_primitive::<Float64Type>()
        .values()
        .iter()
        .map(|v| if v.is_nan() { -1.0 } else { *v })
        .collect()
}

fn of_floats(what: Transform, values: &[f64]) -> Vec<f64> {
    let groups = Groups::whole(values.len());
    shown(&transform(&what, &floats(values), &DType::F64, &groups).unwrap())
}

#[test]
fn totals_go_on_after_missing_values() {
    assert_eq!(of_floats(Transform::CumSum, &[1.0, NAN, 2.0, 3.0]), [1.0, -1.0, 3.0, 6.0]);
    assert_eq!(
        of_floats(Transform::CumMax, &[NAN, 1.0, NAN, 2.0, 0.0]),
        [-1.0, 1.0, -1.0, 2.0, 2.0]
    );
    let column: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1), None, Some(2), Some(0)]));
    let nullable = DType::NullableNumber(Number::I64);
    let answer = |what| transform(&what, &column, &nullable, &Groups::whole(5)).unwrap();
    let least: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1), None, Some(1), Some(0)]));
    assert_eq!(&answer(Transform::CumMin), &least);
    let sums: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1), None, Some(3), Some(3)]));
    assert_eq!(&answer(Transform::CumSum), &sums);
}

#[test]
fn totals_of_groups_are_apart() {
    let groups = by(&[0, 1, 0, 1]);
    let sums = transform(&Transform::CumSum, &ints(&[1, 2, 3, 4]), &DType::I64, &groups).unwrap();
    assert_eq!(sums.as_primitive::<Int64Type>().values(), &[1, 2, 4, 6]);
    let spans = DType::Timedelta(Unit::Milli);
    let column = times(&[Some(1), None, Some(3), Some(4)], &spans);
    let sums = transform(&Transform::CumSum, &column, &spans, &groups).unwrap();
    assert_eq!(&sums, &times(&[Some(1), None, Some(4), Some(4)], &spans));
    let bools: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, false, true]));
    let least = transform(&Transform::CumMin, &bools, &DType::Bool, &groups).unwrap();
    let expected: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, false, false]));
    assert_eq!(&least, &expected);
}

#[test]
fn shifts_stay_in_their_groups() {
    let groups = by(&[0, 1, 0, 0]);
    let column = floats(&[1.0, 2.0, 3.0, 4.0]);
    let answer = |what| shown(&transform(&what, &column, &DType::F64, &groups).unwrap());
    assert_eq!(answer(Transform::Shift(-2)), [4.0, -1.0, -1.0, -1.0]);
    assert_eq!(answer(Transform::Shift(1)), [-1.0, -1.0, 1.0, 3.0]);
    assert_eq!(answer(Transform::Diff(1)), [-1.0, -1.0, 2.0, 1.0]);
    assert_eq!(answer(Transform::PctChange(1)), [-1.0, -1.0, 2.0, 4.0 / 3.0 - 1.0]);
    let shifted =
        transform(&Transform::Shift(1), &ints(&[1, 2, 3, 4]), &DType::I64, &groups).unwrap();
    assert_eq!(shown(&shifted), [-1.0, -1.0, 1.0, 3.0]);
    let days = DType::Datetime(Unit::Second, None);
    let column = times(&[Some(5), Some(1), None, Some(9)], &days);
    let found = transform(&Transform::Diff(2), &column, &days, &groups).unwrap();
    assert_eq!(&found, &times(&[None, None, None, Some(4)], &DType::Timedelta(Unit::Second)));
}

#[test]
fn fills_reach_as_far_as_they_may() {
    let column = [1.0, NAN, NAN, NAN, 2.0];
    assert_eq!(of_floats(Transform::FFill(Some(1)), &column), [1.0, 1.0, -1.0, -1.0, 2.0]);
    assert_eq!(of_floats(Transform::BFill(Some(1)), &column), [1.0, -1.0, -1.0, 2.0, 2.0]);
    assert_eq!(of_floats(Transform::FFill(None), &column), [1.0, 1.0, 1.0, 1.0, 2.0]);
    assert_eq!(of_floats(Transform::BFill(None), &[NAN, 1.0, NAN]), [1.0, 1.0, -1.0]);
    let words = texts(&[Some("a"), None, None]);
    let filled = transform(&Transform::FFill(None), &words, &DType::Str, &by(&[0, 0, 1])).unwrap();
    assert_eq!(&filled, &texts(&[Some("a"), Some("a"), None]));
}

#[test]
fn ranks_are_those_of_pandas() {
    let column = [3.0, 1.0, 3.0, NAN, 2.0, NAN];
    let rank = |ties, ascending, holes, pct| {
        of_floats(Transform::Rank(Ranking { ties, ascending, holes, pct }), &column)
    };
    assert_eq!(rank(Ties::Average, true, Holes::Keep, false), [3.5, 1.0, 3.5, -1.0, 2.0, -1.0]);
    assert_eq!(rank(Ties::Min, true, Holes::Top, false), [5.0, 3.0, 5.0, 1.0, 4.0, 1.0]);
    assert_eq!(rank(Ties::Max, false, Holes::Top, false), [4.0, 6.0, 4.0, 2.0, 5.0, 2.0]);
    assert_eq!(rank(Ties::First, false, Holes::Bottom, false), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(rank(Ties::Dense, true, Holes::Bottom, true), [0.75, 0.25, 0.75, 1.0, 0.5, 1.0]);
    assert_eq!(rank(Ties::Min, false, Holes::Keep, true), [0.25, 1.0, 0.25, -1.0, 0.75, -1.0]);
    let ranking = Ranking { ties: Ties::Average, ascending: true, holes: Holes::Keep, pct: false };
    let words = texts(&[Some("b"), Some("a"), None]);
    let ranks =
        transform(&Transform::Rank(ranking), &words, &DType::Str, &Groups::whole(3)).unwrap();
    assert_eq!(shown(&ranks), [2.0, 1.0, -1.0]);
}

#[test]
fn first_and_last_rows_are_found() {
    let groups = by(&[0, 1, 0, 0]);
    let bits = |array: BooleanArray| array.iter().map(|bit| bit == Some(true)).collect::<Vec<_>>();
    assert_eq!(bits(groups.nth(&[0, -1])), [true, true, false, true]);
    assert_eq!(bits(groups.head(-1)), [true, false, true, false]);
    assert_eq!(bits(groups.tail(-1)), [false, false, true, true]);
    assert_eq!(bits(groups.tail(0)), [false; 4]);
    assert_eq!(bits(groups.head(1)), [true, true, false, false]);
    let answer = |ascending| {
        transform(&Transform::CumCount { ascending }, &ints(&[0; 4]), &DType::I64, &groups).unwrap()
    };
    assert_eq!(&answer(false), &ints(&[2, 0, 1, 0]));
    assert_eq!(&answer(true), &ints(&[0, 0, 1, 2]));
}

#[test]
fn rows_without_a_key_miss_a_value() {
    let groups = group(&[floats(&[0.0, NAN, 0.0])], true).unwrap();
    let sums =
        transform(&Transform::CumSum, &floats(&[1.0, 2.0, 3.0]), &DType::F64, &groups).unwrap();
    assert_eq!(shown(&sums), [1.0, -1.0, 4.0]);
    assert_eq!(groups.spread().iter().collect::<Vec<_>>(), [Some(0), None, Some(0)]);
    let error = transform(&Transform::CumSum, &ints(&[1, 2, 3]), &DType::I64, &groups).unwrap_err();
    assert!(error.to_string().contains("dropna=False"), "{error}");
}

#[test]
fn order_statistics_are_those_of_pandas() {
    let groups = by(&[0, 0, 1, 0, 2]);
    let column = floats(&[NAN, 2.0, 3.0, 9.0, NAN]);
    let answer = |agg: Agg| shown(&aggregate(&agg, &column, &DType::F64, &groups).unwrap());
    assert_eq!(answer(Agg::Median), [5.5, 3.0, -1.0]);
    assert_eq!(answer(Agg::Quantile(0.25)), [3.75, 3.0, -1.0]);
    assert_eq!(answer(Agg::Strict(Box::new(Agg::Median))), [-1.0, 3.0, -1.0]);
    let counts =
        |dropna| aggregate(&Agg::NUnique { dropna }, &column, &DType::F64, &groups).unwrap();
    assert_eq!(&counts(true), &ints(&[2, 1, 0]));
    assert_eq!(&counts(false), &ints(&[3, 1, 1]));
    let places = aggregate(&Agg::IdxMin, &column, &DType::F64, &groups).unwrap();
    let expected: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), None]));
    assert_eq!(&places, &expected);
    let seconds = DType::Datetime(Unit::Second, None);
    let column = times(&[Some(-5), Some(-2), Some(3)], &seconds);
    let answer = |agg: Agg| aggregate(&agg, &column, &seconds, &by(&[0, 0, 1])).unwrap();
    assert_eq!(&answer(Agg::Median), &times(&[Some(-3), Some(3)], &seconds));
    assert_eq!(&answer(Agg::Quantile(0.3)), &times(&[Some(-4), Some(3)], &seconds));
    let refused = aggregate(&Agg::Quantile(1.5), &column, &seconds, &by(&[0, 0, 1])).unwrap_err();
    assert!(refused.to_string().contains("1.5"), "{refused}");
}

#[test]
fn what_has_no_answer_is_refused() {
    let refused = |what, dtype| matches!(transform_dtype(&what, &dtype), Err(FrameError::Type(_)));
    assert!(refused(Transform::CumSum, DType::Str));
    assert!(refused(Transform::CumMin, DType::Str));
    assert!(refused(Transform::Diff(1), DType::Str));
    // pandas' columns of objects: not ours.
    let object = transform_dtype(&Transform::Shift(1), &DType::Bool);
    assert!(matches!(object, Err(FrameError::NoKernel(_))));
    let narrow = transform_dtype(&Transform::Diff(1), &DType::Number(Number::I8)).unwrap();
    assert_eq!(narrow, DType::Number(Number::F32));
    let error = transform(&Transform::CumSum, &ints(&[1]), &DType::I64, &by(&[0, 0])).unwrap_err();
    assert!(error.to_string().contains("1 rows"), "{error}");
}

#[test]
fn columns_vary_together_as_in_pandas() {
    let x = floats(&[1.0, 2.0, 4.0, NAN, 1.0, 2.0, 5.0, 1.0, 1.0]);
    let y = floats(&[2.0, 1.0, 5.0, 7.0, NAN, 3.0, 1.0, 2.0, 3.0]);
    let keys = [0, 0, 0, 0, 1, 1, 2, 3, 3];
    let dtypes = [&DType::F64, &DType::F64];
    let cov = PairAgg::Cov { ddof: 1 };
    let near = |array: ArrayRef, expected: &[f64]| {
        shown(&array)
            .iter()
            .zip(expected)
            .for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
    };
    let states = pair_partial([&x, &y], dtypes, &by(&keys)).unwrap();
    near(pair_finish(PairAgg::Corr, &states, 1).unwrap(), &[0.8386278693775345, -1.0, -1.0, -1.0]);
    near(pair_finish(cov, &states, 1).unwrap(), &[2.666666666666667, -1.0, -1.0, 0.0]);
    let whole = pair_merge(&states, &Groups::whole(4)).unwrap();
    near(pair_finish(PairAgg::Corr, &whole, 1).unwrap(), &[0.08501022840844515]);
    near(pair_finish(cov, &whole, 1).unwrap(), &[0.19047619047619058]);
    near(pair_finish(cov, &whole, 8).unwrap(), &[-1.0]);
    let words = texts(&[None; 9]);
    let refused = pair_partial([&x, &words], [&DType::F64, &DType::Str], &by(&keys));
    assert!(matches!(refused, Err(FrameError::Type(_))));
}
