//! Edge values of the loops. Comparisons with NumPy itself are in the Python tests.

use half::f16;
use num_complex::Complex;

use super::{Operand, Resolved, Ufunc, find, resolve};
use crate::dtype::{DType, Element, TimeBase, TimeUnit};
use crate::error::ArrayError;

const SECONDS: TimeUnit = TimeUnit { base: TimeBase::Second, count: 1 };

fn dtypes() -> Vec<DType> {
    use DType as D;
    vec![
        D::Bool,
        D::I8,
        D::I16,
        D::I32,
        D::I64,
        D::U8,
        D::U16,
        D::U32,
        D::U64,
        D::F16,
        D::F32,
        D::F64,
        D::C64,
        D::C128,
        D::Datetime(SECONDS),
        D::Timedelta(SECONDS),
    ]
}

fn resolved(ufunc: Ufunc, dtypes: &[DType]) -> Resolved {
    let operands: Vec<Operand> = dtypes.iter().map(|dtype| Operand::strong(*dtype)).collect();
    resolve(ufunc, &operands).unwrap()
}

/// Runs a loop whose operands have one type.
fn run<A: Element, O: Element>(ufunc: Ufunc, args: &[&[A]]) -> Result<Vec<O>, ArrayError> {
    let resolved = resolved(ufunc, &vec![A::DTYPE; args.len()]);
    assert_eq!(resolved.args[0].itemsize(), size_of::<A>());
    assert_eq!(resolved.outs[0].itemsize(), size_of::<O>());
    let found = find(ufunc, &resolved).unwrap();
    let n = args[0].len();
    let mut out = vec![O::default(); n];
    let args: Vec<*const u8> = args.iter().map(|arg| arg.as_ptr().cast()).collect();
    // SAFETY: all have `n` elements of the loop's types.
    unsafe { found.run(&args, &[out.as_mut_ptr().cast()], n)? };
    Ok(out)
}

#[test]
fn whatever_resolves_has_a_loop() {
    for &ufunc in Ufunc::ALL {
        for a in dtypes() {
            for b in dtypes() {
                let operands = [Operand::strong(a), Operand::strong(b), Operand::strong(b)];
                match resolve(ufunc, &operands[..ufunc.n_args()]) {
                    Ok(resolved) => {
                        assert!(find(ufunc, &resolved).is_some(), "{ufunc:?} {a} {b}");
                        assert_eq!(resolved.outs.len(), ufunc.n_outputs());
                    }
                    Err(error) => assert!(matches!(error, ArrayError::Type(_)), "{error}"),
                }
            }
        }
    }
}

#[test]
fn names_lead_back() {
    for &ufunc in Ufunc::ALL {
        assert_eq!(Ufunc::from_name(ufunc.name()), Some(ufunc));
    }
    assert_eq!(Ufunc::from_name("divide"), Some(Ufunc::TrueDivide));
    assert_eq!(Ufunc::from_name("no such"), None);
}

