//! Groups and aggregates: pandas' answers, and that states merge to what whole groups give.

#![expect(clippy::unwrap_used, reason = "what makes the columns of tests may panic")]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int8Array, Int32Array,
    Int64Array, StringArray, StringViewArray, UInt64Array,
};
use oxidask_frame::dtype::{DType, Number, Unit};
use oxidask_frame::error::FrameError;
use oxidask_frame::kernel::column;
use oxidask_frame::kernel::group::{
    Agg, Aggs, DROPPED, Groups, agg_dtype, aggregate, aggregate_all, finish, group, merge, partial,
    reduce, state_dtypes,
};
use proptest::prelude::*;

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringViewArray::from(values.to_vec()))
}

fn times(values: &[Option<i64>], dtype: &DType) -> ArrayRef {
    let data = Int64Array::from(values.to_vec()).into_data().into_builder();
    arrow_array::make_array(data.data_type(dtype.arrow()).build().unwrap())
}

/// Groups 0, 0, 1 and so on, as given.
fn by(ids: &[i64]) -> Groups {
    group(&[ints(ids)], true).unwrap()
}

fn shown(array: &ArrayRef) -> Vec<f64> {
    array.as_primitive::<Float64Type>().values().to_vec()
}

#[test]
fn groups_are_numbered_by_first_appearance() {
    let groups = by(&[7, -3, 7, 9, -3]);
    assert_eq!(groups.ids().unwrap(), [0, 1, 0, 2, 1]);
    assert_eq!(groups.first_rows(), [0, 1, 3]);
    let far = by(&[i64::MIN, i64::MAX, i64::MIN, 0]);
    assert_eq!(far.ids().unwrap(), [0, 1, 0, 2]);
}

#[test]
fn missing_keys_are_dropped_or_a_group_in_its_place() {
    let keys = floats(&[1.0, f64::NAN, 0.0, -0.0, -f64::NAN]);
    let dropped = group(std::slice::from_ref(&keys), true).unwrap();
    assert_eq!(dropped.ids().unwrap(), [0, DROPPED, 1, 1, DROPPED]);
    let kept = group(&[keys], false).unwrap();
    assert_eq!(kept.ids().unwrap(), [0, 1, 2, 2, 1]);
    assert_eq!(kept.first_rows(), [0, 1, 2]);
}

#[test]
fn long_and_short_texts_are_told_apart() {
    let long = "a text that is longer than a view";
    let keys = texts(&[Some(long), Some("a text"), None, Some(long), Some("a text that"), None]);
    let groups = group(std::slice::from_ref(&keys), false).unwrap();
    assert_eq!(groups.ids().unwrap(), [0, 1, 2, 0, 3, 2]);
    // The same text from another buffer is another view.
    let both = column::concat([&keys, &texts(&[Some(long), Some("")])].into_iter()).unwrap();
    let groups = group(&[both], true).unwrap();
    assert_eq!(groups.ids().unwrap(), [0, 1, DROPPED, 0, 2, DROPPED, 0, 3]);
}

#[test]
fn categories_that_repeat_are_one_group() {
    let values = Arc::new(StringArray::from(vec!["x", "y", "x"]));
    let codes = Int32Array::from(vec![Some(2), Some(1), None, Some(0)]);
    let key: ArrayRef = Arc::new(DictionaryArray::new(codes, values));
    // Category values of columns are views; these are refused, not misread.
    assert!(matches!(group(&[key], true), Err(FrameError::NoKernel(_))));
    let values = Arc::new(StringViewArray::from(vec!["x", "y", "x"]));
    let codes = Int32Array::from(vec![Some(2), Some(1), None, Some(0)]);
    let key: ArrayRef = Arc::new(DictionaryArray::new(codes, values));
    assert_eq!(group(&[key], true).unwrap().ids().unwrap(), [0, 1, DROPPED, 0]);
}

#[test]
fn several_keys_make_pairs() {
    let left = texts(&[Some("a"), Some("b"), Some("a"), None, Some("a")]);
    let right = ints(&[1, 1, 2, 1, 1]);
    let groups = group(&[left.clone(), right.clone()], true).unwrap();
    assert_eq!(groups.ids().unwrap(), [0, 1, 2, DROPPED, 0]);
    assert_eq!(groups.first_rows(), [0, 1, 2]);
    let groups = group(&[left, right], false).unwrap();
    assert_eq!(groups.ids().unwrap(), [0, 1, 2, 3, 0]);
}

