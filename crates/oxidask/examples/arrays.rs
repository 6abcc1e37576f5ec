//! Arrays from Rust: lazy, in chunks, computed in one pass over them.

use oxidask::Error;
use oxidask::array::{Array, Ufunc};

fn main() -> Result<(), Error> {
    // A thousand by a thousand numbers in chunks of 250 by 250.
    let numbers = (0..1_000_000).map(|n| f64::from(n % 1000) / 1000.0).collect();
    let x = Array::from_vec(numbers, &[1000, 1000], &[250, 250])?;

    // Nothing is computed yet. `sin² + cos²` becomes one pass over each chunk.
    let sine: Array<f64> = x.map(Ufunc::Sin)?;
    let cosine: Array<f64> = x.map(Ufunc::Cos)?;
    let ones = sine.map::<f64>(Ufunc::Square)? + cosine.map::<f64>(Ufunc::Square)?;
    let computed = ones.compute()?;
    assert!(computed.elements().iter().all(|one| (one - 1.0).abs() < 1e-12));

    // Shapes broadcast; types follow NumPy's rules.
    let row = Array::from_vec((0..1000).map(f64::from).collect(), &[1, 1000], &[1, 250])?;
    let is_large: Array<oxidask::array::Bool> = (&x * &row).zip(Ufunc::Greater, &row)?;
    assert_eq!(is_large.shape(), [1000, 1000]);
    assert!(is_large.compute()?.elements().iter().all(|flag| flag.0 == 0));

    // What doesn't fit is an error with both shapes.
    let wrong = Array::from_vec(vec![1.0; 3], &[3], &[3])?;
    assert!(x.zip::<f64, f64>(Ufunc::Add, &wrong).is_err());
    Ok(())
}
