//! Tests of this module against plain loops and known answers.

use super::*;
use crate::dtype::{TimeBase, TimeUnit};
use num_complex::Complex;
use proptest::prelude::*;

fn floats(chunk: &Chunk) -> Vec<f64> {
    chunk.elements::<f64>().unwrap().to_vec()
}

#[test]
fn nan_is_last_and_zeros_are_equal() {
    let x = [f64::NAN, 2.0, -f64::NAN, f64::NEG_INFINITY, 0.0, -0.0, -3.0, f64::INFINITY];
    let chunk = Chunk::from_slice(&x, &[8]).unwrap();
    let sorted = floats(&sort(chunk.clone(), 0).unwrap());
    assert_eq!(sorted[..2], [f64::NEG_INFINITY, -3.0]);
    assert_eq!(sorted[2..6], [0.0, 0.0, 2.0, f64::INFINITY]);
    assert!(sorted[6].is_nan() && sorted[7].is_nan());
    let order = argsort(&chunk, 0).unwrap();
    assert_eq!(&*order.elements::<i64>().unwrap(), [3, 6, 4, 5, 1, 7, 0, 2]);
}

#[test]
fn times_sort_with_nat_last_and_keep_their_dtype() {
    let dtype = DType::Datetime(TimeUnit { base: TimeBase::Nano, count: 1 });
    let chunk = Chunk::from_slice(&[i64::MIN, 5, -7], &[3]).unwrap().reinterpreted(dtype);
    let sorted = sort(chunk, 0).unwrap();
    assert_eq!(sorted.dtype(), dtype);
    assert_eq!(&*sorted.elements::<i64>().unwrap(), [-7, 5, i64::MIN]);
}

#[test]
fn complex_numbers_sort_by_parts() {
    let z = |re, im| Complex::<f64>::new(re, im);
    let x = [z(f64::NAN, 0.0), z(1.0, f64::NAN), z(1.0, 2.0), z(1.0, -2.0), z(0.0, 9.0)];
    let sorted = sort(Chunk::from_slice(&x, &[5]).unwrap(), 0).unwrap();
    let sorted = sorted.elements::<Complex<f64>>().unwrap();
    assert_eq!(sorted[..3], [z(0.0, 9.0), z(1.0, -2.0), z(1.0, 2.0)]);
    assert!(sorted[3].im.is_nan() && sorted[4].re.is_nan());
}

#[test]
fn an_inner_axis_sorts() {
    let chunk = Chunk::from_slice(&[3, 1, 2, 0, 5, 4], &[3, 2]).unwrap();
    let sorted = sort(chunk.clone(), 0).unwrap();
    assert_eq!(&*sorted.elements::<i32>().unwrap(), [2, 0, 3, 1, 5, 4]);
    let order = argsort(&chunk, 0).unwrap();
    assert_eq!(&*order.elements::<i64>().unwrap(), [1, 1, 0, 0, 2, 2]);
}

#[test]
fn topk_takes_either_end() {
    let chunk = Chunk::from_slice(&[5, 1, 4, 2, 3], &[5]).unwrap();
    assert_eq!(&*topk(&chunk, 2, 0).unwrap().elements::<i32>().unwrap(), [5, 4]);
    assert_eq!(&*topk(&chunk, -2, 0).unwrap().elements::<i32>().unwrap(), [1, 2]);
    assert_eq!(topk(&chunk, 9, 0).unwrap().shape(), [5]);
    assert_eq!(&*argtopk(&chunk, 2, 0).unwrap().elements::<i64>().unwrap(), [0, 2]);
    assert_eq!(&*argtopk(&chunk, -2, 0).unwrap().elements::<i64>().unwrap(), [1, 3]);
}

#[test]
fn unique_has_first_places_and_counts() {
    let chunk = Chunk::from_slice(&[2.0, f64::NAN, 1.0, 2.0, f64::NAN], &[5]).unwrap();
    let found = unique::unique(&chunk).unwrap();
    assert_eq!(floats(&found.values)[..2], [1.0, 2.0]);
    assert_eq!(&*found.index.elements::<i64>().unwrap(), [2, 0, 1]);
    assert_eq!(&*found.counts.elements::<i64>().unwrap(), [1, 2, 2]);
    assert_eq!(unique::values(&chunk).unwrap().len(), 3);
}

