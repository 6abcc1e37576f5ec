//! Elementary functions of complex numbers, with the special values of C's Annex G.
//!
//! The C library has all of them, exact to the sign of zero; only where it has no complex numbers
//! as C lays them out (Windows) do the plain formulas serve.

use num_complex::Complex;

/// The elementary functions.
pub(crate) trait ComplexMath: Copy {
    fn c_exp(self) -> Self;
    fn c_log(self) -> Self;
    fn c_sqrt(self) -> Self;
    fn c_sin(self) -> Self;
    fn c_cos(self) -> Self;
    fn c_tan(self) -> Self;
    fn c_asin(self) -> Self;
    fn c_acos(self) -> Self;
    fn c_atan(self) -> Self;
    fn c_sinh(self) -> Self;
    fn c_cosh(self) -> Self;
    fn c_tanh(self) -> Self;
    fn c_asinh(self) -> Self;
    fn c_acosh(self) -> Self;
    fn c_atanh(self) -> Self;
    fn c_pow(self, exponent: Self) -> Self;
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "calls into the C library's mathematics")]
mod c {
    use super::{Complex, ComplexMath};

    macro_rules! functions {
        ($t:ty: $($method:ident $name:ident)*; $pow:ident) => {
            unsafe extern "C" {
                $(fn $name(z: Complex<$t>) -> Complex<$t>;)*
                fn $pow(z: Complex<$t>, exponent: Complex<$t>) -> Complex<$t>;
            }

            impl ComplexMath for Complex<$t> {
                $(fn $method(self) -> Self {
                    // SAFETY: a pure function; two floats by value are laid out as C's complex.
                    unsafe { $name(self) }
                })*

                fn c_pow(self, exponent: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { $pow(self, exponent) }
                }
            }
        };
    }

    functions!(f64: c_exp cexp c_log clog c_sqrt csqrt c_sin csin c_cos ccos c_tan ctan
        c_asin casin c_acos cacos c_atan catan c_sinh csinh c_cosh ccosh c_tanh ctanh
        c_asinh casinh c_acosh cacosh c_atanh catanh; cpow);
    functions!(f32: c_exp cexpf c_log clogf c_sqrt csqrtf c_sin csinf c_cos ccosf c_tan ctanf
        c_asin casinf c_acos cacosf c_atan catanf c_sinh csinhf c_cosh ccoshf c_tanh ctanhf
        c_asinh casinhf c_acosh cacoshf c_atanh catanhf; cpowf);
}

#[cfg(not(unix))]
mod plain {
    use super::{Complex, ComplexMath};

    macro_rules! functions {
        ($t:ty: $($method:ident $name:ident)*) => {
            impl ComplexMath for Complex<$t> {
                $(fn $method(self) -> Self { self.$name() })*

                fn c_pow(self, exponent: Self) -> Self { self.powc(exponent) }
            }
        };
    }

    functions!(f64: c_exp exp c_log ln c_sqrt sqrt c_sin sin c_cos cos c_tan tan c_asin asin
        c_acos acos c_atan atan c_sinh sinh c_cosh cosh c_tanh tanh c_asinh asinh c_acosh acosh
        c_atanh atanh);
    functions!(f32: c_exp exp c_log ln c_sqrt sqrt c_sin sin c_cos cos c_tan tan c_asin asin
        c_acos acos c_atan atan c_sinh sinh c_cosh cosh c_tanh tanh c_asinh asinh c_acosh acosh
        c_atanh atanh);
}
