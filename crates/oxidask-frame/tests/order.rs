//! Sorts, joins, partitions and duplicates against plain programs and against what pandas 3.1 answers.

#![expect(clippy::unwrap_used, reason = "a test that panics tells what went wrong")]

use std::cmp::Ordering;
use std::slice::from_ref;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int8Array, Int32Array,
    Int64Array, StringViewArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt32Array,
    UInt64Array,
};
use oxidask_frame::error::FrameError;
use oxidask_frame::kernel::distinct::{Keep, duplicated, is_in, unique};
use oxidask_frame::kernel::hash::hash_rows;
use oxidask_frame::kernel::join::{How, join};
use oxidask_frame::kernel::partition::{hash_partition, quantile_splits, range_partition};
use oxidask_frame::kernel::sort::{SortKey, argsort};
use proptest::prelude::*;

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringViewArray::from(values.to_vec()))
}

fn positions(rows: &UInt32Array) -> Vec<Option<u32>> {
    rows.iter().collect()
}

/// `-1` for null.
fn pairs(left: &[ArrayRef], right: &[ArrayRef], how: How, sort: bool) -> Vec<(i64, i64)> {
    let (left, right) = join(left, right, how, sort).unwrap();
    let row = |row: Option<u32>| row.map_or(-1, i64::from);
    left.iter().zip(&right).map(|(left, right)| (row(left), row(right))).collect()
}

mod pandas {
    //! `L = DataFrame({"k": [3, 1, nan, 2, 1, 7]})` and `R = DataFrame({"k": [1, 5, nan, 3, 1, 0, nan]})`,
    //! merged on `k`.

    use super::*;

    const INNER: [(i64, i64); 7] = [(0, 3), (1, 0), (1, 4), (2, 2), (2, 6), (4, 0), (4, 4)];
    const INNER_SORTED: [(i64, i64); 7] = [(1, 0), (1, 4), (4, 0), (4, 4), (0, 3), (2, 2), (2, 6)];
    const LEFT: [(i64, i64); 9] =
        [(0, 3), (1, 0), (1, 4), (2, 2), (2, 6), (3, -1), (4, 0), (4, 4), (5, -1)];
    const LEFT_SORTED: [(i64, i64); 9] =
        [(1, 0), (1, 4), (4, 0), (4, 4), (3, -1), (0, 3), (5, -1), (2, 2), (2, 6)];
    const RIGHT: [(i64, i64); 9] =
        [(1, 0), (4, 0), (-1, 1), (2, 2), (0, 3), (1, 4), (4, 4), (-1, 5), (2, 6)];
    const RIGHT_SORTED: [(i64, i64); 9] =
        [(-1, 5), (1, 0), (4, 0), (1, 4), (4, 4), (0, 3), (-1, 1), (2, 2), (2, 6)];
    const OUTER: [(i64, i64); 11] = [
        (-1, 5),
        (1, 0),
        (1, 4),
        (4, 0),
        (4, 4),
        (3, -1),
        (0, 3),
        (-1, 1),
        (5, -1),
        (2, 2),
        (2, 6),
    ];

    fn check(left: &[ArrayRef], right: &[ArrayRef]) {
        assert_eq!(pairs(left, right, How::Inner, false), INNER);
        assert_eq!(pairs(left, right, How::Inner, true), INNER_SORTED);
        assert_eq!(pairs(left, right, How::Left, false), LEFT);
        assert_eq!(pairs(left, right, How::Left, true), LEFT_SORTED);
        assert_eq!(pairs(left, right, How::Right, false), RIGHT);
        assert_eq!(pairs(left, right, How::Right, true), RIGHT_SORTED);
        assert_eq!(pairs(left, right, How::Outer, false), OUTER);
        assert_eq!(pairs(left, right, How::Outer, true), OUTER);
        assert_eq!(pairs(left, right, How::LeftAnti, false), [(3, -1), (5, -1)]);
        assert_eq!(pairs(left, right, How::LeftSemi, false), [(0, -1), (1, -1), (2, -1), (4, -1)]);
    }

    fn numbers() -> (ArrayRef, ArrayRef) {
        let left = Float64Array::from(vec![3.0, 1.0, f64::NAN, 2.0, 1.0, 7.0]);
        let right = Float64Array::from(vec![1.0, 5.0, f64::NAN, 3.0, 1.0, -0.0, f64::NAN]);
        (Arc::new(left), Arc::new(right))
    }

    fn letters() -> (ArrayRef, ArrayRef) {
        let left = [Some("c"), Some("a"), None, Some("b"), Some("a"), Some("g")];
        let right = [Some("a"), Some("e"), None, Some("c"), Some("a"), Some("0"), None];
        (text(&left), text(&right))
    }

