//! Functions of real and complex numbers that the standard library has not, or not in a form that
//! vectorises.
//!
//! A [`Function`] computes without branches for ordinary arguments, so that the compiler turns a
//! loop of it into vector code; [`special`] and [`complex`] compute one number at a time.

pub(crate) mod angle;
pub(crate) mod complex;
pub(crate) mod division;
pub(crate) mod elementary;
pub(crate) mod inverse;
pub(crate) mod logarithm;
pub(crate) mod power;
pub(crate) mod special;

/// A function of one real number.
///
/// Single precision is computed in double and rounded at the end.
pub(crate) trait Function {
    /// Whether [`Self::fast`] holds for an argument.
    fn is_ordinary(x: f64) -> bool;
    /// The result for an ordinary argument, without branches, by fused multiply-add.
    fn fast(x: f64) -> f64;
    /// The result for any argument.
    fn exact(x: f64) -> f64;
    /// The same in single precision.
    fn exact_single(x: f32) -> f32;
}

/// A function of two real numbers.
pub(crate) trait PairFunction {
    /// The result, and whether it holds: it does for ordinary arguments. Without branches, by fused
    /// multiply-add.
    fn fast(x: f64, y: f64) -> (f64, bool);
    /// The same for arguments of single precision, to be rounded to it.
    #[inline(always)]
    fn fast_single(x: f64, y: f64) -> (f64, bool) {
        Self::fast(x, y)
    }
    /// The result for any arguments.
    fn exact(x: f64, y: f64) -> f64;
    /// The same in single precision.
    fn exact_single(x: f32, y: f32) -> f32;
}