#[test]
fn keys_of_different_length_are_refused() {
    let error = group(&[ints(&[1]), ints(&[1, 2])], true).unwrap_err();
    assert!(error.to_string().contains("1 and 2 rows"), "{error}");
    assert!(group(&[], true).is_err());
}

#[test]
fn integers_wrap_as_those_of_numpy() {
    let groups = by(&[0, 0, 0]);
    let big = ints(&[1 << 62, 1 << 62, 1 << 62]);
    let sums = aggregate(&Agg::Sum { min_count: 0 }, &big, &DType::I64, &groups).unwrap();
    assert_eq!(sums.as_primitive::<Int64Type>().values(), &[-4611686018427387904]);
    let means = aggregate(&Agg::Mean, &big, &DType::I64, &groups).unwrap();
    assert_eq!(shown(&means), [4.611686018427388e18]);
    let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![1 << 63, 1 << 63, 5]));
    let dtype = DType::Number(Number::U64);
    let sums = aggregate(&Agg::Sum { min_count: 0 }, &unsigned, &dtype, &groups).unwrap();
    assert_eq!(sums.as_primitive::<UInt64Type>().values(), &[5]);
    let small: ArrayRef = Arc::new(Int8Array::from(vec![100, 100, 1]));
    let dtype = DType::Number(Number::I8);
    let sums = aggregate(&Agg::Sum { min_count: 0 }, &small, &dtype, &groups).unwrap();
    assert_eq!(sums.as_primitive::<Int64Type>().values(), &[201]);
}

#[test]
fn sums_of_too_few_values_are_missing() {
    let groups = by(&[0, 0, 1]);
    let column = floats(&[1.0, f64::NAN, f64::NAN]);
    let sums = aggregate(&Agg::Sum { min_count: 0 }, &column, &DType::F64, &groups).unwrap();
    assert_eq!(shown(&sums), [1.0, 0.0]);
    let sums = aggregate(&Agg::Sum { min_count: 1 }, &column, &DType::F64, &groups).unwrap();
    assert_eq!(shown(&sums)[0], 1.0);
    assert!(shown(&sums)[1].is_nan() && sums.null_count() == 0);
    let nullable = DType::NullableNumber(Number::I64);
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(100), Some(100), Some(1)]));
    let sums = aggregate(&Agg::Sum { min_count: 2 }, &column, &nullable, &groups).unwrap();
    assert_eq!(sums.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(200), None]);
    // Whether pandas answers with integers depends on the values.
    let refused = agg_dtype(&Agg::Sum { min_count: 2 }, &DType::I64);
    assert!(matches!(refused, Err(FrameError::NoKernel(_))));
}

#[test]
fn infinities_are_kept_apart() {
    let groups = by(&[0, 0, 1]);
    let column = floats(&[f64::INFINITY, f64::NEG_INFINITY, 1.0]);
    let sums = aggregate(&Agg::Sum { min_count: 0 }, &column, &DType::F64, &groups).unwrap();
    assert!(shown(&sums)[0].is_nan());
    assert_eq!(shown(&sums)[1], 1.0);
}

#[test]
fn means_of_times_are_exact() {
    // pandas goes through float64 and answers ...000 here.
    let dtype = DType::Datetime(Unit::Nano, None);
    let base = 1_600_000_000_000_000_000;
    let column = times(&[Some(base + 1), Some(base + 4), None, Some(-5), Some(-2)], &dtype);
    let means = aggregate(&Agg::Mean, &column, &dtype, &by(&[0, 0, 1, 2, 2])).unwrap();
    assert_eq!(&means, &times(&[Some(base + 2), None, Some(-3)], &dtype));
}

#[test]
fn spread_is_that_of_pandas() {
    let groups = by(&[0, 0, 0, 0, 1, 1]);
    let column = floats(&[1.0, 2.0, 4.0, 9.0, 3.0, f64::NAN]);
    let answer = |agg: Agg| shown(&aggregate(&agg, &column, &DType::F64, &groups).unwrap());
    assert!((answer(Agg::Skew)[0] - 1.3309377322476705).abs() < 1e-12);
    assert!((answer(Agg::Kurt)[0] - 1.5).abs() < 1e-12);
    assert!((answer(Agg::Var { ddof: 1 })[0] - 12.666666666666666).abs() < 1e-12);
    assert!(answer(Agg::Std { ddof: 1 })[1].is_nan());
    assert_eq!(answer(Agg::Var { ddof: 0 })[1], 0.0);
    let constant = floats(&[0.1; 4]);
    let skew = aggregate(&Agg::Skew, &constant, &DType::F64, &Groups::whole(4)).unwrap();
    assert!(shown(&skew)[0].is_nan());
}