#[test]
fn an_output_may_be_an_argument() {
    let n = 300;
    for &ufunc in Ufunc::ALL {
        for dtype in dtypes() {
            let operands = vec![Operand::strong(dtype); ufunc.n_args()];
            let Ok(resolved) = resolve(ufunc, &operands) else { continue };
            let Some(found) = find(ufunc, &resolved) else { continue };
            // Small numbers of any type, as bytes.
            let args: Vec<Vec<u128>> = (0..ufunc.n_args())
                .map(|k| (0..n).map(|i| (i * (k + 3) % 2) as u128).collect())
                .collect();
            let pointers: Vec<*const u8> = args.iter().map(|arg| arg.as_ptr().cast()).collect();
            let mut apart = vec![vec![0_u128; n]; ufunc.n_outputs()];
            let outs: Vec<*mut u8> = apart.iter_mut().map(|out| out.as_mut_ptr().cast()).collect();
            // SAFETY: all memory is large enough for the widest elements.
            unsafe { found.run(&pointers, &outs, n).unwrap() };
            for at in 0..ufunc.n_args() {
                if resolved.args[at].itemsize() != resolved.outs[0].itemsize() {
                    continue;
                }
                let mut args = args.clone();
                let mut rest = vec![vec![0_u128; n]; ufunc.n_outputs()];
                let pointers: Vec<*mut u8> =
                    args.iter_mut().map(|arg| arg.as_mut_ptr().cast()).collect();
                let mut outs: Vec<*mut u8> =
                    rest.iter_mut().map(|out| out.as_mut_ptr().cast()).collect();
                outs[0] = pointers[at];
                let pointers: Vec<*const u8> = pointers.iter().map(|p| p.cast_const()).collect();
                // SAFETY: as above; an output is the whole of an argument.
                unsafe { found.run(&pointers, &outs, n).unwrap() };
                let bytes = n * resolved.outs[0].itemsize();
                let of = |memory: &Vec<u128>| {
                    // SAFETY: plain bytes, all of them written.
                    unsafe { std::slice::from_raw_parts(memory.as_ptr().cast::<u8>(), bytes) }
                        .to_vec()
                };
                assert_eq!(of(&args[at]), of(&apart[0]), "{ufunc:?} of {dtype} in place of {at}");
            }
        }
    }
}

#[test]
fn division_of_all_bytes() {
    let all: Vec<(i8, i8)> =
        (i8::MIN..=i8::MAX).flat_map(|a| (i8::MIN..=i8::MAX).map(move |b| (a, b))).collect();
    let a: Vec<i8> = all.iter().map(|pair| pair.0).collect();
    let b: Vec<i8> = all.iter().map(|pair| pair.1).collect();
    let quotients = run::<i8, i8>(Ufunc::FloorDivide, &[&a, &b]).unwrap();
    let remainders = run::<i8, i8>(Ufunc::Remainder, &[&a, &b]).unwrap();
    let fmods = run::<i8, i8>(Ufunc::Fmod, &[&a, &b]).unwrap();
    for (i, &(a, b)) in all.iter().enumerate() {
        if b == 0 {
            assert_eq!((quotients[i], remainders[i], fmods[i]), (0, 0, 0));
            continue;
        }
        let floor = (f64::from(a) / f64::from(b)).floor() as i64 as i8;
        assert_eq!(quotients[i], floor, "{a} // {b}");
        assert_eq!(remainders[i], a.wrapping_sub(floor.wrapping_mul(b)), "{a} % {b}");
        assert_eq!(fmods[i], a.wrapping_rem(b));
    }
}

#[test]
fn integers_wrap_and_booleans_are_logic() {
    use crate::dtype::Bool;
    assert_eq!(run::<u8, u8>(Ufunc::Add, &[&[250], &[10]]).unwrap(), [4]);
    assert_eq!(run::<i8, i8>(Ufunc::Absolute, &[&[-128]]).unwrap(), [-128]);
    assert_eq!(
        run::<i32, i32>(Ufunc::Power, &[&[3, -2, 2, 0], &[4, 3, 31, 0]]).unwrap(),
        [81, -8, i32::MIN, 1]
    );
    // One exponent for all: more than a block of them.
    let bases: Vec<i64> = (-300..300).collect();
    let cubes = run::<i64, i64>(Ufunc::Power, &[&bases, &vec![3; bases.len()]]).unwrap();
    assert!(bases.iter().zip(&cubes).all(|(base, cube)| base.pow(3) == *cube));
    let ones = run::<i64, i64>(Ufunc::Power, &[&bases, &vec![0; bases.len()]]).unwrap();
    assert!(ones.iter().all(|one| *one == 1));
    let (t, f) = (Bool(1), Bool(0));
    assert_eq!(run::<Bool, Bool>(Ufunc::Add, &[&[t, t, f], &[t, f, f]]).unwrap(), [t, t, f]);
    assert_eq!(run::<Bool, Bool>(Ufunc::Multiply, &[&[t, t], &[t, f]]).unwrap(), [t, f]);
    assert_eq!(run::<u8, u8>(Ufunc::LeftShift, &[&[1, 1], &[7, 8]]).unwrap(), [128, 0]);
    assert_eq!(
        run::<i8, i8>(Ufunc::RightShift, &[&[-2, -2, 4], &[1, 100, -1]]).unwrap(),
        [-1, -1, 0]
    );
}

