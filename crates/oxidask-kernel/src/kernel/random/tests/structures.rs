//! Integers, permutations and rows.

use super::counts::pearson;
use super::*;
use crate::dtype::{Bool, DType};

fn integers<T: Integer + Default>(low: i128, high: i128, dtype: DType, n: usize) -> Vec<T> {
    let range = IntegerRange::new(low, high, false, dtype).unwrap();
    let mut out = vec![T::default(); n];
    fill_integers(|_| range, &KEY, 0, &mut out);
    out
}

#[test]
fn integers_are_all_as_likely() {
    for n in [2_i64, 7, 10, 100, 128] {
        let sample = integers::<i64>(0, n.into(), DType::I64, 1_000_000);
        let z = pearson(&sample, |_| 1.0 / n as f64);
        assert!(z.abs() < 5.0, "{n}: {z}");
    }
    let mut small: Vec<i64> = integers::<i8>(-128, 128, DType::I8, 1_000_000)
        .iter()
        .map(|&x| i64::from(x) + 128)
        .collect();
    assert!(pearson(&small, |_| 1.0 / 256.0).abs() < 5.0);
    // The most that is drawn again: a third of the words.
    let third = u64::MAX as i128 / 3 * 2;
    small =
        integers::<u64>(0, third, DType::U64, 1_000_000).iter().map(|x| (x >> 56) as i64).collect();
    assert!(*small.iter().max().unwrap() == 170);
    let parts = 512.0 / 3.0;
    let z = pearson(&small, |k| if k == 170 { 2.0 / 3.0 / parts } else { 1.0 / parts });
    assert!(z.abs() < 5.0, "{z}");
    let all = integers::<u64>(0, u64::MAX as i128 + 1, DType::U64, 1000);
    assert!(all.iter().any(|x| *x > u64::MAX / 2) && all.iter().any(|x| *x < u64::MAX / 2));
    let flags = integers::<Bool>(0, 2, DType::Bool, 1000);
    assert!(flags.iter().filter(|flag| flag.0 == 1).count().abs_diff(500) < 80);
    assert!(integers::<i16>(-3, -2, DType::I16, 50).iter().all(|&x| x == -3));
}

#[test]
fn integers_don_t_depend_on_pieces() {
    // Half of the words are drawn again.
    let range = IntegerRange { low: 5, span: 1 << 63 };
    let mut whole = vec![0_u64; 2000];
    fill_integers(|_| range, &KEY, 0, &mut whole);
    for (start, len) in [(0, 1), (17, 900), (1999, 1), (3, 1500)] {
        let mut part = vec![0_u64; len];
        fill_integers(|_| range, &KEY, start as u64, &mut part);
        assert_eq!(part, whole[start..start + len]);
    }
}

#[test]
fn bad_ranges_are_named() {
    let refused = |low, high, endpoint, dtype| {
        IntegerRange::new(low, high, endpoint, dtype).unwrap_err().to_string()
    };
    assert!(refused(5, 5, false, DType::I64).starts_with("low >= high"));
    assert!(refused(6, 5, true, DType::I64).starts_with("low > high"));
    assert!(refused(-1, 5, false, DType::U8).starts_with("low is out of bounds for uint8"));
    assert!(refused(0, 257, false, DType::U8).starts_with("high is out of bounds for uint8"));
    assert!(IntegerRange::new(0, 256, false, DType::U8).is_ok());
    assert!(matches!(
        IntegerRange::new(0, 2, false, DType::F64),
        Err(crate::error::ArrayError::Type(_))
    ));
}

#[test]
fn permutations_take_every_number_once() {
    for n in [0_u64, 1, 2, 3, 10, 1 << 14, (1 << 14) + 1, 100_000] {
        let mut all = vec![0; n as usize];
        let permutation = Permutation::new(&KEY, n);
        permutation.fill(0, &mut all);
        if n > 100 {
            let fixed = all.iter().enumerate().filter(|&(i, &x)| i as i64 == x).count();
            assert!(fixed < 10, "{fixed} of {n} stay where they are");
            let rising = all.windows(2).filter(|pair| pair[0] < pair[1]).count() as f64;
            let half = n as f64 / 2.0;
            assert!((rising - half).abs() < 5.0 * (n as f64 / 12.0).sqrt(), "{rising} rise");
        }
        all.sort_unstable();
        assert!(all.iter().enumerate().all(|(i, &x)| i as i64 == x));
    }
}

