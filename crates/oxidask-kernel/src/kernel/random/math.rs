//! Elementary functions without branches, of which the compiler makes vector code.
//!
//! Every step is a correctly rounded operation (`mul_add` included), so the results are the same
//! bits on every machine. The polynomials are Chebyshev fits made in 40 digits of precision.

/// `c[0] + c[1] x + ...` by Horner's rule.
#[inline(always)]
pub(super) fn polynomial<const N: usize>(x: f64, c: [f64; N]) -> f64 {
    let mut sum = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = sum.mul_add(x, c[i]);
    }
    sum
}

/// The bits of a float's mantissa.
pub(super) const MANTISSA: u64 = (1 << 52) - 1;
/// The bits of 1.
pub(super) const ONE: u64 = 0x3FF0_0000_0000_0000;
/// 2^52 as bits: a small integer put into its mantissa is that float less 2^52.
pub(super) const SHIFTED: u64 = 0x4330_0000_0000_0000;

/// ln 2 in two parts, the first with zeros at its end: its product with an exponent is exact.
const LN2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEFA_3800);
const LN2_LOW: f64 = 5.497923018708371e-14;

/// Natural logarithm of a normal positive number, to 1 ulp or so.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    // x = 2^k m with m in [sqrt(1/2), sqrt(2)).
    const ROOT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
    let moved = x.to_bits().wrapping_sub(ROOT_HALF).wrapping_add(1024 << 52);
    let k = f64::from_bits(SHIFTED | (moved >> 52)) - (4_503_599_627_370_496.0 + 1024.0);
    let m = f64::from_bits((moved & MANTISSA).wrapping_add(ROOT_HALF));
    // ln m = 2 artanh s with s = (m - 1) / (m + 1).
    let f = m - 1.0;
    let s = f / (m + 1.0);
    let z = s * s;
    let series = polynomial(
        z,
        [
            0.666666666666667,
            0.3999999999989322,
            0.28571428628810996,
            0.22222210674238516,
            0.18182922513515942,
            0.15330617306743305,
            0.1463003136412286,
        ],
    );
    // 2s = f - f s, which is exact where 2s is not.
    let small = s.mul_add(z.mul_add(series, -f), k * LN2_LOW);
    k.mul_add(LN2_HIGH, f) + small
}

/// Sine and cosine of `turns` full turns, |turns| <= 1/8.
#[inline(always)]
pub(super) fn sin_cos_turns(turns: f64) -> (f64, f64) {
    let z = turns * turns;
    let sin = polynomial(
        z,
        [
            std::f64::consts::TAU,
            -41.341702240399634,
            81.60524927594804,
            -76.70585970427454,
            42.058685020160894,
            -15.093804209987114,
            3.7808689593022957,
        ],
    );
    let cos = polynomial(
        z,
        [
            1.0,
            -19.739208802178716,
            64.93939402266795,
            -85.45681720652271,
            60.244641328867296,
            -26.426250908622137,
            7.903091687751697,
            -1.6968494702918826,
        ],
    );
    (turns * sin, cos)
}

/// `e^x`: 0 below the range and infinity above it.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let (k, less_one) = exp_parts(x);
    scaled(less_one + 1.0, k)
}

/// `e^x - 1`, exact for small x too.
#[inline(always)]
pub(super) fn exp_m1(x: f64) -> f64 {
    let (k, less_one) = exp_parts(x);
    let large = scaled(less_one + 1.0, k) - 1.0;
    if k == 0 { less_one } else { large }
}

/// `ln(1 + x)` for x > -1, exact for small x too.
#[inline(always)]
pub(super) fn ln_1p(x: f64) -> f64 {
    let y = 1.0 + x;
    // What `y` lost of x, to first order.
    let lost = x - (y - 1.0);
    if y == 1.0 { x } else { ln(y) + lost / y }
}

/// `x^y` of a normal positive x, to some ulps.
#[inline(always)]
pub(super) fn pow(x: f64, y: f64) -> f64 {
    exp(y * ln(x))
}

/// The logarithm of the factorial of an integer >= 0: a table, and Stirling's series beyond it.
#[inline(always)]
pub(super) fn ln_factorial(k: f64) -> f64 {
    if k < FACTORIALS.len() as f64 {
        return ln(FACTORIALS[k as usize]);
    }
    const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;
    let inverse = 1.0 / k;
    let series = polynomial(
        inverse * inverse,
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0],
    );
    (k + 0.5) * ln(k) - k + (HALF_LN_TAU + inverse * series)
}

