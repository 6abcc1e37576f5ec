//! Tests of this module against plain loops and known answers.

use super::factor::*;
use super::solve::*;
use super::*;
use crate::kernel::matmul::matmul;

fn matrix(rows: usize, columns: usize) -> Chunk {
    let mut state = 1u64;
    let values: Vec<f64> = (0..rows * columns)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f64 / (1 << 23) as f64 - 1.0
        })
        .collect();
    Chunk::from_slice(&values, &[rows, columns]).unwrap()
}

fn assert_close(a: &Chunk, b: &Chunk) {
    assert_eq!(a.shape(), b.shape());
    let (a, b) = (a.elements::<f64>().unwrap(), b.elements::<f64>().unwrap());
    for (x, y) in a.iter().zip(b.iter()) {
        assert!((x - y).abs() < 1e-9, "{x} is not {y}");
    }
}

#[test]
fn qr_multiplies_back_in_every_shape() {
    for (m, n) in [(7, 3), (3, 7), (5, 5), (0, 3), (3, 0)] {
        let a = matrix(m, n);
        let (q, r) = qr(&a).unwrap();
        assert_eq!((q.shape(), r.shape()), (&[m, m.min(n)][..], &[m.min(n), n][..]));
        assert_close(&matmul(&q, &r).unwrap(), &a);
        let r = r.elements::<f64>().unwrap();
        assert!((0..m.min(n)).all(|i| (0..i.min(n)).all(|j| r[i * n + j] == 0.0)));
    }
}

#[test]
fn svd_multiplies_back_and_falls() {
    for (m, n) in [(7, 3), (3, 7)] {
        let a = matrix(m, n);
        let (u, s, vt) = svd(&a).unwrap();
        let values = s.elements::<f64>().unwrap().to_vec();
        assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
        let mut diagonal = vec![0.0; 9];
        (0..3).for_each(|i| diagonal[i * 4] = values[i]);
        let diagonal = Chunk::from_slice(&diagonal, &[3, 3]).unwrap();
        assert_close(&matmul(&matmul(&u, &diagonal).unwrap(), &vt).unwrap(), &a);
        assert_close(&singular_values(&a).unwrap(), &s);
    }
}

#[test]
fn lu_multiplies_back_with_its_permutation() {
    for (m, n) in [(5, 5), (6, 4), (4, 6)] {
        let a = matrix(m, n);
        let lu = lu(&a).unwrap();
        let product = matmul(&lu.l, &lu.u).unwrap();
        assert_close(&matmul(&permutation(&lu).unwrap(), &product).unwrap(), &a);
    }
}

#[test]
fn cholesky_of_a_gram_matrix_and_refusal_of_others() {
    let a = matrix(6, 4);
    let gram = matmul(&a.permuted(&[1, 0]), &a).unwrap();
    let l = cholesky(&gram).unwrap();
    assert_close(&matmul(&l, &l.permuted(&[1, 0])).unwrap(), &gram);
    let negative = Chunk::from_slice(&[-1.0], &[1, 1]).unwrap();
    assert!(matches!(cholesky(&negative), Err(ArrayError::LinAlg(_))));
    assert!(matches!(cholesky(&a), Err(ArrayError::LinAlg(_))));
}

#[test]
fn equations_are_solved() {
    let (a, b) = (matrix(5, 5), matrix(5, 2));
    assert_close(&matmul(&a, &solve(&a, &b).unwrap()).unwrap(), &b);
    let v = b.at(1, 0);
    assert_close(&matmul(&a, &solve(&a, &v).unwrap()).unwrap(), &v);
    let one = Chunk::from_slice(&[1.0, 0.0, 0.0, 1.0], &[2, 2]).unwrap();
    assert_close(&matmul(&matrix(2, 2), &inverse(&matrix(2, 2)).unwrap()).unwrap(), &one);
    let singular = Chunk::from_slice(&[1.0, 2.0, 2.0, 4.0], &[2, 2]).unwrap();
    assert!(matches!(inverse(&singular), Err(ArrayError::LinAlg(_))));
    let lower = factor::lu(&a).unwrap().l;
    let half = Triangle { lower: true, unit: false };
    assert_close(&matmul(&lower, &solve_triangular(&lower, &b, half).unwrap()).unwrap(), &b);
    assert_close(
        &solve_triangular(&a, &b, Triangle { lower: true, unit: true }).unwrap(),
        &solve_triangular(&unit_lower(&a), &b, half).unwrap(),
    );
}

fn unit_lower(a: &Chunk) -> Chunk {
    let (n, x) = (a.shape()[0], a.elements::<f64>().unwrap());
    let at = |i: usize, j: usize| if i > j { x[i * n + j] } else { f64::from(u8::from(i == j)) };
    let values: Vec<f64> = (0..n * n).map(|k| at(k / n, k % n)).collect();
    Chunk::from_slice(&values, &[n, n]).unwrap()
}

#[test]
fn determinants_keep_their_sign() {
    let swapped = Chunk::from_slice(&[0.0, 2.0, 3.0, 0.0], &[2, 2]).unwrap();
    assert_eq!(det(&swapped).unwrap().elements::<f64>().unwrap()[0], -6.0);
    let (sign, log) = slogdet(&swapped).unwrap();
    assert_eq!(sign.elements::<f64>().unwrap()[0], -1.0);
    assert!((log.elements::<f64>().unwrap()[0] - 6f64.ln()).abs() < 1e-12);
    let integers = Chunk::from_slice(&[1i32, 2, 3, 4], &[2, 2]).unwrap();
    assert!((det(&integers).unwrap().elements::<f64>().unwrap()[0] + 2.0).abs() < 1e-12);
    let zeros = Chunk::zeros(DType::F64, &[2, 2]).unwrap();
    assert_eq!(slogdet(&zeros).unwrap().1.elements::<f64>().unwrap()[0], f64::NEG_INFINITY);
}

#[test]
fn eigenvalues_of_symmetric_and_rotating_matrices() {
    let a = Chunk::from_slice(&[2.0, 9.0, 1.0, 2.0], &[2, 2]).unwrap();
    let (values, vectors) = eigen::eigh(&a, true).unwrap();
    assert_close(&values, &Chunk::from_slice(&[1.0, 3.0], &[2]).unwrap());
    assert_eq!(vectors.shape(), [2, 2]);
    let turn = Chunk::from_slice(&[0.0, -1.0, 1.0, 0.0], &[2, 2]).unwrap();
    let values = eigen::eigvals(&turn).unwrap();
    let mut parts: Vec<f64> =
        values.elements::<Complex<f64>>().unwrap().iter().map(|z| z.im).collect();
    parts.sort_by(f64::total_cmp);
    assert!((parts[0] + 1.0).abs() < 1e-12 && (parts[1] - 1.0).abs() < 1e-12);
}
