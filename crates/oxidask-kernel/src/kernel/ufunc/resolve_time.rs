//! Which loops NumPy would choose for datetimes and timedeltas.

use smallvec::{SmallVec, smallvec};

use super::resolve::no_loop;
use super::{Operand, Resolved, Ufunc};
use crate::dtype::{DType, Kind, TimeBase};
use crate::error::Result;
use crate::promote::promote;

/// Resolution where some operand is a datetime or timedelta.
pub(super) fn resolve(ufunc: Ufunc, args: &[Operand]) -> Result<Resolved> {
    use Ufunc as U;
    let dtypes: SmallVec<[DType; 3]> = args.iter().map(|arg| arg.dtype).collect();
    let refuse = || no_loop(ufunc, &dtypes);
    let both = |common: DType, out: DType| {
        Ok(Resolved {
            args: smallvec![common; ufunc.n_args()],
            outs: smallvec![out; ufunc.n_outputs()],
        })
    };
    let first = dtypes[0];
    match ufunc {
        U::Negative | U::Positive | U::Absolute | U::Sign if first.kind() == Kind::Timedelta => {
            both(first, first)
        }
        U::Isnan | U::Isinf | U::Isfinite | U::Isnat | U::Isreal | U::Iscomplex => {
            both(first, DType::Bool)
        }
        U::NanToNum | U::Real | U::Imag => both(first, first),
        U::LogicalAnd | U::LogicalOr | U::LogicalXor => both(DType::Bool, DType::Bool),
        comparisons!() | U::Maximum | U::Minimum | U::Fmax | U::Fmin | U::Clip => {
            let has = |kind| dtypes.iter().any(|dtype| dtype.kind() == kind);
            if has(Kind::Datetime) && has(Kind::Timedelta) {
                return Err(refuse());
            }
            let common = dtypes.iter().copied().map(Ok).reduce(|a, b| promote(a?, b?));
            let common = common.ok_or_else(refuse)?.map_err(|_| refuse())?;
            let chooses = matches!(ufunc, U::Maximum | U::Minimum | U::Fmax | U::Fmin | U::Clip);
            both(common, if chooses { common } else { DType::Bool })
        }
        U::Add | U::Subtract => sum(ufunc, first, dtypes[1]),
        U::Multiply | U::TrueDivide | U::FloorDivide => product(ufunc, first, dtypes[1]),
        U::Remainder | U::Divmod => match (first, dtypes[1]) {
            (DType::Timedelta(_), DType::Timedelta(_)) => {
                let common = promote(first, dtypes[1])?;
                let outs = if ufunc == U::Divmod {
                    smallvec![DType::I64, common]
                } else {
                    smallvec![common]
                };
                Ok(Resolved { args: smallvec![common, common], outs })
            }
            _ => Err(refuse()),
        },
        _ => Err(refuse()),
    }
}

/// Sums and differences: integers count as timedeltas of the other one's unit.
fn sum(ufunc: Ufunc, a: DType, b: DType) -> Result<Resolved> {
    use DType::{Datetime, Timedelta};
    let refuse = || no_loop(ufunc, &[a, b]);
    let is_integer = |dtype: DType| dtype.kind() <= Kind::Signed;
    let subtract = ufunc == Ufunc::Subtract;
    let of = |a: DType, b: DType, out: DType| {
        Ok(Resolved { args: smallvec![a, b], outs: smallvec![out] })
    };
    let (coarse, fine) = (TimeBase::Year..=TimeBase::Month, TimeBase::Week..TimeBase::Generic);
    match (a, b) {
        // Years and months have no length in the datetime's unit.
        (Datetime(date), Timedelta(step)) | (Timedelta(step), Datetime(date))
            if coarse.contains(&step.base) && fine.contains(&date.base) =>
        {
            Err(refuse())
        }
        (Datetime(_), Datetime(_)) if subtract => {
            let common = promote(a, b)?;
            let unit = common.unit().ok_or_else(refuse)?;
            of(common, common, Timedelta(unit))
        }
        (Timedelta(_), Timedelta(_)) => {
            let common = promote(a, b)?;
            of(common, common, common)
        }
        (Datetime(_), Timedelta(_)) => {
            let common = promote(a, b)?;
            of(common, Timedelta(common.unit().ok_or_else(refuse)?), common)
        }
        (Timedelta(_), Datetime(_)) if !subtract => {
            let common = promote(a, b)?;
            of(Timedelta(common.unit().ok_or_else(refuse)?), common, common)
        }
        (Datetime(unit) | Timedelta(unit), _) if is_integer(b) => of(a, Timedelta(unit), a),
        (_, Timedelta(unit)) if is_integer(a) => of(Timedelta(unit), b, b),
        (_, Datetime(unit)) if is_integer(a) && !subtract => of(Timedelta(unit), b, b),
        _ => Err(refuse()),
    }
}

/// Products and quotients: timedeltas by integers or floats, or quotients of timedeltas.
fn product(ufunc: Ufunc, a: DType, b: DType) -> Result<Resolved> {
    let multiply = ufunc == Ufunc::Multiply;
    let of = |a: DType, b: DType, out: DType| {
        Ok(Resolved { args: smallvec![a, b], outs: smallvec![out] })
    };
    let number = |dtype: DType| match dtype.kind() {
        Kind::Bool if multiply => Some(DType::I64),
        Kind::Signed | Kind::Unsigned => Some(DType::I64),
        Kind::Float => Some(DType::F64),
        _ => None,
    };
    match (a, b) {
        (DType::Timedelta(_), DType::Timedelta(_)) if !multiply => {
            let common = promote(a, b)?;
            let out = if ufunc == Ufunc::FloorDivide { DType::I64 } else { DType::F64 };
            of(common, common, out)
        }
        (DType::Timedelta(_), _) if let Some(number) = number(b) => of(a, number, a),
        (_, DType::Timedelta(_)) if multiply && let Some(number) = number(a) => of(number, b, b),
        _ => Err(no_loop(ufunc, &[a, b])),
    }
}