#[test]
fn negative_integer_powers_are_refused() {
    let error = run::<i64, i64>(Ufunc::Power, &[&[1, 2], &[1, -1]]).unwrap_err();
    assert!(matches!(error, ArrayError::Value(text) if text.contains("negative integer powers")));
}

#[test]
fn nans_win_or_lose() {
    let (a, b) = ([1.0, f64::NAN, f64::NAN, 3.0], [f64::NAN, 2.0, f64::NAN, 4.0]);
    let of = |ufunc| run::<f64, f64>(ufunc, &[&a, &b]).unwrap();
    for ufunc in [Ufunc::Maximum, Ufunc::Minimum] {
        let result = of(ufunc);
        assert!(result[..3].iter().all(|x| x.is_nan()) && !result[3].is_nan());
    }
    let fmax = of(Ufunc::Fmax);
    assert_eq!((fmax[0], fmax[1], fmax[3]), (1.0, 2.0, 4.0));
    assert!(fmax[2].is_nan());
}

#[test]
fn not_a_time_stays() {
    let resolved = resolved(Ufunc::Add, &[DType::Datetime(SECONDS), DType::Timedelta(SECONDS)]);
    assert_eq!(resolved.outs[0], DType::Datetime(SECONDS));
    let found = find(Ufunc::Add, &resolved).unwrap();
    let (a, b, mut out) = ([i64::MIN, 5, 7], [1_i64, i64::MIN, -2], [0_i64; 3]);
    // SAFETY: all have three elements of eight bytes.
    unsafe {
        let args = [a.as_ptr().cast(), b.as_ptr().cast()];
        found.run(&args, &[out.as_mut_ptr().cast()], 3).unwrap();
    }
    assert_eq!(out, [i64::MIN, i64::MIN, 5]);
}

/// Units in the last place between two numbers.
fn apart(a: f64, b: f64) -> u64 {
    if a == b || a.is_nan() && b.is_nan() {
        return 0;
    }
    let order = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    order(a).abs_diff(order(b))
}

/// A function of the standard library.
type Exact = fn(f64) -> f64;
type ExactPair = fn(f64, f64) -> f64;

#[test]
fn elementary_functions_are_near_the_library() {
    let functions: [(Ufunc, Exact); 16] = [
        (Ufunc::Exp, f64::exp),
        (Ufunc::Exp2, f64::exp2),
        (Ufunc::Expm1, f64::exp_m1),
        (Ufunc::Log, f64::ln),
        (Ufunc::Log2, f64::log2),
        (Ufunc::Log10, f64::log10),
        (Ufunc::Log1p, f64::ln_1p),
        (Ufunc::Sin, f64::sin),
        (Ufunc::Cos, f64::cos),
        (Ufunc::Tan, f64::tan),
        (Ufunc::Arctan, f64::atan),
        (Ufunc::Sinh, f64::sinh),
        (Ufunc::Cosh, f64::cosh),
        (Ufunc::Tanh, f64::tanh),
        (Ufunc::Arcsin, f64::asin),
        (Ufunc::Arccos, f64::acos),
    ];
    // Every size, and what lies beside each edge.
    let mut x: Vec<f64> = (-320..=308)
        .flat_map(|e| [1.0, 1.7, 3.3, 7.9].map(|m| m * 10_f64.powi(e)))
        .chain((0..2000).map(|i| f64::from(i) * 0.397))
        .chain([0.0, f64::INFINITY, f64::NAN, f64::MAX, f64::MIN_POSITIVE, 5e-324, 708.0, 1e9])
        .collect();
    x.extend(x.clone().iter().map(|x| -x));
    for (ufunc, exact) in functions {
        let result = run::<f64, f64>(ufunc, &[&x]).unwrap();
        for (&x, &got) in x.iter().zip(&result) {
            let want = exact(x);
            assert!(apart(got, want) <= 4, "{ufunc:?}({x:e}) is {got:e}, not {want:e}");
            if want == 0.0 {
                assert_eq!(got.is_sign_negative(), want.is_sign_negative(), "{ufunc:?}({x:e})");
            }
        }
    }
}