    fn categories(column: &ArrayRef, categories: &[&str]) -> ArrayRef {
        let column = column.as_any().downcast_ref::<StringViewArray>().unwrap();
        let number = |value: &str| categories.iter().position(|c| *c == value).unwrap() as i32;
        let keys: Int32Array = column.iter().map(|value| value.map(number)).collect();
        let values = StringViewArray::from_iter_values(categories.iter().copied());
        Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(values)))
    }

    #[test]
    fn merges_are_in_the_order_of_pandas() {
        let (left, right) = numbers();
        check(&[left], &[right]);
        let (left, right) = letters();
        check(from_ref(&left), from_ref(&right));
        check(&[left.clone(), left.clone()], &[right.clone(), right.clone()]);
        let (more_left, more_right) = numbers();
        check(&[left, more_left], &[right, more_right]);
    }

    #[test]
    fn text_meets_categories_and_integers_meet_floats() {
        let (left, right) = letters();
        let names = ["g", "c", "b", "a", "0", "e"];
        check(&[categories(&left, &names)], from_ref(&right));
        check(&[categories(&left, &names)], &[categories(&right, &["e", "c", "b", "a", "0"])]);
        let integers: ArrayRef =
            Arc::new(Int64Array::from(vec![Some(3), Some(1), None, Some(2), Some(1), Some(7)]));
        check(&[integers], &[numbers().1]);
    }

    #[test]
    fn missing_times_come_first_in_sorted_merges() {
        let left: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![Some(3), None, Some(1)]));
        let right: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![None, Some(3)]));
        let found = pairs(from_ref(&left), from_ref(&right), How::Outer, false);
        assert_eq!(found, [(1, 0), (2, -1), (0, 1)]);
    }

    #[test]
    fn keys_of_like_kinds_meet() {
        let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![Some(-5), None]));
        let finer: ArrayRef =
            Arc::new(TimestampNanosecondArray::from(vec![Some(-5), Some(-5_000_000), None]));
        let found = pairs(from_ref(&times), from_ref(&finer), How::Inner, false);
        assert_eq!(found, [(0, 1), (1, 2)]);
        let signed: ArrayRef = Arc::new(Int8Array::from(vec![-1, 3]));
        let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![3, 4]));
        assert_eq!(pairs(from_ref(&signed), from_ref(&unsigned), How::Inner, false), [(1, 0)]);
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![4.0, 3.0]));
        assert_eq!(
            pairs(from_ref(&floats), from_ref(&unsigned), How::Left, false),
            [(0, 1), (1, 0)]
        );
        let refuse = |left: &ArrayRef, right: &ArrayRef| {
            let error = join(from_ref(left), from_ref(right), How::Inner, false).unwrap_err();
            assert!(matches!(error, FrameError::NoKernel(_)), "{error}");
        };
        refuse(&times, &signed);
        let large: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
        refuse(&large, &signed);
        let rounded: ArrayRef = Arc::new(Int64Array::from(vec![(1 << 53) + 1]));
        refuse(&rounded, &floats);
    }

    #[test]
    fn the_same_categories_are_in_their_own_order() {
        let (left, right) = letters();
        let names = ["g", "c", "b", "a", "0", "e"];
        let (left, right) = ([categories(&left, &names)], [categories(&right, &names)]);
        let sorted = [(2, 2), (2, 6), (0, 3), (1, 0), (1, 4), (4, 0), (4, 4)];
        assert_eq!(pairs(&left, &right, How::Inner, true), sorted);
        let outer = pairs(&left, &right, How::Outer, false);
        assert_eq!(outer[..4], [(2, 2), (2, 6), (5, -1), (0, 3)]);
        assert_eq!(outer[9..], [(-1, 5), (-1, 1)]);
    }
}

#[test]
fn rows_of_every_size_of_table_join_alike() {
    let column = |n: i64, step: i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..n).map(|i| i * step % 1000 * 1_000_003)))
    };
    for (n_left, n_right) in [(3000, 10), (10, 3000), (3000, 3000), (5, 0), (0, 5)] {
        let (left, right) = (column(n_left, 7), column(n_right, 3));
        let found = pairs(&[left], &[right], How::Inner, false);
        let mut expected = Vec::new();
        for i in 0..n_left {
            let partners = (0..n_right).filter(|j| i * 7 % 1000 == j * 3 % 1000);
            expected.extend(partners.map(|j| (i, j)));
        }
        assert_eq!(found, expected, "{n_left} and {n_right}");
    }
    // Nothing on the right is known on the left, which is the smaller one.
    let (left, right): (ArrayRef, ArrayRef) =
        (Arc::new(Int64Array::from(vec![1])), Arc::new(Int64Array::from(vec![2, 3])));
    assert_eq!(pairs(&[left], &[right], How::Left, false), [(0, -1)]);
}

