//! Functions of values by pandas' names for them: accessors, and methods that leave rows where they are.

use std::sync::Arc;

use oxidask_core::value::Value;
use oxidask_frame::error::FrameError;
use oxidask_frame::kernel::elementwise::Unary;
use oxidask_frame::kernel::text::{Letters, Pattern, Place, Side, Text};
use oxidask_frame::kernel::time::{DateTest, DeltaPart, Part, Rounding};
use oxidask_frame::ops::accessor::Accessor;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::array::NoKernel;
use crate::object::{PyValue, to_object};

/// A function of each value, by NumPy's or pandas' name.
pub(super) fn unary_named(name: &str) -> PyResult<Unary> {
    Ok(match name {
        "neg" => Unary::Neg,
        "pos" => Unary::Pos,
        "abs" | "absolute" => Unary::Abs,
        "not" => Unary::Not,
        "isna" => Unary::IsNa,
        "notna" => Unary::NotNa,
        "floor" => Unary::Floor,
        "ceil" => Unary::Ceil,
        "trunc" => Unary::Trunc,
        "rint" => Unary::Rint,
        "sign" => Unary::Sign,
        "square" => Unary::Square,
        "sqrt" => Unary::Sqrt,
        "cbrt" => Unary::Cbrt,
        "exp" => Unary::Exp,
        "exp2" => Unary::Exp2,
        "expm1" => Unary::Expm1,
        "log" => Unary::Log,
        "log2" => Unary::Log2,
        "log10" => Unary::Log10,
        "log1p" => Unary::Log1p,
        "sin" => Unary::Sin,
        "cos" => Unary::Cos,
        "tan" => Unary::Tan,
        "arcsin" => Unary::Asin,
        "arccos" => Unary::Acos,
        "arctan" => Unary::Atan,
        "sinh" => Unary::Sinh,
        "cosh" => Unary::Cosh,
        "tanh" => Unary::Tanh,
        "arcsinh" => Unary::Asinh,
        "arccosh" => Unary::Acosh,
        "arctanh" => Unary::Atanh,
        "degrees" | "rad2deg" => Unary::Degrees,
        "radians" | "deg2rad" => Unary::Radians,
        "isfinite" => Unary::IsFinite,
        "isinf" => Unary::IsInf,
        "isnan" => Unary::IsNan,
        other => return Err(NoKernel::new_err(format!("the function {other}"))),
    })
}

/// A function of `.str` and its arguments, in the order in which pandas has them, all of them given.
pub(super) fn text_named(name: &str, args: &Bound<'_, PyTuple>) -> PyResult<Accessor> {
    let no_kernel = || NoKernel::new_err(format!(".str.{name} of such arguments"));
    fn arg<T: for<'a, 'py> FromPyObject<'a, 'py>>(
        args: &Bound<'_, PyTuple>,
        at: usize,
    ) -> Option<T> {
        args.get_item(at).ok()?.extract().ok()
    }
    let text = |at: usize| -> PyResult<Arc<str>> {
        arg::<String>(args, at).map(Arc::from).ok_or_else(no_kernel)
    };
    let number = |at: usize| -> PyResult<i64> { arg(args, at).ok_or_else(no_kernel) };
    let truth = |at: usize| -> PyResult<bool> { arg(args, at).ok_or_else(no_kernel) };
    let maybe = |at: usize| -> PyResult<Option<i64>> { arg(args, at).ok_or_else(no_kernel) };
    let words = |at: usize| -> PyResult<Vec<Arc<str>>> {
        if let Some(word) = arg::<String>(args, at) {
            return Ok(vec![word.into()]);
        }
        let words: Vec<String> = arg(args, at).ok_or_else(no_kernel)?;
        Ok(words.into_iter().map(Arc::from).collect())
    };
    let width = |at: usize| number(at).map(|width| usize::try_from(width).unwrap_or(0));
    let fill = |at: usize| -> PyResult<char> {
        let fill = text(at)?;
        let mut letters = fill.chars();
        letters.next().filter(|_| letters.next().is_none()).ok_or_else(no_kernel)
    };
    let stripped = |side: Side| -> PyResult<Text> {
        let letters: Option<String> = arg(args, 0).ok_or_else(no_kernel)?;
        Ok(Text::Strip(side, letters.map(Arc::from)))
    };
    let pattern = |place: Place, is_regex: bool, case: bool| -> PyResult<Pattern> {
        Ok(Pattern { pattern: text(0)?, is_regex, case, place })
    };
    let function = match name {
        "lower" => Text::Lower,
        "upper" => Text::Upper,
        "title" => Text::Title,
        "capitalize" => Text::Capitalize,
        "swapcase" => Text::SwapCase,
        "strip" => stripped(Side::Both)?,
        "lstrip" => stripped(Side::Left)?,
        "rstrip" => stripped(Side::Right)?,
        "removeprefix" => Text::RemovePrefix(text(0)?),
        "removesuffix" => Text::RemoveSuffix(text(0)?),
        "slice" => Text::Slice { start: maybe(0)?, stop: maybe(1)?, step: maybe(2)?.unwrap_or(1) },
        "get" => Text::Get(number(0)?),
        "replace" => Text::Replace(text(0)?, text(1)?, number(2)?),
        "repeat" => Text::Repeat(number(0)?),
        "zfill" => Text::ZeroFill(width(0)?),
        "ljust" => Text::Pad(Side::Right, width(0)?, fill(1)?),
        "rjust" => Text::Pad(Side::Left, width(0)?, fill(1)?),
        "center" => Text::Pad(Side::Both, width(0)?, fill(1)?),
        "contains" => Text::Matches(pattern(Place::Anywhere, truth(2)?, truth(1)?)?),
        "match" => Text::Matches(pattern(Place::Start, true, truth(1)?)?),
        "fullmatch" => Text::Matches(pattern(Place::Whole, true, truth(1)?)?),
        "startswith" => Text::StartsWith(words(0)?),
        "endswith" => Text::EndsWith(words(0)?),
        "len" => Text::Len,
        "find" => Text::Find(text(0)?),
        "rfind" => Text::FindLast(text(0)?),
        "count" => Text::Count(pattern(Place::Anywhere, true, true)?),
        other => Text::Is(letters_named(other).ok_or_else(no_kernel)?),
    };
    Ok(Accessor::Text(function))
}

