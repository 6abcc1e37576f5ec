//! Powers.
//!
//! Integers wrap around and refuse negative exponents.
#![expect(unsafe_code, reason = "a check over raw memory")]

use super::drive::{Loop, binary, half_binary};
use crate::dispatch;
use crate::dtype::DType;
use crate::error::{ArrayError, Result};

pub(super) fn find(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_binary(f32::powf),
        DType::F32 => binary(f32::powf),
        DType::F64 => binary(f64::powf),
        _ => dispatch!(dtype, T in [u8, u16, u32, u64] => binary(|a: T, b: T| a.wrapping_power(b)),
            else dispatch!(dtype, T in [i8, i16, i32, i64] => Loop {
                check: Some(refuse_negative::<T>),
                ..binary(|a: T, b: T| a.wrapping_power(b))
            }, else return None)),
    })
}

/// # Safety
/// The second argument has `n` elements.
unsafe fn refuse_negative<T: PartialOrd + Default>(args: &[*const u8], n: usize) -> Result<()> {
    // SAFETY: the caller's promise.
    let exponents = unsafe { std::slice::from_raw_parts(args[1].cast::<T>(), n) };
    let zero = T::default();
    if exponents.iter().fold(false, |any, exponent| any | (*exponent < zero)) {
        return Err(ArrayError::Value(
            "Integers to negative integer powers are not allowed.".into(),
        ));
    }
    Ok(())
}

trait Power: Copy {
    fn wrapping_power(self, exponent: Self) -> Self;
}

macro_rules! power {
    ($($t:ty)*) => { $(impl Power for $t {
        /// By repeated squaring; the bits of the exponent, lowest first, say which squares count.
        fn wrapping_power(self, exponent: Self) -> Self {
            let (mut base, mut left, mut result) = (self, exponent, 1);
            while left != 0 {
                if left & 1 != 0 {
                    result = Self::wrapping_mul(result, base);
                }
                base = base.wrapping_mul(base);
                left >>= 1;
            }
            result
        }
    })* };
}

power!(u8 u16 u32 u64 i8 i16 i32 i64);