#[test]
fn many_rows_join_part_by_part() {
    let n = 300_000_i64;
    let spread = |i: i64| i.wrapping_mul(0x1234_5678_9abc_def1);
    let column = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let left = column((0..n + 10).map(|i| spread(i / 2)).collect());
    let right = column((0..n).rev().map(spread).collect());
    let expected: Vec<(i64, i64)> = (0..n + 10).map(|i| (i, n - 1 - i / 2)).collect();
    assert_eq!(pairs(from_ref(&left), from_ref(&right), How::Left, false), expected);
    assert_eq!(pairs(from_ref(&left), from_ref(&right), How::Inner, false), expected);
    let turned: Vec<(i64, i64)> = expected.iter().map(|pair| (pair.1, pair.0)).collect();
    let mut found = pairs(from_ref(&right), from_ref(&left), How::Inner, false);
    assert!(found.is_sorted());
    found.sort_by_key(|pair| pair.1);
    assert_eq!(found, turned);
    let repeats = duplicated(from_ref(&left), Keep::First).unwrap();
    assert!((0..n as usize).all(|row| repeats.value(row) == (row % 2 == 1)));
}

#[test]
fn crosses_ignore_keys() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let found = pairs(from_ref(&column), from_ref(&column), How::Cross, false);
    assert_eq!(found, [(0, 0), (0, 1), (1, 0), (1, 1)]);
}

#[test]
fn equal_values_hash_alike_however_they_are_held() {
    let hash = |column: ArrayRef| hash_rows(&[column]).unwrap();
    let wide = hash(Arc::new(Int64Array::from(vec![-3, 0, 100])));
    assert_eq!(wide, hash(Arc::new(Int8Array::from(vec![-3, 0, 100]))));
    assert_eq!(wide, hash(Arc::new(Float64Array::from(vec![-3.0, -0.0, 100.0]))));
    assert_eq!(wide[1..], hash(Arc::new(UInt64Array::from(vec![0, 100]))));
    let seconds = hash(Arc::new(TimestampMillisecondArray::from(vec![-5, 7])));
    let nanos = hash(Arc::new(TimestampNanosecondArray::from(vec![-5_000_000, 7_000_000])));
    assert_eq!(seconds, nanos);
    let names = ["a", "", "something longer than a view", "twelve bytes"];
    let plain = hash(text(&names.map(Some)));
    let keys = Int32Array::from(vec![3, 2, 1, 0]);
    let values = StringViewArray::from_iter_values(names.iter().rev());
    assert_eq!(plain, hash(Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(values)))));
    for (name, hash) in names.iter().zip(plain) {
        assert_eq!(oxidask_frame::kernel::hash::text(name.as_bytes()), hash);
    }
    let missing = hash(Arc::new(Float64Array::from(vec![f64::NAN])));
    assert_eq!(missing, hash(text(&[None])));
}

#[test]
fn hashes_are_those_that_other_versions_have() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let names = text(&[Some("a"), Some("a name of some length")]);
    let hashes = hash_rows(&[numbers, names]).unwrap();
    assert_eq!(hashes, [9_496_859_392_253_823_735, 5_047_067_751_402_304_801]);
}

/// A column of few or many different values, some of them missing.
fn any_column(n_rows: usize) -> impl Strategy<Value = ArrayRef> {
    let few = prop::collection::vec(prop::option::weighted(0.9, -3_i64..3), n_rows);
    let many = prop::collection::vec(prop::option::weighted(0.9, any::<i64>()), n_rows);
    let floats = prop::collection::vec(
        prop_oneof![Just(f64::NAN), Just(-0.0), Just(0.0), any::<f64>(), Just(1e9)],
        n_rows,
    );
    let word = prop_oneof!["[ab]{0,2}", "common[ab]{0,12}", ".{0,20}"];
    let words = prop::collection::vec(prop::option::weighted(0.9, word), n_rows);
    let bools = prop::collection::vec(any::<bool>(), n_rows);
    let sparse = prop::collection::vec(-50_i64..50, n_rows);
    prop_oneof![
        few.prop_map(|values| Arc::new(Int64Array::from(values)) as ArrayRef),
        many.prop_map(|values| Arc::new(Int64Array::from(values)) as ArrayRef),
        floats.prop_map(|values| Arc::new(Float64Array::from(values)) as ArrayRef),
        words.prop_map(|values| Arc::new(StringViewArray::from_iter(values)) as ArrayRef),
        bools.prop_map(|values| Arc::new(BooleanArray::from(values)) as ArrayRef),
        sparse.prop_map(|values| {
            let values = values.into_iter().map(|value| value << 40);
            Arc::new(Int64Array::from_iter_values(values)) as ArrayRef
        }),
    ]
}

