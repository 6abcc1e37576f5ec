//! The folds: how one element joins an accumulated value, and how two of those join.
//!
//! Every fold is associative up to rounding, so that loops may run it in lanes and blocks may be
//! folded in any grouping.

use std::marker::PhantomData;

use half::f16;
use num_complex::{Complex32, Complex64};

use crate::dtype::{Bool, DType, Element};

/// A fold of elements.
pub(super) trait Fold: 'static {
    /// The elements.
    type In: Copy + 'static;
    /// What accumulates.
    type Acc: Element;
    /// Whether sums of tiles are compensated for their rounding.
    const COMPENSATED: bool = false;

    /// What joins without effect.
    fn identity() -> Self::Acc;
    /// An element as an accumulated value.
    fn lift(x: Self::In) -> Self::Acc;
    /// Two accumulated values as one.
    fn join(a: Self::Acc, b: Self::Acc) -> Self::Acc;

    /// `a + b`, and what it lost by rounding; only of compensated folds.
    fn join_exactly(a: Self::Acc, b: Self::Acc) -> (Self::Acc, Self::Acc) {
        (Self::join(a, b), Self::identity())
    }
}

/// Numbers that sums and products accumulate in.
pub(super) trait Number: Element {
    const ZERO: Self;
    const ONE: Self;
    const IS_FLOAT: bool;
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// The rounding error of `self + other`, none if the sum is not finite.
    fn lost(self, other: Self, sum: Self) -> Self;
}

/// Elements that sums and products take.
pub(super) trait Wide: Copy + 'static {
    type Acc: Number;
    fn wide(self) -> Self::Acc;
    fn is_nan(self) -> bool;
}

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl Number for $ty {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const IS_FLOAT: bool = false;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn lost(self, _: Self, _: Self) -> Self {
                0
            }
        }
        impl Wide for $ty {
            type Acc = Self;
            #[inline(always)]
            fn wide(self) -> Self {
                self
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                false
            }
        }
    )*};
}
integers!(i64 u64);

impl Number for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const IS_FLOAT: bool = true;
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }
    #[inline(always)]
    fn lost(self, other: Self, sum: Self) -> Self {
        // Knuth's exact sum of two numbers.
        let shown = sum - self;
        let lost = (self - (sum - shown)) + (other - shown);
        if lost.is_finite() { lost } else { 0.0 }
    }
}

impl Number for Complex64 {
    const ZERO: Self = Self::new(0.0, 0.0);
    const ONE: Self = Self::new(1.0, 0.0);
    const IS_FLOAT: bool = true;
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }
    #[inline(always)]
    fn lost(self, other: Self, sum: Self) -> Self {
        Self::new(self.re.lost(other.re, sum.re), self.im.lost(other.im, sum.im))
    }
}

macro_rules! wide {
    ($($ty:ty => $acc:ty, $x:ident => $wide:expr, $nan:expr;)*) => {$(
        impl Wide for $ty {
            type Acc = $acc;
            #[inline(always)]
            fn wide(self) -> $acc {
                let $x = self;
                $wide
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                let $x = self;
                $nan
            }
        }
    )*};
}
wide! {
    f32 => f64, x => f64::from(x), x.is_nan();
    f64 => f64, x => x, x.is_nan();
    Complex32 => Complex64, x => Complex64::new(x.re.into(), x.im.into()), x.re.is_nan() || x.im.is_nan();
    Time => Time, x => x, x == Time::NAT;
    Complex64 => Complex64, x => x, x.re.is_nan() || x.im.is_nan();
}

/// Sums; with `SKIP`, NaN counts as nothing.
pub(super) struct Sum<T, const SKIP: bool>(PhantomData<T>);

impl<T: Wide, const SKIP: bool> Fold for Sum<T, SKIP> {
    type In = T;
    type Acc = T::Acc;
    const COMPENSATED: bool = T::Acc::IS_FLOAT;
    #[inline(always)]
    fn identity() -> T::Acc {
        T::Acc::ZERO
    }
    #[inline(always)]
    fn lift(x: T) -> T::Acc {
        if SKIP && x.is_nan() { T::Acc::ZERO } else { x.wide() }
    }
    #[inline(always)]
    fn join(a: T::Acc, b: T::Acc) -> T::Acc {
        a.plus(b)
    }
    #[inline(always)]
    fn join_exactly(a: T::Acc, b: T::Acc) -> (T::Acc, T::Acc) {
        let sum = a.plus(b);
        (sum, a.lost(b, sum))
    }
}

/// Products; with `SKIP`, NaN counts as one.
pub(super) struct Product<T, const SKIP: bool>(PhantomData<T>);

impl<T: Wide, const SKIP: bool> Fold for Product<T, SKIP> {
    type In = T;
    type Acc = T::Acc;
    #[inline(always)]
    fn identity() -> T::Acc {
        T::Acc::ONE
    }
    #[inline(always)]
    fn lift(x: T) -> T::Acc {
        if SKIP && x.is_nan() { T::Acc::ONE } else { x.wide() }
    }
    #[inline(always)]
    fn join(a: T::Acc, b: T::Acc) -> T::Acc {
        a.times(b)
    }
}

/// How many elements are no NaN.
pub(super) struct Valid<T>(PhantomData<T>);

