//! Trigonometric functions. See `elementary` for the scheme.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, PI};

use super::elementary::{exactly, nearest, polynomial};
use super::{Function, PairFunction};

/// What pi/2 is beyond its double, in two more parts.
const FRAC_PI_2_LOW: f64 = 6.123_233_995_736_766e-17;
const FRAC_PI_2_LOWEST: f64 = -1.497_384_904_859_169_8e-33;
const PI_LOW: f64 = 1.224_646_799_147_353_2e-16;
const FRAC_PI_4_LOW: f64 = 3.061_616_997_868_383e-17;
/// Up to here three parts of pi/2 suffice.
const LARGEST: f64 = 1e9;

/// The sine and cosine of a positive angle less the nearest multiple of pi/2, each in two parts, and
/// which multiple that is, in the low bits.
#[inline(always)]
fn sin_cos(x: f64) -> ([f64; 2], [f64; 2], u64) {
    // (sin(r) - r) / r**3 and (cos(r) - 1 + r**2 / 2) / r**4, in r**2
    const S: [f64; 6] = [
        -0.166_666_666_666_666_66,
        0.008_333_333_333_330_936,
        -0.000_198_412_698_367_405_27,
        2.755_731_609_319_606_6e-6,
        -2.505_112_989_596_280_7e-8,
        1.591_798_894_431_871_6e-10,
    ];
    const C: [f64; 6] = [
        0.041_666_666_666_666_664,
        -0.001_388_888_888_888_738_9,
        2.480_158_729_875_44e-5,
        -2.755_731_726_587_661_5e-7,
        2.087_614_504_910_828e-9,
        -1.138_254_462_340_429_1e-11,
    ];
    let (k, bits) = nearest(x * FRAC_2_PI);
    // Exact: both are multiples of the same power of two, and near each other.
    let first = (-k).mul_add(FRAC_PI_2, x);
    let r = (-k).mul_add(FRAC_PI_2_LOW, first);
    let low = (-k).mul_add(FRAC_PI_2_LOWEST, (-k).mul_add(FRAC_PI_2_LOW, first - r));
    let z = r * r;
    let half = 0.5 * z;
    let most = 1.0 - half;
    let sine_tail = (r * z).mul_add(polynomial(z, &S), low * most);
    let sine = r + sine_tail;
    let cosine_tail = (z * z).mul_add(polynomial(z, &C), (-r).mul_add(low, (1.0 - most) - half));
    let cosine = most + cosine_tail;
    ([sine, (r - sine) + sine_tail], [cosine, (most - cosine) + cosine_tail], bits)
}

#[inline(always)]
fn flipped(x: f64, sign: u64) -> f64 {
    f64::from_bits(x.to_bits() ^ sign)
}

const SIGN: u64 = 1 << 63;

/// Sine.
pub(crate) struct Sin;

impl Function for Sin {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < LARGEST
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let ([sine, _], [cosine, _], quarter) = sin_cos(x.abs());
        let value = if quarter & 1 == 0 { sine } else { cosine };
        flipped(value, ((quarter << 62) ^ x.to_bits()) & SIGN)
    }

    exactly!(sin);
}

/// Cosine.
pub(crate) struct Cos;

impl Function for Cos {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < LARGEST
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let ([sine, _], [cosine, _], quarter) = sin_cos(x.abs());
        let value = if quarter & 1 == 0 { cosine } else { sine };
        flipped(value, (quarter.wrapping_add(1) << 62) & SIGN)
    }

    exactly!(cos);
}

/// Tangent.
pub(crate) struct Tan;

impl Function for Tan {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < LARGEST
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (sine, cosine, quarter) = sin_cos(x.abs());
        let even = quarter & 1 == 0;
        let over = if even { sine } else { cosine.map(|part| -part) };
        let under = if even { cosine } else { sine };
        let inverse = 1.0 / under[0];
        let quotient = over[0] * inverse;
        // What is left of the numerator, with both low parts.
        let left = (-quotient).mul_add(under[0], over[0]);
        let left = (-quotient).mul_add(under[1], left + over[1]);
        let tangent = left.mul_add(inverse, quotient);
        flipped(tangent, x.to_bits() & SIGN)
    }

    exactly!(tan);
}

/// The angle of a point in the first quadrant, as the one from the nearest of 0, pi/4 and pi/2.
#[inline(always)]
fn angle(up: f64, right: f64) -> f64 {
    const TAN_PI_8: f64 = 0.414_213_562_373_095_03;
    const TAN_3_PI_8: f64 = 2.414_213_562_373_095;
    // (atan(t) - t) / t**3, in t**2
    const P: [f64; 11] = [
        -0.333_333_333_333_333_3,
        0.199_999_999_999_954_38,
        -0.142_857_142_846_491_73,
        0.111_111_110_138_606_88,
        -0.090_909_045_214_716_9,
        0.076_921_818_760_368_45,
        -0.066_644_929_458_062_64,
        0.058_579_883_502_457_62,
        -0.050_846_103_576_317_65,
        0.039_207_433_212_611_96,
        -0.019_147_248_964_611_768,
    ];
    let (high, middle) = (up > TAN_3_PI_8 * right, up > TAN_PI_8 * right);
    let pick = |top: f64, center: f64, bottom: f64| {
        if high {
            top
        } else if middle {
            center
        } else {
            bottom
        }
    };
    let t = pick(-right, up - right, up) / pick(up, up + right, right);
    let base = pick(FRAC_PI_2, FRAC_PI_4, 0.0);
    let low = pick(FRAC_PI_2_LOW, FRAC_PI_4_LOW, 0.0);
    let z = t * t;
    base + ((t * z).mul_add(polynomial(z, &P), low) + t)
}

/// Inverse tangent.
pub(crate) struct Arctan;

impl Function for Arctan {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        !x.is_nan()
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        angle(x.abs(), 1.0).copysign(x)
    }

    exactly!(atan);
}

/// The angle of a point.
pub(crate) struct Arctan2;

impl PairFunction for Arctan2 {
    #[inline(always)]
    fn fast(y: f64, x: f64) -> (f64, bool) {
        let (up, right) = (y.abs(), x.abs());
        let angle = angle(up, right);
        let angle = if x < 0.0 { PI - (angle - PI_LOW) } else { angle };
        // Quotients of these are normal, or zero.
        let (least, most) = if up < right { (up, right) } else { (right, up) };
        let holds = (most > 1e-100) & (most < 1e150) & ((least > 1e-150) | (least == 0.0));
        (angle.copysign(y), holds & !(up + right).is_nan())
    }

    fn exact(y: f64, x: f64) -> f64 {
        y.atan2(x)
    }

    fn exact_single(y: f32, x: f32) -> f32 {
        y.atan2(x)
    }
}