#[test]
fn all_permutations_are_as_likely() {
    let sample: Vec<i64> = (0..100_000)
        .map(|i| {
            let permutation = Permutation::new(&KEY.derive(i), 4);
            (0..4).fold(0, |code, j| {
                let smaller = (j..4).filter(|&k| permutation.at(k) < permutation.at(j)).count();
                code * (4 - j as i64) + smaller as i64
            })
        })
        .collect();
    let z = pearson(&sample, |_| 1.0 / 24.0);
    assert!(z.abs() < 5.0, "{z}");
    // Where a number of a long one goes.
    let sample: Vec<i64> = (0..100_000)
        .map(|i| (Permutation::new(&KEY.derive(i), 50_000).at(49_999) / 500) as i64)
        .collect();
    let z = pearson(&sample, |_| 0.01);
    assert!(z.abs() < 5.0, "{z}");
}

#[test]
fn rows_have_their_moments() {
    const N: usize = 100_000;
    let pvals = vec![0.1, 0.2, 0.3, 0.4];
    let multinomial = RowDistribution::Multinomial { n: 20, pvals: pvals.clone() };
    multinomial.check().unwrap();
    let mut out = vec![0; 4 * N];
    multinomial.fill_i64(&KEY, 0, &mut out);
    assert!(out.chunks(4).all(|row| row.iter().sum::<i64>() == 20));
    for (k, p) in pvals.iter().enumerate() {
        let mean = out.iter().skip(k).step_by(4).sum::<i64>() as f64 / N as f64;
        assert!((mean - 20.0 * p).abs() < 5.0 * (20.0 * p * (1.0 - p) / N as f64).sqrt());
    }
    let mut part = vec![0; 8];
    multinomial.fill_i64(&KEY, 7, &mut part);
    assert_eq!(part, out[28..36]);

    let colors = vec![16, 8, 4];
    let taken = RowDistribution::MultivariateHypergeometric { colors: colors.clone(), nsample: 6 };
    taken.check().unwrap();
    let mut out = vec![0; 3 * N];
    taken.fill_i64(&KEY, 0, &mut out);
    assert!(out.chunks(3).all(|row| row.iter().sum::<i64>() == 6));
    for (k, &n) in colors.iter().enumerate() {
        let mean = out.iter().skip(k).step_by(3).sum::<i64>() as f64 / N as f64;
        let p = n as f64 / 28.0;
        assert!((mean - 6.0 * p).abs() < 5.0 * (6.0 * p * (1.0 - p) / N as f64).sqrt());
    }

    let alpha = vec![0.5, 1.0, 3.0, 0.0];
    let dirichlet = RowDistribution::Dirichlet { alpha: alpha.clone() };
    dirichlet.check().unwrap();
    let mut out = vec![0.0; 4 * N];
    dirichlet.fill_f64(&KEY, 0, &mut out);
    assert!(out.chunks(4).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    for (k, a) in alpha.iter().enumerate() {
        let mean = out.iter().skip(k).step_by(4).sum::<f64>() / N as f64;
        let p = a / 4.5;
        assert!((mean - p).abs() <= 5.0 * (p * (1.0 - p) / 5.5 / N as f64).sqrt());
    }
}

#[test]
fn bad_rows_are_named() {
    let refused = |rows: RowDistribution| rows.check().unwrap_err().to_string();
    let text = refused(RowDistribution::Multinomial { n: 2, pvals: vec![0.7, 0.7, 0.0] });
    assert!(text.starts_with("sum(pvals[:-1]) > 1.0"));
    let text = refused(RowDistribution::Multinomial { n: 2, pvals: vec![f64::NAN, 0.7] });
    assert!(text.starts_with("pvals < 0, pvals > 1 or pvals contains NaNs"));
    refused(RowDistribution::Dirichlet { alpha: vec![-1.0] });
    refused(RowDistribution::MultivariateHypergeometric { colors: vec![1, 2], nsample: 4 });
}
