//! Tests of this module against plain loops and known answers.

use super::*;
use crate::kernel::program::Input;

fn view(dtype: DType, ndim: u8) -> Program {
    let input = Input { dtype, axes: (0..ndim).map(Some).collect() };
    Program { ndim: ndim.into(), inputs: vec![input], steps: Vec::new(), result: 0 }
}

fn plain(reducer: Reducer) -> Reduction {
    Reduction { reducer, skip_nan: false }
}

fn state(reduction: Reduction, chunk: &Chunk, reduced: &[bool], start: &[usize]) -> State {
    let program = view(chunk.dtype(), chunk.ndim() as u8);
    let known: Vec<Option<usize>> = chunk.shape().iter().copied().map(Some).collect();
    let shape = vec![1000; start.len()];
    let place = Place { start, shape: &shape };
    reduction.partial(&program, &[Feed::Chunk(chunk.clone())], &known, reduced, &place).unwrap()
}

fn finish(reduction: Reduction, dtype: DType, reduced: &[bool]) -> Finish {
    Finish {
        reduction,
        dtype,
        ddof: 0.0,
        root: false,
        initial: None,
        reduced: reduced.to_vec(),
        keepdims: false,
    }
}

fn floats(chunk: &Chunk) -> Vec<f64> {
    chunk.elements::<f64>().unwrap().into_owned()
}

#[test]
fn long_sums_keep_their_digits() {
    let chunk = Chunk::from_slice(&vec![0.1; 1_000_000], &[1000, 1000]).unwrap();
    let reduction = plain(Reducer::Sum);
    let sum = state(reduction, &chunk, &[true, true], &[]);
    let sum = floats(&finish(reduction, DType::F64, &[true, true]).finish(sum).unwrap());
    assert!((sum[0] - 100_000.0).abs() < 1e-9, "{sum:?}");
}

#[test]
fn variances_do_not_cancel() {
    let values: Vec<f64> = (0..3000).map(|i| 1e9 + f64::from(i % 3)).collect();
    let reduction = plain(Reducer::Var);
    for (shape, reduced) in [([3000, 1], [true, false]), ([1, 3000], [false, true])] {
        let chunk = Chunk::from_slice(&values, &shape).unwrap();
        let halves: Vec<State> = (0..2)
            .map(|half| {
                let axis = reduced.iter().position(|&r| r).unwrap();
                state(reduction, &chunk.sliced(axis, half * 1500, 1, 1500), &reduced, &[])
            })
            .collect();
        let merged = reduction.merge(&halves).unwrap();
        let variance = finish(reduction, DType::F64, &reduced).finish(merged).unwrap();
        assert!((floats(&variance)[0] - 2.0 / 3.0).abs() < 1e-6, "{:?}", floats(&variance));
    }
}

#[test]
fn columns_and_rows_of_any_layout_sum_alike() {
    let chunk = Chunk::from_slice(&(0..35).map(f64::from).collect::<Vec<_>>(), &[5, 7]).unwrap();
    let reduction = plain(Reducer::Sum);
    let transposed = chunk.permuted(&[1, 0]).to_contiguous().unwrap().permuted(&[1, 0]);
    for layout in [&chunk, &transposed] {
        let columns = state(reduction, layout, &[true, false], &[]);
        assert_eq!(
            floats(&columns[0]),
            (0..7).map(|j| 70.0 + 5.0 * f64::from(j)).collect::<Vec<_>>()
        );
        let rows = state(reduction, layout, &[false, true], &[]);
        assert_eq!(
            floats(&rows[0]),
            (0..5).map(|i| 21.0 + 49.0 * f64::from(i)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn extremes_of_nothing_are_left_out_or_refused() {
    let reduction = plain(Reducer::Max);
    let empty = Chunk::from_slice::<f64>(&[], &[0, 2]).unwrap();
    let full = Chunk::from_slice(&[1.0, f64::NAN, 3.0, 4.0], &[2, 2]).unwrap();
    let reduced = [true, false];
    let states = [&empty, &full].map(|chunk| state(reduction, chunk, &reduced, &[]));
    let merged = reduction.merge(&states).unwrap();
    let values = floats(&finish(reduction, DType::F64, &reduced).finish(merged).unwrap());
    assert!(values[0] == 3.0 && values[1].is_nan(), "{values:?}");
    let nothing = state(reduction, &empty, &reduced, &[]);
    let error = finish(reduction, DType::F64, &reduced).finish(nothing).unwrap_err();
    assert!(error.to_string().contains("no identity"), "{error}");
}

#[test]
fn the_first_of_equal_extremes_is_found_in_any_order_of_blocks() {
    let reduction = plain(Reducer::ArgMax);
    let chunk = Chunk::from_slice(&[1, 9, 3, 9, 9, 0], &[6]).unwrap();
    let halves = [0, 3].map(|at| state(reduction, &chunk.sliced(0, at, 1, 3), &[true], &[at]));
    for order in [[0, 1], [1, 0]] {
        let states = order.map(|half| halves[half].clone());
        let merged = reduction.merge(&states).unwrap();
        let place = finish(reduction, DType::I64, &[true]).finish(merged).unwrap();
        assert_eq!(place.elements::<i64>().unwrap().as_ref(), [1]);
    }
}

#[test]
fn nat_spreads_unless_skipped() {
    let unit = "<m8[s]".parse::<DType>().unwrap();
    let chunk = Chunk::from_slice(&[5, i64::MIN, -2], &[3]).unwrap().reinterpreted(unit);
    for (skip_nan, sum, least) in [(false, i64::MIN, i64::MIN), (true, 3, -2)] {
        let of = |reducer| state(Reduction { reducer, skip_nan }, &chunk, &[true], &[]);
        assert_eq!(of(Reducer::Sum)[0].elements::<i64>().unwrap()[0], sum);
        assert_eq!(of(Reducer::Min)[0].elements::<i64>().unwrap()[0], least);
    }
}

#[test]
fn a_result_without_elements_lacks_none() {
    for reducer in [Reducer::Min, Reducer::ArgMax] {
        let finished = |shape: &[usize]| {
            let chunk = Chunk::zeros(DType::F64, shape).unwrap();
            let dtype = if reducer == Reducer::Min { DType::F64 } else { DType::I64 };
            let reduced = [false, true];
            let state = state(plain(reducer), &chunk, &reduced, &[0, 0]);
            finish(plain(reducer), dtype, &reduced).finish(state).map(|x| x.shape().to_vec())
        };
        assert_eq!(finished(&[0, 0]).unwrap(), [0]);
        assert_eq!(finished(&[0, 3]).unwrap(), [0]);
        assert!(finished(&[2, 0]).is_err());
    }
}
