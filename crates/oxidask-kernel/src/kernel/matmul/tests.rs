//! Tests of this module against plain loops and known answers.

use super::*;

fn naive(a: &[f64], b: &[f64], m: usize, k: usize, n: usize) -> Vec<f64> {
    let mut out = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            out[i * n + j] = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
        }
    }
    out
}

fn ramp(n: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 7) % 13) as f64 - 5.0).collect()
}

#[test]
fn matrices_multiply_also_when_transposed() {
    let (a, b) = (ramp(6 * 4), ramp(4 * 5));
    let x = Chunk::from_slice(&a, &[6, 4]).unwrap();
    let y = Chunk::from_slice(&b, &[4, 5]).unwrap();
    let expected = naive(&a, &b, 6, 4, 5);
    assert_eq!(&*matmul(&x, &y).unwrap().elements::<f64>().unwrap(), &expected[..]);
    let turned = copy::contiguous_copy(&x.permuted(&[1, 0])).unwrap().permuted(&[1, 0]);
    assert_eq!(&*matmul(&turned, &y).unwrap().elements::<f64>().unwrap(), &expected[..]);
}

#[test]
fn integers_wrap_and_booleans_or() {
    let x = Chunk::from_slice(&[100i8, 100], &[1, 2]).unwrap();
    let y = Chunk::from_slice(&[2i8, 1], &[2, 1]).unwrap();
    assert_eq!(matmul(&x, &y).unwrap().elements::<i8>().unwrap()[0], 44);
    let x = Chunk::from_slice(&[Bool(1), Bool(1)], &[1, 2]).unwrap();
    let y = Chunk::from_slice(&[Bool(1), Bool(1)], &[2, 1]).unwrap();
    assert_eq!(matmul(&x, &y).unwrap().elements::<Bool>().unwrap()[0], Bool(1));
}

#[test]
fn stacks_broadcast_and_vectors_lose_their_axis() {
    let x = Chunk::from_slice(&ramp(3 * 2 * 4), &[3, 2, 4]).unwrap();
    let y = Chunk::from_slice(&ramp(4), &[4]).unwrap();
    let out = matmul(&x, &y).unwrap();
    assert_eq!(out.shape(), [3, 2]);
    assert_eq!(&*out.elements::<f64>().unwrap(), &naive(&ramp(24), &ramp(4), 6, 4, 1)[..]);
    let z = Chunk::from_slice(&ramp(4 * 2), &[1, 4, 2]).unwrap();
    assert_eq!(matmul(&x, &z).unwrap().shape(), [3, 2, 2]);
}

#[test]
fn pairs_are_summed_and_the_result_is_ordered_by_labels() {
    let a = Chunk::from_slice(&ramp(2 * 3), &[2, 3]).unwrap();
    let b = Chunk::from_slice(&ramp(3 * 4), &[3, 4]).unwrap();
    let flipped = Contraction::new(&[0, 1], &[1, 2], &[2, 0]).unwrap();
    let out = flipped.run(&[(a.clone(), b.clone()), (a, b)]).unwrap();
    assert_eq!(out.shape(), [4, 2]);
    let expected = naive(&ramp(6), &ramp(12), 2, 3, 4);
    let out = out.permuted(&[1, 0]);
    let twice: Vec<f64> = expected.iter().map(|x| 2.0 * x).collect();
    assert_eq!(&*out.elements::<f64>().unwrap(), &twice[..]);
}

#[test]
fn empty_inner_axes_sum_to_zero() {
    let a = Chunk::from_slice::<i32>(&[], &[2, 0]).unwrap();
    let b = Chunk::from_slice::<i32>(&[], &[0, 3]).unwrap();
    assert_eq!(&*matmul(&a, &b).unwrap().elements::<i32>().unwrap(), &[0; 6]);
    let a = Chunk::from_slice::<f64>(&[], &[2, 0]).unwrap();
    let b = Chunk::from_slice::<f64>(&[], &[0, 3]).unwrap();
    assert_eq!(&*matmul(&a, &b).unwrap().elements::<f64>().unwrap(), &[0.0; 6]);
}

#[test]
fn mismatches_and_halves() {
    let a = Chunk::from_slice(&ramp(6), &[2, 3]).unwrap();
    let b = Chunk::from_slice(&ramp(8), &[4, 2]).unwrap();
    assert!(matches!(matmul(&a, &b), Err(ArrayError::Value(_))));
    let h = Chunk::from_slice(&[f16::from_f32(1.5); 4], &[2, 2]).unwrap();
    assert_eq!(matmul(&h, &h).unwrap().elements::<f16>().unwrap()[0], f16::from_f32(4.5));
}