fn letters_named(name: &str) -> Option<Letters> {
    Some(match name {
        "isalpha" => Letters::Alpha,
        "isdigit" => Letters::Digit,
        "isdecimal" => Letters::Decimal,
        "isnumeric" => Letters::Numeric,
        "isalnum" => Letters::AlphaNumeric,
        "isspace" => Letters::Space,
        "islower" => Letters::Lower,
        "isupper" => Letters::Upper,
        "istitle" => Letters::Title,
        "isascii" => Letters::Ascii,
        _ => return None,
    })
}

/// A property or function of `.dt`: rounding takes nanoseconds, `strftime` a format.
pub(super) fn time_named(name: &str, argument: Option<&Bound<'_, PyAny>>) -> PyResult<Accessor> {
    let no_kernel = || NoKernel::new_err(format!(".dt.{name}"));
    let step = || argument.ok_or_else(no_kernel)?.extract::<i64>().map_err(|_| no_kernel());
    Ok(match name {
        "year" => Accessor::Part(Part::Year),
        "month" => Accessor::Part(Part::Month),
        "day" => Accessor::Part(Part::Day),
        "hour" => Accessor::Part(Part::Hour),
        "minute" => Accessor::Part(Part::Minute),
        "second" => Accessor::Part(Part::Second),
        "microsecond" => Accessor::Part(Part::Microsecond),
        "nanosecond" => Accessor::Part(Part::Nanosecond),
        "dayofweek" | "day_of_week" | "weekday" => Accessor::Part(Part::DayOfWeek),
        "dayofyear" | "day_of_year" => Accessor::Part(Part::DayOfYear),
        "quarter" => Accessor::Part(Part::Quarter),
        "days_in_month" | "daysinmonth" => Accessor::Part(Part::DaysInMonth),
        "is_month_start" => Accessor::DateTest(DateTest::MonthStart),
        "is_month_end" => Accessor::DateTest(DateTest::MonthEnd),
        "is_quarter_start" => Accessor::DateTest(DateTest::QuarterStart),
        "is_quarter_end" => Accessor::DateTest(DateTest::QuarterEnd),
        "is_year_start" => Accessor::DateTest(DateTest::YearStart),
        "is_year_end" => Accessor::DateTest(DateTest::YearEnd),
        "is_leap_year" => Accessor::DateTest(DateTest::LeapYear),
        "days" => Accessor::DeltaPart(DeltaPart::Days),
        "seconds" => Accessor::DeltaPart(DeltaPart::Seconds),
        "microseconds" => Accessor::DeltaPart(DeltaPart::Microseconds),
        "nanoseconds" => Accessor::DeltaPart(DeltaPart::Nanoseconds),
        "total_seconds" => Accessor::TotalSeconds,
        "floor" => Accessor::Rounded(Rounding::Floor, step()?),
        "ceil" => Accessor::Rounded(Rounding::Ceil, step()?),
        "round" => Accessor::Rounded(Rounding::HalfEven, step()?),
        "normalize" => Accessor::Rounded(Rounding::Floor, 86_400_000_000_000),
        "strftime" => {
            let format: String = argument.ok_or_else(no_kernel)?.extract()?;
            Accessor::Strftime(format.into())
        }
        _ => return Err(no_kernel()),
    })
}

/// Calls a pickled function of partitions.
pub(super) fn call_pickled(function: &[u8], inputs: &[Value]) -> Result<Value, FrameError> {
    let called = Python::try_attach(|py| -> PyResult<Value> {
        let function = py.import("pickle")?.call_method1("loads", (PyBytes::new(py, function),))?;
        let inputs =
            inputs.iter().map(|value| to_object(py, value)).collect::<PyResult<Vec<_>>>()?;
        let answer = function.call1(PyTuple::new(py, inputs)?)?;
        match super::pandas::of_pandas(&answer) {
            Ok(frame) => Ok(oxidask_frame::ops::value(frame)),
            Err(_) => Ok(PyValue::wrap(&answer)),
        }
    });
    match called {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(Python::attach(|py| {
            let text = error.value(py).to_string();
            if error.is_instance_of::<PyTypeError>(py) {
                FrameError::Type(text)
            } else {
                FrameError::Value(text)
            }
        })),
        None => Err(FrameError::Type("Python has ended".into())),
    }
}