#[test]
fn first_and_last_skip_what_is_missing() {
    let groups = by(&[0, 0, 1, 0]);
    let column = texts(&[None, Some("b"), None, Some("c")]);
    let answer = |agg: Agg| aggregate(&agg, &column, &DType::Str, &groups).unwrap();
    assert_eq!(&answer(Agg::First), &texts(&[Some("b"), None]));
    assert_eq!(&answer(Agg::Last), &texts(&[Some("c"), None]));
    assert_eq!(&answer(Agg::Min), &texts(&[Some("b"), None]));
    assert_eq!(&answer(Agg::Max), &texts(&[Some("c"), None]));
    let any: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    assert_eq!(&answer(Agg::Any), &any);
    let all: ArrayRef = Arc::new(BooleanArray::from(vec![true, true]));
    assert_eq!(&answer(Agg::All), &all);
}

#[test]
fn empty_columns_have_pandas_answers() {
    let none = floats(&[]);
    let sum = reduce(&Agg::Sum { min_count: 0 }, &none, &DType::F64).unwrap();
    assert_eq!(shown(&sum), [0.0]);
    assert!(shown(&reduce(&Agg::Min, &none, &DType::F64).unwrap())[0].is_nan());
    assert!(shown(&reduce(&Agg::Mean, &none, &DType::F64).unwrap())[0].is_nan());
    let error = reduce(&Agg::Min, &ints(&[]), &DType::I64).unwrap_err();
    assert!(error.to_string().contains("min of no values"), "{error}");
    let least = reduce(&Agg::Min, &texts(&[]), &DType::Str).unwrap();
    assert!(least.is_null(0));
}

#[test]
fn missing_values_show_where_they_are_not_skipped() {
    let groups = by(&[0, 0, 1]);
    let column = floats(&[f64::NAN, 2.0, 3.0]);
    let agg = Agg::Strict(Box::new(Agg::Sum { min_count: 0 }));
    let sums = aggregate(&agg, &column, &DType::F64, &groups).unwrap();
    assert!(shown(&sums)[0].is_nan());
    assert_eq!(shown(&sums)[1], 3.0);
}

#[test]
fn what_pandas_refuses_is_refused() {
    let refused =
        |agg: Agg, dtype: DType| matches!(agg_dtype(&agg, &dtype), Err(FrameError::Type(_)));
    assert!(refused(Agg::Mean, DType::Str));
    assert!(refused(Agg::Sum { min_count: 0 }, DType::Datetime(Unit::Nano, None)));
    assert!(refused(Agg::Any, DType::Datetime(Unit::Nano, None)));
    assert!(refused(Agg::Quantile(0.5), DType::Bool));
    let category = DType::Category { values: Box::new(DType::Str), ordered: false };
    assert!(refused(Agg::Min, category));
    assert_eq!(
        agg_dtype(&Agg::Std { ddof: 1 }, &DType::Datetime(Unit::Micro, Some("UTC".into())))
            .unwrap(),
        DType::Timedelta(Unit::Micro)
    );
}

#[test]
fn states_of_something_else_are_refused() {
    let states = partial(&Agg::Mean, &ints(&[1]), &DType::I64, &by(&[0])).unwrap();
    let error = finish(&Agg::Min, &DType::F64, &states).unwrap_err();
    assert!(error.to_string().contains("no states of min of float64"), "{error}");
}