proptest! {
    #[test]
    fn cut_blocks_merge_to_blocks_of_the_sorted_whole(
        blocks in prop::collection::vec(prop::collection::vec(-20i64..20, 0..40), 1..6),
        stride in 1usize..9,
        at in prop::collection::vec(0.0f64..1.0, 1..4),
    ) {
        let mut whole: Vec<i64> = blocks.concat();
        whole.sort_unstable();
        let sorted: Vec<Chunk> = blocks
            .iter()
            .map(|block| sort(Chunk::from_slice(block, &[block.len()]).unwrap(), 0).unwrap())
            .collect();
        let ranks: Vec<usize> = at.iter().map(|at| (at * whole.len() as f64) as usize).collect();
        let samples: Vec<Chunk> =
            sorted.iter().map(|block| splitting::sample(block, stride).unwrap()).collect();
        let lengths: Vec<usize> = blocks.iter().map(Vec::len).collect();
        let strides = vec![stride; blocks.len()];
        let (bounds, there) = splitting::brackets(&samples, &lengths, &strides, &ranks).unwrap();
        let found: Vec<_> = sorted
            .iter()
            .map(|block| splitting::candidates(block, &bounds, &there).unwrap())
            .collect();
        for (i, &rank) in ranks.iter().enumerate() {
            let places: Vec<_> = found.iter().map(|places| places[i]).collect();
            let inside: Vec<Chunk> = found
                .iter()
                .zip(&sorted)
                .map(|(places, block)| {
                    let [_, from, to, _] = places[i];
                    block.sliced(0, from, 1, to - from)
                })
                .collect();
            let cuts = splitting::cuts(rank, &places, &inside).unwrap();
            let mut before: Vec<i64> = Vec::new();
            for (block, &cut) in sorted.iter().zip(&cuts) {
                before.extend(&block.elements::<i64>().unwrap()[..cut]);
            }
            before.sort_unstable();
            prop_assert_eq!(&before[..], &whole[..rank]);
        }
    }
}

/// The sort of blocks by buckets, range by range, as it runs over tasks.
fn by_buckets(blocks: &[Chunk], n_buckets: usize, ranges: &[usize]) -> Vec<Chunk> {
    let samples: Vec<Chunk> = blocks.iter().map(|b| buckets::sample(b, 3).unwrap()).collect();
    let cuts = buckets::splitters(&samples, n_buckets).unwrap();
    let splits = blocks.iter().map(|block| {
        let (whole, ends) = buckets::split(block, &cuts).unwrap();
        buckets::Split { whole, ends }
    });
    let splits: Vec<_> = splits.collect();
    let ends: Vec<Chunk> = splits.iter().map(|split| split.ends.clone()).collect();
    let starts = buckets::starts(&ends, &cuts).unwrap();
    let range = |at: &[usize]| buckets::sorted(&splits, &starts, at[0]..at[1]).unwrap();
    ranges.windows(2).map(range).collect()
}

fn check_buckets<T: crate::dtype::Element>(x: &[T], dtype: DType, blocks: usize, n_buckets: usize) {
    let whole = Chunk::from_slice(x, &[x.len()]).unwrap().reinterpreted(dtype);
    let bounds: Vec<usize> = (0..=blocks).map(|i| i * x.len() / blocks).collect();
    let parts: Vec<Chunk> =
        bounds.windows(2).map(|at| whole.sliced(0, at[0], 1, at[1] - at[0])).collect();
    let found = lanes::joined(&by_buckets(&parts, n_buckets, &bounds)).unwrap();
    let expected = sort(whole, 0).unwrap();
    assert_eq!(found.bytes(), expected.bytes());
}

proptest! {
    #[test]
    fn buckets_sort_any_blocks(
        x in prop::collection::vec(0..12i64, 1..300), blocks in 1usize..7, n_buckets in 1usize..40,
    ) {
        let time = DType::Datetime(TimeUnit { base: TimeBase::Second, count: 1 });
        let nat = |&x: &i64| if x > 9 { i64::MIN } else { x - 5 };
        let nan = |&x: &i64| if x > 9 { f64::NAN } else { x as f64 / 4.0 - 1.0 };
        check_buckets(&x.iter().map(nan).collect::<Vec<_>>(), DType::F64, blocks, n_buckets);
        let single = |x: &i64| nan(x) as f32;
        check_buckets(&x.iter().map(single).collect::<Vec<_>>(), DType::F32, blocks, n_buckets);
        check_buckets(&x.iter().map(nat).collect::<Vec<_>>(), time, blocks, n_buckets);
        let wide = |&x: &i64| (x as u64) << 60;
        check_buckets(&x.iter().map(wide).collect::<Vec<_>>(), DType::U64, blocks, n_buckets);
        check_buckets(&x.iter().map(|&x| x as u8).collect::<Vec<_>>(), DType::U8, blocks, n_buckets);
        check_buckets(&x, DType::I64, blocks, n_buckets);
    }
}