/// One value, so that plain programs can compare it.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Value {
    Int(i64),
    Float(f64),
    Text(String),
    Bool(bool),
}

fn values(column: &ArrayRef) -> Vec<Option<Value>> {
    let any = column.as_any();
    if let Some(column) = any.downcast_ref::<Int64Array>() {
        return column.iter().map(|value| value.map(Value::Int)).collect();
    }
    if let Some(column) = any.downcast_ref::<Float64Array>() {
        let values = column.values().iter();
        return values.map(|value| (!value.is_nan()).then_some(Value::Float(*value))).collect();
    }
    if let Some(column) = any.downcast_ref::<BooleanArray>() {
        return column.iter().map(|value| value.map(Value::Bool)).collect();
    }
    let column = any.downcast_ref::<StringViewArray>().unwrap();
    column.iter().map(|value| value.map(|text| Value::Text(text.to_owned()))).collect()
}

fn compare(
    left: &Option<Value>,
    right: &Option<Value>,
    descending: bool,
    nulls_last: bool,
) -> Ordering {
    let missing = if nulls_last { Ordering::Greater } else { Ordering::Less };
    match (left, right) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => missing,
        (Some(_), None) => missing.reverse(),
        (Some(left), Some(right)) => {
            let order = left.partial_cmp(right).unwrap();
            if descending { order.reverse() } else { order }
        }
    }
}

fn any_columns(n_rows: std::ops::Range<usize>) -> impl Strategy<Value = Vec<ArrayRef>> {
    (n_rows, 1_usize..4).prop_flat_map(|(n_rows, n)| prop::collection::vec(any_column(n_rows), n))
}

fn rows(columns: &[ArrayRef]) -> Vec<Vec<Option<Value>>> {
    let columns: Vec<_> = columns.iter().map(values).collect();
    let n_rows = columns[0].len();
    (0..n_rows).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect()
}

fn sort_keys(columns: &[ArrayRef], flags: [bool; 6]) -> Vec<SortKey> {
    let keys = columns.iter().zip(flags.chunks(2));
    keys.map(|(column, flags)| SortKey {
        column: column.clone(),
        descending: flags[0],
        nulls_last: flags[1],
    })
    .collect()
}

