//! What footers say of the values in a row group.

use parquet::data_type::AsBytes;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics as Stored;

use crate::dtype::{DType, Number};
use crate::io::predicate::Statistics;
use crate::scalar::Scalar;

/// The leaf of a flat column of this name.
pub(super) fn chunk<'a>(
    group: &'a RowGroupMetaData,
    name: &str,
) -> Option<&'a ColumnChunkMetaData> {
    group
        .columns()
        .iter()
        .find(|column| matches!(column.column_path().parts(), [only] if only == name))
}

/// How many nulls a stored column has in a row group, if that is said.
pub(super) fn n_nulls(group: &RowGroupMetaData, name: &str) -> Option<u64> {
    chunk(group, name)?.statistics()?.null_count_opt()
}

/// What is known of a stored column, whose values are read as of this dtype.
pub(super) fn known(group: &RowGroupMetaData, name: &str, dtype: &DType) -> Statistics {
    let n_rows = u64::try_from(group.num_rows()).unwrap_or(0);
    let mut known = Statistics { n_rows, ..Statistics::default() };
    let Some(stored) = chunk(group, name).and_then(ColumnChunkMetaData::statistics) else {
        return known;
    };
    // A null may stand beside NaN, which counts as missing too and of which footers mostly say nothing.
    known.n_missing = match (stored.null_count_opt(), stored.nan_count_opt()) {
        (Some(n_nulls), _) if n_nulls == n_rows => Some(n_rows),
        (Some(n_nulls), Some(n_nan)) => Some(n_nulls + n_nan),
        (n_nulls, None) if !dtype.is_float() => n_nulls,
        _ => None,
    };
    let is_text = matches!(stored, Stored::ByteArray(_));
    // Old writers compared texts and integers without a sign as if their bytes had one.
    let is_unsigned = dtype.number().is_some_and(Number::is_unsigned);
    if stored.is_min_max_deprecated() && (is_text || is_unsigned) {
        return known;
    }
    known.min = bound(stored, dtype, false);
    known.max = bound(stored, dtype, true);
    known.is_exact = !is_text || (stored.min_is_exact() && stored.max_is_exact());
    known
}

/// The least or the greatest value.
fn bound(stored: &Stored, dtype: &DType, greatest: bool) -> Option<Scalar> {
    macro_rules! of {
        ($values:expr) => {
            if greatest { $values.max_opt() } else { $values.min_opt() }
        };
    }
    match stored {
        Stored::Boolean(values) => of!(values).map(|value| Scalar::Bool(*value)),
        Stored::Int32(values) => of!(values).and_then(|value| integer(i64::from(*value), dtype)),
        Stored::Int64(values) => of!(values).and_then(|value| integer(*value, dtype)),
        Stored::Float(values) => of!(values).and_then(|value| float(f64::from(*value))),
        Stored::Double(values) => of!(values).and_then(|value| float(*value)),
        Stored::ByteArray(values) => {
            let text = std::str::from_utf8(of!(values)?.as_bytes()).ok()?;
            matches!(dtype, DType::Str | DType::Category { .. }).then(|| Scalar::Str(text.into()))
        }
        Stored::Int96(_) | Stored::FixedLenByteArray(_) => None,
    }
}

fn float(value: f64) -> Option<Scalar> {
    (!value.is_nan()).then_some(Scalar::Float(value))
}

fn integer(value: i64, dtype: &DType) -> Option<Scalar> {
    Some(match dtype {
        DType::Datetime(unit, zone) => Scalar::Datetime(value, *unit, zone.clone()),
        DType::Timedelta(unit) => Scalar::Timedelta(value, *unit),
        // The bits of 32 without a sign lie in 32 with one.
        DType::Number(Number::U32) | DType::NullableNumber(Number::U32) => {
            Scalar::Int(value & 0xffff_ffff)
        }
        DType::Number(Number::U64) | DType::NullableNumber(Number::U64) => {
            Scalar::UInt(value.cast_unsigned())
        }
        DType::Number(_) | DType::NullableNumber(_) => Scalar::Int(value),
        _ => return None,
    })
}