const FACTORIALS: [f64; 16] = {
    let mut table = [1.0; 16];
    let mut k = 1;
    while k < 16 {
        table[k] = table[k - 1] * k as f64;
        k += 1;
    }
    table
};

/// `k` and `e^r - 1` with `x = k ln 2 + r` and r within half of ln 2.
#[inline(always)]
fn exp_parts(x: f64) -> (i64, f64) {
    let clamped = x.clamp(-746.0, 710.0);
    // The nearest integer comes to lie in the low bits of this number.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = clamped.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(-LN2_LOW, k.mul_add(-LN2_HIGH, clamped));
    let tail = polynomial(
        r,
        [
            0.5,
            0.1666666666666667,
            0.04166666666666667,
            0.008333333333326084,
            0.0013888888888883711,
            0.0001984126987500228,
            2.480158732567746e-05,
            2.755725517000089e-06,
            2.755727347871858e-07,
            2.5105312729622103e-08,
            2.09147553258932e-09,
        ],
    );
    (shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i64, (r * r).mul_add(tail, r))
}

/// `x 2^k` in two steps: 2^k alone may be out of range.
#[inline(always)]
fn scaled(x: f64, k: i64) -> f64 {
    // For k in the range that `exp_parts` gives: half of an even number above it, so unsigned.
    let half = ((k + 2048) as u64 >> 1).wrapping_sub(1024);
    x * power_of_two(half) * power_of_two((k as u64).wrapping_sub(half))
}

#[inline(always)]
fn power_of_two(k: u64) -> f64 {
    f64::from_bits(k.wrapping_add(1023) << 52)
}

/// A number in (0, 1) of a word: the middles of 2^52 equal parts.
#[inline(always)]
pub(super) fn open_unit(word: u64) -> f64 {
    f64::from_bits(ONE | (word >> 12)) - (1.0 - f64::EPSILON / 2.0)
}

/// A number in [0, 1) of a word: a multiple of 2^-53.
#[inline(always)]
pub(super) fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(a: f64, b: f64) -> f64 {
        if a == b { 0.0 } else { (a - b).abs() / (b.abs() * f64::EPSILON) }
    }

    #[test]
    fn near_the_system_s_functions() {
        for i in 0..200_000_u64 {
            // Arguments over the whole range, by a Weyl sequence.
            let t = unit(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let x = (t * 1400.0 - 700.0).exp();
            assert!(ulps(ln(x), x.ln()) <= 2.0, "ln {x}");
            assert!(ulps(ln(0.5 + t), (0.5 + t).ln()) <= 2.0, "ln {}", 0.5 + t);
            let y = t * 1400.0 - 700.0;
            assert!(ulps(exp(y), y.exp()) <= 2.0, "exp {y}");
            let y = t * 2.0 - 1.0;
            assert!(ulps(exp_m1(y), y.exp_m1()) <= 4.0, "exp_m1 {y}");
            let turns = (t - 0.5) / 4.0;
            let (sin, cos) = (turns * std::f64::consts::TAU).sin_cos();
            let ours = sin_cos_turns(turns);
            assert!(ulps(ours.0, sin) <= 3.0 && ulps(ours.1, cos) <= 3.0, "sin, cos {turns}");
        }
        let mut sum = 0.0;
        for k in 1..2000 {
            sum += f64::from(k).ln();
            assert!(ulps(ln_factorial(f64::from(k)), sum) <= 64.0 || k == 1, "ln {k}!");
        }
        assert_eq!((ln_factorial(0.0), ln_factorial(1.0)), (0.0, 0.0));
        assert!(ulps(ln_1p(-1e-9), (-1e-9_f64).ln_1p()) <= 2.0);
        assert!(ulps(ln_1p(0.3), 0.3_f64.ln_1p()) <= 2.0);
        assert!(ulps(pow(0.3, 2.7), 0.3_f64.powf(2.7)) <= 8.0);
        assert_eq!((exp(-1e9), exp(1e9), exp(0.0)), (0.0, f64::INFINITY, 1.0));
        assert!(exp(-745.0) > 0.0 && exp(f64::NAN).is_nan());
    }

    #[test]
    fn units_are_inside() {
        assert_eq!((unit(0), unit(u64::MAX)), (0.0, 1.0 - f64::EPSILON / 2.0));
        assert_eq!(open_unit(0), f64::EPSILON / 2.0);
        assert_eq!(1.0 - open_unit(u64::MAX), f64::EPSILON / 2.0);
        assert!(ln(open_unit(u64::MAX)) < 0.0);
    }
}