fn compare_rows(keys: &[SortKey], left: &[Option<Value>], right: &[Option<Value>]) -> Ordering {
    keys.iter()
        .zip(left.iter().zip(right))
        .map(|(key, (left, right))| compare(left, right, key.descending, key.nulls_last))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

proptest! {
    #[test]
    fn sorts_are_stable_sorts(columns in any_columns(0..300), flags in any::<[bool; 6]>()) {
        let keys = sort_keys(&columns, flags);
        let rows = rows(&columns);
        let mut expected: Vec<u32> = (0..rows.len() as u32).collect();
        expected.sort_by(|&a, &b| compare_rows(&keys, &rows[a as usize], &rows[b as usize]));
        prop_assert_eq!(argsort(&keys).unwrap().values().to_vec(), expected);
    }

    #[test]
    fn ranges_hold_what_is_between_splits(
        columns in any_columns(1..300),
        flags in any::<[bool; 6]>(),
        n in 1_usize..6,
    ) {
        let keys = sort_keys(&columns, flags);
        let splits = quantile_splits(&keys, n).unwrap();
        prop_assert!(splits[0].len() < n.max(1));
        let parts = range_partition(&keys, &splits).unwrap();
        let (of_rows, of_splits) = (rows(&columns), rows(&splits));
        for (row, values) in of_rows.iter().enumerate() {
            let reached = of_splits.iter().filter(|split| compare_rows(&keys, split, values).is_le());
            prop_assert!(parts[reached.count()].values().contains(&(row as u32)));
        }
        prop_assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), of_rows.len());
    }

    #[test]
    fn hashes_part_equal_rows_alike(columns in any_columns(0..200), n in 1_usize..5) {
        let parts = hash_partition(&columns, n).unwrap();
        let rows = rows(&columns);
        let mut part_of = vec![usize::MAX; rows.len()];
        for (part, positions) in parts.iter().enumerate() {
            prop_assert!(positions.values().is_sorted());
            positions.values().iter().for_each(|&row| part_of[row as usize] = part);
        }
        for (left, row) in rows.iter().enumerate() {
            prop_assert!(part_of[left] < n);
            let same = rows.iter().position(|other| other == row).unwrap();
            prop_assert_eq!(part_of[left], part_of[same]);
        }
    }

    #[test]
    fn duplicates_are_rows_seen_before(columns in any_columns(0..200)) {
        let rows = rows(&columns);
        let is_before = |row: usize| rows[..row].contains(&rows[row]);
        let is_after = |row: usize| rows[row + 1..].contains(&rows[row]);
        let n_rows = rows.len();
        let first = BooleanArray::from((0..n_rows).map(is_before).collect::<Vec<_>>());
        let last = BooleanArray::from((0..n_rows).map(is_after).collect::<Vec<_>>());
        let all: Vec<bool> = (0..n_rows).map(|row| is_before(row) || is_after(row)).collect();
        prop_assert_eq!(&duplicated(&columns, Keep::First).unwrap(), &first);
        prop_assert_eq!(duplicated(&columns, Keep::Last).unwrap(), last);
        prop_assert_eq!(duplicated(&columns, Keep::None).unwrap(), BooleanArray::from(all));
        let firsts = (0..n_rows as u32).filter(|&row| !first.value(row as usize));
        prop_assert_eq!(unique(&columns).unwrap().values().to_vec(), firsts.collect::<Vec<_>>());
    }

    #[test]
    fn joins_pair_equal_rows(columns in any_columns(0..120), at in 0.0..1.0, sort: bool) {
        let n_rows = columns[0].len();
        let cut = (n_rows as f64 * at) as usize;
        let side = |start: usize, len: usize| -> Vec<ArrayRef> {
            columns.iter().map(|column| column.slice(start, len)).collect()
        };
        let (left, right) = (side(0, cut), side(cut, n_rows - cut));
        let (of_left, of_right) = (rows(&left), rows(&right));
        let mut expected = Vec::new();
        for (i, row) in of_left.iter().enumerate() {
            let partners = of_right.iter().enumerate().filter(|(_, other)| *other == row);
            let n_before = expected.len();
            expected.extend(partners.map(|(j, _)| (i as i64, j as i64)));
            if expected.len() == n_before {
                expected.push((i as i64, -1));
            }
        }
        let keys = sort_keys(&left, [false, true, false, true, false, true]);
        if sort {
            let row = |pair: &(i64, i64)| &of_left[pair.0 as usize];
            expected.sort_by(|a, b| compare_rows(&keys, row(a), row(b)));
        }
        prop_assert_eq!(pairs(&left, &right, How::Left, sort), expected.clone());
        let both = expected.into_iter().filter(|pair| pair.1 >= 0).collect::<Vec<_>>();
        prop_assert_eq!(pairs(&left, &right, How::Inner, sort), both);
        let there = is_in(&left, &right).unwrap();
        let expected: Vec<bool> = of_left.iter().map(|row| of_right.contains(row)).collect();
        prop_assert_eq!(there, BooleanArray::from(expected));
    }
}

#[test]
fn large_columns_are_sorted_by_all_their_bits() {
    let n = 30_000_u64;
    let random = |i: u64| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    let wide: ArrayRef = Arc::new(Int64Array::from_iter_values((0..n).map(|i| random(i) as i64)));
    let narrow: ArrayRef = Arc::new(Int64Array::from_iter_values(
        (0..n).map(|i| (random(i) % 7) as i64 * 1_000_000_007),
    ));
    let names: ArrayRef = Arc::new(StringViewArray::from_iter_values(
        (0..n).map(|i| format!("name{:09}", random(i) % 20_000)),
    ));
    let all_nulls = text(&vec![None; n as usize]);
    for columns in
        [vec![&wide], vec![&narrow, &names, &wide], vec![&all_nulls, &names], vec![&names]]
    {
        let columns: Vec<ArrayRef> = columns.into_iter().cloned().collect();
        let keys = sort_keys(&columns, [false, true, true, false, false, true]);
        let rows = rows(&columns);
        let mut expected: Vec<u32> = (0..n as u32).collect();
        expected.sort_by(|&a, &b| compare_rows(&keys, &rows[a as usize], &rows[b as usize]));
        assert_eq!(argsort(&keys).unwrap().values().to_vec(), expected);
    }
}

#[test]
fn semi_and_anti_joins_have_no_right_rows() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let (left, right) = join(from_ref(&column), from_ref(&column), How::LeftSemi, false).unwrap();
    assert_eq!(positions(&left), [Some(0), Some(1)]);
    assert_eq!(positions(&right), [None, None]);
}