/// A column with holes, and a dtype it has.
fn columns(n_rows: usize) -> impl Strategy<Value = (ArrayRef, DType)> {
    let small = prop::collection::vec(prop::option::weighted(0.8, -20_i64..20), n_rows);
    (small, 0..7_u8).prop_map(|(values, kind)| {
        let plain = || values.iter().map(|v| v.unwrap_or(3));
        match kind {
            0 => (Arc::new(Int64Array::from_iter_values(plain())) as ArrayRef, DType::I64),
            1 => {
                let floats = values.iter().map(|v| v.map_or(f64::NAN, |v| v as f64 / 4.0));
                (Arc::new(Float64Array::from_iter_values(floats)) as ArrayRef, DType::F64)
            }
            2 => {
                let array: Int64Array = values.iter().copied().collect();
                (Arc::new(array) as ArrayRef, DType::NullableNumber(Number::I64))
            }
            3 => {
                let texts = values
                    .iter()
                    .map(|v| v.map(|v| "twelve bytes and ".repeat(2) + &v.to_string()));
                (Arc::new(texts.collect::<StringViewArray>()) as ArrayRef, DType::Str)
            }
            4 => {
                let dtype = DType::Datetime(Unit::Micro, None);
                (times(&values, &dtype), dtype)
            }
            5 => {
                let dtype = DType::Timedelta(Unit::Second);
                (times(&values, &dtype), dtype)
            }
            _ => {
                let bools = plain().map(|v| Some(v > 0)).collect::<BooleanArray>();
                (Arc::new(bools) as ArrayRef, DType::Bool)
            }
        }
    })
}

fn aggs() -> Vec<Agg> {
    vec![
        Agg::Sum { min_count: 0 },
        Agg::Sum { min_count: 1 },
        Agg::Sum { min_count: 3 },
        Agg::Prod { min_count: 0 },
        Agg::Count,
        Agg::Size,
        Agg::Mean,
        Agg::Var { ddof: 1 },
        Agg::Std { ddof: 0 },
        Agg::Sem { ddof: 1 },
        Agg::Skew,
        Agg::Kurt,
        Agg::Min,
        Agg::Max,
        Agg::First,
        Agg::Last,
        Agg::Any,
        Agg::All,
        Agg::Strict(Box::new(Agg::Max)),
        Agg::Strict(Box::new(Agg::Mean)),
    ]
}

