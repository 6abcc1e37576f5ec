//! Conversions between dtypes: NumPy's unsafe `astype`, and which conversions count as safe.
//!
//! Numbers convert as C does it on x86: floats are truncated, and what an integer can't hold
//! becomes what the processor's instruction gives. Datetimes change units and keep their NaT.

mod numbers;
mod time;

use serde::{Deserialize, Serialize};

pub(crate) use self::numbers::Truncate;
use super::ufunc::LoopFn;
use crate::dtype::{DType, Kind, TimeBase};
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;
use crate::promote::base_factor;

/// Which conversions a caller allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Casting {
    /// None at all.
    No,
    /// None but of byte order.
    Equiv,
    /// Those that keep every value.
    Safe,
    /// Safe ones, and those within a kind.
    SameKind,
    /// All.
    Unsafe,
}

impl Casting {
    /// The rule of this NumPy name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "no" => Self::No,
            "equiv" => Self::Equiv,
            "safe" => Self::Safe,
            "same_kind" => Self::SameKind,
            "unsafe" => Self::Unsafe,
            _ => return None,
        })
    }
}

/// The loop that converts elements. `None` if NumPy must do it (calendar units).
#[must_use]
pub fn cast_loop(from: DType, to: DType) -> Option<LoopFn> {
    match (from.kind(), to.kind()) {
        _ if from == to => Some(numbers::copy(from)),
        (Kind::Datetime | Kind::Timedelta, _) | (_, Kind::Datetime | Kind::Timedelta) => {
            time::find(from, to)
        }
        _ => Some(numbers::find(from, to)),
    }
}

/// The elements of a chunk under another dtype.
///
/// # Errors
/// [`ArrayError::NoKernel`] if NumPy must do it, or if there is not enough memory.
pub fn cast_chunk(chunk: &Chunk, to: DType) -> Result<Chunk> {
    if chunk.dtype() == to {
        return Ok(chunk.clone());
    }
    let from = chunk.dtype();
    let function = cast_loop(from, to)
        .ok_or_else(|| ArrayError::NoKernel(format!("cast from {from} to {to}")))?;
    let source = chunk.to_contiguous()?;
    let new = Chunk::new(to, chunk.shape())?;
    #[expect(unsafe_code, reason = "a loop over contiguous elements")]
    // SAFETY: both are contiguous, aligned and of the loop's dtypes; the new one is ours alone.
    unsafe {
        function(&[source.as_ptr()], &[new.buffer().as_mut_ptr()], chunk.len());
    }
    Ok(new)
}

/// Whether a conversion is allowed.
#[must_use]
pub fn can_cast(from: DType, to: DType, casting: Casting) -> bool {
    match casting {
        Casting::No | Casting::Equiv => from == to,
        Casting::Safe => is_safe(from, to),
        Casting::SameKind => is_safe(from, to) || is_same_kind(from, to),
        Casting::Unsafe => true,
    }
}

fn is_safe(from: DType, to: DType) -> bool {
    let (small, large) = (from.itemsize(), to.itemsize());
    match (from.kind(), to.kind()) {
        _ if from == to => true,
        (Kind::Datetime, Kind::Datetime) | (Kind::Timedelta, Kind::Timedelta) => {
            is_safe_unit(from, to)
        }
        (Kind::Datetime, _) | (_, Kind::Datetime) | (Kind::Timedelta, _) => false,
        (Kind::Bool, _) => true,
        (Kind::Signed, Kind::Timedelta) => true,
        (Kind::Unsigned, Kind::Timedelta) => small < 8,
        (Kind::Unsigned, Kind::Unsigned)
        | (Kind::Signed, Kind::Signed)
        | (Kind::Float, Kind::Float)
        | (Kind::Complex, Kind::Complex) => small <= large,
        (Kind::Unsigned, Kind::Signed) => small < large,
        (Kind::Unsigned | Kind::Signed, Kind::Float) => small < large || large == 8,
        (Kind::Unsigned | Kind::Signed, Kind::Complex) => small < large / 2 || large == 16,
        (Kind::Float, Kind::Complex) => small <= large / 2,
        _ => false,
    }
}

fn is_same_kind(from: DType, to: DType) -> bool {
    match (from.kind(), to.kind()) {
        (Kind::Timedelta, Kind::Timedelta) => {
            let (Some(from), Some(to)) = (from.unit(), to.unit()) else { return false };
            let calendar = |base: TimeBase| base <= TimeBase::Month;
            from.base == TimeBase::Generic
                || to.base != TimeBase::Generic && calendar(from.base) == calendar(to.base)
        }
        (Kind::Datetime, Kind::Datetime) => {
            let (Some(from), Some(to)) = (from.unit(), to.unit()) else { return false };
            from.base == TimeBase::Generic || to.base != TimeBase::Generic
        }
        (Kind::Timedelta | Kind::Datetime, _) | (_, Kind::Datetime) => false,
        (Kind::Unsigned | Kind::Signed, Kind::Timedelta) => true,
        (_, Kind::Timedelta) => false,
        // Integers of either sign go to signed ones, but not signed ones to unsigned.
        (a, b) => a <= b,
    }
}

/// Whether each step of one unit is whole steps of the other, or of a finer calendar.
fn is_safe_unit(from: DType, to: DType) -> bool {
    let (Some(a), Some(b)) = (from.unit(), to.unit()) else { return false };
    if a.base == TimeBase::Generic || b.base == TimeBase::Generic {
        return a.base == TimeBase::Generic;
    }
    let calendar = |base: TimeBase| base <= TimeBase::Month;
    if calendar(a.base) != calendar(b.base) {
        // A year begins with a day, but has no length in days.
        return from.kind() == Kind::Datetime && a.base < b.base;
    }
    base_factor(a.base, b.base).is_some_and(|factor| {
        u64::from(a.count).checked_mul(factor).is_none_or(|n| n % u64::from(b.count) == 0)
    })
}