#[test]
fn pairs_are_near_the_library() {
    let edges = [0.0, 1.0, 0.5, 2.0, 3.0, 1e-300, 1e300, 5e-324, f64::INFINITY, f64::NAN, 7.25];
    let values: Vec<f64> = edges
        .iter()
        .copied()
        .chain((1..40).map(|i| f64::from(i) * 0.613))
        .flat_map(|x| [x, -x])
        .collect();
    let pairs: Vec<(f64, f64)> =
        values.iter().flat_map(|&a| values.iter().map(move |&b| (a, b))).collect();
    let a: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
    let b: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let functions: [(Ufunc, ExactPair); 4] = [
        (Ufunc::Power, f64::powf),
        (Ufunc::Arctan2, f64::atan2),
        (Ufunc::Hypot, f64::hypot),
        (Ufunc::Fmod, |a, b| a % b),
    ];
    for (ufunc, exact) in functions {
        let result = run::<f64, f64>(ufunc, &[&a, &b]).unwrap();
        for (&(a, b), &got) in pairs.iter().zip(&result) {
            let want = exact(a, b);
            assert!(apart(got, want) <= 4, "{ufunc:?}({a:e}, {b:e}) is {got:e}, not {want:e}");
        }
    }
}

#[test]
fn the_same_exponent_for_all_is_cheap_and_right() {
    let x: Vec<f64> = [-0.0, f64::NEG_INFINITY, -2.5, 3.0].repeat(10);
    for exponent in [2.0, 0.5, 3.0, 4.0, -1.0, 1.0, 0.0] {
        let result = run::<f64, f64>(Ufunc::Power, &[&x, &vec![exponent; x.len()]]).unwrap();
        for (&x, &got) in x.iter().zip(&result) {
            assert!(apart(got, x.powf(exponent)) <= 1, "{x}**{exponent} is {got}");
            assert_eq!(
                got == 0.0 && got.is_sign_negative(),
                x.powf(exponent) == 0.0 && x.powf(exponent).is_sign_negative()
            );
        }
    }
}

#[test]
fn complex_quotients_do_not_overflow() {
    type C = Complex<f64>;
    let (a, b) = ([C::new(1e300, 1e300)], [C::new(1e300, 1e300)]);
    assert_eq!(run::<C, C>(Ufunc::TrueDivide, &[&a, &b]).unwrap(), [C::new(1.0, 0.0)]);
    assert_eq!(run::<C, f64>(Ufunc::Absolute, &[&a]).unwrap(), [1e300_f64.hypot(1e300)]);
}

#[test]
fn neighbours_and_exponents() {
    assert_eq!(
        run::<f64, f64>(Ufunc::Nextafter, &[&[0.0, 1.0], &[1.0, 0.0]]).unwrap(),
        [5e-324, 1.0 - f64::EPSILON / 2.0]
    );
    assert_eq!(
        run::<f32, f32>(Ufunc::Spacing, &[&[1.0, -1.0]]).unwrap(),
        [f32::EPSILON, -f32::EPSILON]
    );
    assert_eq!(
        run::<f16, f16>(Ufunc::Sqrt, &[&[f16::from_f32(9.0)]]).unwrap(),
        [f16::from_f32(3.0)]
    );
}