fn close(left: &ArrayRef, right: &ArrayRef) -> bool {
    let Some(left_floats) = left.as_primitive_opt::<Float64Type>() else {
        return left == right;
    };
    let right_floats = right.as_primitive::<Float64Type>();
    left_floats.iter().zip(right_floats).all(|pair| match pair {
        (Some(a), Some(b)) => {
            (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * b.abs().max(1.0)
        }
        (a, b) => a == b,
    })
}

/// Where rows are cut into partitions.
fn cut(array: &ArrayRef, cuts: &[usize]) -> Vec<ArrayRef> {
    let edges: Vec<usize> = [0].iter().chain(cuts).copied().chain([array.len()]).collect();
    edges.windows(2).map(|edge| array.slice(edge[0], edge[1] - edge[0])).collect()
}

proptest! {
    #[test]
    fn merged_states_are_those_of_whole_groups(
        (column, dtype) in (0..40_usize).prop_flat_map(columns),
        seeds in prop::collection::vec(0..4_i64, 40),
        (first, second) in (0..41_usize, 0..41_usize),
    ) {
        let keys = ints(&seeds[..column.len()]);
        let mut cuts = [first.min(column.len()), second.min(column.len())];
        cuts.sort_unstable();
        for agg in aggs() {
            let Ok(result) = agg_dtype(&agg, &dtype) else { continue };
            let whole = group(std::slice::from_ref(&keys), true).unwrap();
            let expected = aggregate(&agg, &column, &dtype, &whole).unwrap();
            prop_assert_eq!(expected.data_type(), &result.arrow());
            let mut state_keys = Vec::new();
            let mut states: Vec<Vec<ArrayRef>> = vec![Vec::new(); state_dtypes(&agg, &dtype).unwrap().len()];
            for (keys, column) in cut(&keys, &cuts).into_iter().zip(cut(&column, &cuts)) {
                let groups = group(std::slice::from_ref(&keys), true).unwrap();
                let parts = partial(&agg, &column, &dtype, &groups).unwrap();
                states.iter_mut().zip(parts).for_each(|(all, part)| all.push(part));
                state_keys.push(column::take(&keys, &groups.positions()).unwrap());
            }
            let keys = column::concat(state_keys.iter()).unwrap();
            let states: Vec<ArrayRef> = states.iter().map(|all| column::concat(all.iter()).unwrap()).collect();
            let groups = group(&[keys], true).unwrap();
            let merged = merge(&agg, &dtype, &states, &groups).unwrap();
            let found = finish(&agg, &dtype, &merged).unwrap();
            prop_assert!(close(&found, &expected), "{agg:?} of {dtype}: {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn shared_states_give_the_same_answers(
        (column, dtype) in (0..40_usize).prop_flat_map(columns),
        seeds in prop::collection::vec(0..4_i64, 40),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        cut_at in 0..41_usize,
    ) {
        let keys = ints(&seeds[..column.len()]);
        let known: Vec<Agg> = aggs().into_iter().filter(|agg| agg_dtype(agg, &dtype).is_ok()).collect();
        let chosen: Vec<Agg> = chosen.iter().map(|index| index.get(&known).clone()).collect();
        let shared = Aggs::new(&chosen, &dtype).unwrap();
        let mut rows = Vec::new();
        let mut states: Vec<Vec<ArrayRef>> = vec![Vec::new(); shared.state_dtypes().len()];
        let cuts = [cut_at.min(column.len())];
        for (keys, column) in cut(&keys, &cuts).into_iter().zip(cut(&column, &cuts)) {
            let groups = group(std::slice::from_ref(&keys), true).unwrap();
            let parts = shared.partial(&column, &groups).unwrap();
            states.iter_mut().zip(parts).for_each(|(all, part)| all.push(part));
            rows.push(column::take(&keys, &groups.positions()).unwrap());
        }
        let groups = group(&[column::concat(rows.iter()).unwrap()], true).unwrap();
        let states: Vec<ArrayRef> = states.iter().map(|all| column::concat(all.iter()).unwrap()).collect();
        let merged = shared.merge(&states, &groups).unwrap();
        let whole = group(&[keys], true).unwrap();
        let all = aggregate_all(&chosen, &column, &dtype, &whole).unwrap();
        let found = shared.finish(&merged).unwrap();
        for (agg, (found, all)) in chosen.iter().zip(found.iter().zip(&all)) {
            let expected = aggregate(agg, &column, &dtype, &whole).unwrap();
            prop_assert!(close(found, &expected), "{agg:?} of {dtype}: {found:?}, not {expected:?}");
            prop_assert!(close(all, &expected), "{agg:?} of {dtype}: {all:?}, not {expected:?}");
        }
    }

    #[test]
    fn groups_are_those_of_a_plain_map(
        rows in prop::collection::vec((0..6_i64, prop::option::of(0..3_i32), -2..2_i64), 0..60),
        far in any::<bool>(),
        dropna in any::<bool>(),
    ) {
        let scale = if far { 1 << 40 } else { 1 };
        let texts: StringViewArray = rows.iter().map(|row| row.1.map(|v| format!("{v}{v}{v}{v}{v} and on it goes"))).collect();
        let keys: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0 * scale))),
            Arc::new(texts),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.2 as f64))),
        ];
        let mut seen = Vec::new();
        let expected: Vec<u32> = rows.iter().map(|row| {
            if dropna && row.1.is_none() {
                return DROPPED;
            }
            let at = seen.iter().position(|other| other == row).unwrap_or_else(|| {
                seen.push(*row);
                seen.len() - 1
            });
            at as u32
        }).collect();
        let groups = group(&keys, dropna).unwrap();
        prop_assert_eq!(groups.ids().unwrap(), &expected);
        for (id, &row) in groups.first_rows().iter().enumerate() {
            prop_assert_eq!(seen[id], rows[row as usize]);
        }
    }
}

#[test]
fn states_are_shared() {
    let aggs = [Agg::Std { ddof: 1 }, Agg::Mean, Agg::Count, Agg::Kurt, Agg::Sum { min_count: 1 }];
    let shared = Aggs::new(&aggs, &DType::F64).unwrap();
    // The count, the mean and three powers, and the sum.
    assert_eq!(shared.state_dtypes().len(), 6);
    let both = Aggs::new(&[Agg::Mean, Agg::Sum { min_count: 0 }, Agg::Count], &DType::F64).unwrap();
    assert_eq!(both.state_dtypes(), [DType::F64, DType::I64]);
}

#[test]
fn codes_of_narrow_keys_are_rejected_by_no_one() {
    // 16 and 32 bit keys take the same road as those of 64 bits.
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![5, 4, 5]));
    assert_eq!(narrow.as_primitive::<Int32Type>().len(), 3);
    assert_eq!(group(&[narrow], true).unwrap().ids().unwrap(), [0, 1, 0]);
}