impl<T: Wide> Fold for Valid<T> {
    type In = T;
    type Acc = f64;
    #[inline(always)]
    fn identity() -> f64 {
        0.0
    }
    #[inline(always)]
    fn lift(x: T) -> f64 {
        if x.is_nan() { 0.0 } else { 1.0 }
    }
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
    }
}

/// A datetime or timedelta: its least integer is NaT, none at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Time(pub(super) i64);

impl Time {
    /// None at all.
    pub(super) const NAT: Self = Self(i64::MIN);
}

impl Element for Time {
    const DTYPE: DType = DType::I64;
}

impl Number for Time {
    const ZERO: Self = Self(0);
    const ONE: Self = Self(1);
    const IS_FLOAT: bool = false;
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        let is_none = self == Self::NAT || other == Self::NAT;
        if is_none { Self::NAT } else { Self(self.0.wrapping_add(other.0)) }
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self(self.0.wrapping_mul(other.0))
    }
    #[inline(always)]
    fn lost(self, _: Self, _: Self) -> Self {
        Self(0)
    }
}

/// Elements that minima and maxima take.
pub(super) trait Ordered: Element {
    const LOWEST: Self;
    const HIGHEST: Self;
    /// The value that is no number, for types that have one.
    const NAN: Option<Self>;
    fn below(self, other: Self) -> bool;
    fn is_nan(self) -> bool;
}

macro_rules! ordered {
    ($($ty:ty: $low:expr, $high:expr, $nan:expr, ($a:ident, $b:ident) => $below:expr, $is_nan:expr;)*) => {$(
        impl Ordered for $ty {
            const LOWEST: Self = $low;
            const HIGHEST: Self = $high;
            const NAN: Option<Self> = $nan;
            #[inline(always)]
            fn below(self, other: Self) -> bool {
                let ($a, $b) = (self, other);
                $below
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                let $a = self;
                $is_nan(&$a)
            }
        }
    )*};
}

macro_rules! ordered_integers {
    ($($ty:ty)*) => {
        ordered! { $($ty: <$ty>::MIN, <$ty>::MAX, None, (a, b) => a < b, |_: &$ty| false;)* }
    };
}
ordered_integers!(i8 i16 i32 i64 u8 u16 u32 u64);

ordered! {
    Time: Time(i64::MIN + 1), Time(i64::MAX), Some(Time::NAT),
        (a, b) => a.0 < b.0 && a != Time::NAT && b != Time::NAT, |x: &Time| *x == Time::NAT;
    Bool: Bool(0), Bool(1), None, (a, b) => a.0 < b.0, |_: &Bool| false;
    f16: f16::NEG_INFINITY, f16::INFINITY, Some(f16::NAN), (a, b) => a.to_f32() < b.to_f32(), |x: &f16| x.is_nan();
    f32: f32::NEG_INFINITY, f32::INFINITY, Some(f32::NAN), (a, b) => a < b, |x: &f32| x.is_nan();
    f64: f64::NEG_INFINITY, f64::INFINITY, Some(f64::NAN), (a, b) => a < b, |x: &f64| x.is_nan();
    Complex32: Complex32::new(f32::NEG_INFINITY, f32::NEG_INFINITY), Complex32::new(f32::INFINITY, f32::INFINITY),
        Some(Complex32::new(f32::NAN, f32::NAN)),
        (a, b) => a.re < b.re || a.re == b.re && a.im < b.im, |x: &Complex32| x.is_nan();
    Complex64: Complex64::new(f64::NEG_INFINITY, f64::NEG_INFINITY), Complex64::new(f64::INFINITY, f64::INFINITY),
        Some(Complex64::new(f64::NAN, f64::NAN)),
        (a, b) => a.re < b.re || a.re == b.re && a.im < b.im, |x: &Complex64| x.is_nan();
}

/// Minima, or maxima with `MAX`. NaN spreads; with `SKIP` it gives way to anything.
pub(super) struct Extreme<T, const MAX: bool, const SKIP: bool>(PhantomData<T>);

impl<T: Ordered, const MAX: bool, const SKIP: bool> Fold for Extreme<T, MAX, SKIP> {
    type In = T;
    type Acc = T;
    #[inline(always)]
    fn identity() -> T {
        match T::NAN {
            Some(nan) if SKIP => nan,
            _ if MAX => T::LOWEST,
            _ => T::HIGHEST,
        }
    }
    #[inline(always)]
    fn lift(x: T) -> T {
        x
    }
    #[inline(always)]
    fn join(a: T, b: T) -> T {
        let (low, high) = if MAX { (b, a) } else { (a, b) };
        if SKIP {
            let (low, high) = (high, low);
            if low.below(high) || a.is_nan() { b } else { a }
        } else if low.below(high) || a.is_nan() {
            a
        } else {
            b
        }
    }
}

/// Whether all are true, or with `ANY` whether one is.
pub(super) struct Truth<const ANY: bool>;

impl<const ANY: bool> Fold for Truth<ANY> {
    type In = Bool;
    type Acc = Bool;
    #[inline(always)]
    fn identity() -> Bool {
        Bool(u8::from(!ANY))
    }
    #[inline(always)]
    fn lift(x: Bool) -> Bool {
        Bool(u8::from(x.0 != 0))
    }
    #[inline(always)]
    fn join(a: Bool, b: Bool) -> Bool {
        Bool(if ANY { a.0 | b.0 } else { a.0 & b.0 })
    }
}
