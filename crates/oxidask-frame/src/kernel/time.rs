//! `.dt`: parts of times, tests of dates, rounding and formatting.
//!
//! pandas counts parts in `int32`, and in `float64` where a time is missing: so do [`part`] and [`delta_part`].
//! Times are stored in UTC; those shown in another zone have no kernel here. `tz_convert` changes no value,
//! only the dtype: [`retyped`].

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, UInt32Array,
};
use serde::{Deserialize, Serialize};

use super::calendar::{self, DAY_SECONDS, Date};
use super::elementwise::{of_ticks, pack, relabelled, ticks};
use crate::dtype::{DType, Unit};
use crate::error::{FrameError, Result};

/// A part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are pandas'")]
pub enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Microsecond,
    Nanosecond,
    /// Monday is 0.
    DayOfWeek,
    DayOfYear,
    Quarter,
    DaysInMonth,
    /// Of `isocalendar`: nullable `UInt32`.
    IsoYear,
    /// As [`Part::IsoYear`].
    IsoWeek,
    /// As [`Part::IsoYear`]; Monday is 1.
    IsoDay,
}

/// A question about a date. A missing one is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are pandas'")]
pub enum DateTest {
    MonthStart,
    MonthEnd,
    QuarterStart,
    QuarterEnd,
    YearStart,
    YearEnd,
    LeapYear,
}

/// A part of a difference of times, as `datetime.timedelta` has them: only days are negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are pandas'")]
pub enum DeltaPart {
    Days,
    Seconds,
    Microseconds,
    Nanoseconds,
}

/// Which way to round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rounding {
    /// To the past.
    Floor,
    /// To the future.
    Ceil,
    /// To the nearer one, halves to even multiples.
    HalfEven,
}

/// The unit of a column whose values show UTC as they are.
fn plain_unit(dtype: &DType) -> Result<Unit> {
    match dtype {
        DType::Datetime(unit, None) => Ok(*unit),
        DType::Datetime(unit, Some(zone)) if &**zone == "UTC" => Ok(*unit),
        DType::Datetime(..) => Err(FrameError::no_kernel("parts of times", dtype)),
        _ => Err(FrameError::Type(format!("a column of {dtype} holds no times"))),
    }
}

/// A part of each time: `int32`, or `float64` if some are missing; of ISO weeks nullable `uint32`.
///
/// # Errors
/// [`FrameError::Type`] for columns of something else, [`FrameError::NoKernel`] for time zones.
pub fn part(part: Part, array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let unit = plain_unit(dtype)?;
    let per_second = unit.per_second();
    let per_day = per_second * DAY_SECONDS;
    let each = |f: &dyn Fn(i64) -> i32| Ok(counted(array, f));
    let dates = |f: fn(Date, i64) -> i32| {
        Ok(counted(array, |tick| {
            let days = tick.div_euclid(per_day);
            f(calendar::date_of(days), days)
        }))
    };
    match part {
        Part::Year => dates(|date, _| date.year as i32),
        Part::Month => dates(|date, _| date.month as i32),
        Part::Day => dates(|date, _| date.day as i32),
        Part::Quarter => dates(|date, _| (date.month as i32 + 2) / 3),
        Part::DaysInMonth => dates(|date, _| calendar::month_days(date.year, date.month) as i32),
        Part::DayOfYear => dates(|date, days| calendar::day_of_year(days, date) as i32),
        Part::DayOfWeek => {
            Ok(counted(array, |tick| calendar::weekday(tick.div_euclid(per_day)) as i32))
        }
        Part::Hour => {
            Ok(counted(array, |tick| (tick.div_euclid(per_second * 3600).rem_euclid(24)) as i32))
        }
        Part::Minute => {
            Ok(counted(array, |tick| (tick.div_euclid(per_second * 60).rem_euclid(60)) as i32))
        }
        Part::Second => {
            Ok(counted(array, |tick| (tick.div_euclid(per_second).rem_euclid(60)) as i32))
        }
        Part::Microsecond => each(&|tick| {
            (i128::from(tick.rem_euclid(per_second)) * 1_000_000 / i128::from(per_second)) as i32
        }),
        Part::Nanosecond if unit == Unit::Nano => each(&|tick| tick.rem_euclid(1000) as i32),
        Part::Nanosecond => each(&|_| 0),
        Part::IsoYear | Part::IsoWeek | Part::IsoDay => {
            let ticks = ticks(array);
            let values = ticks.iter().map(|tick| {
                let days = tick.div_euclid(per_day);
                match part {
                    Part::IsoYear => calendar::iso_week(days).0 as u32,
                    Part::IsoWeek => calendar::iso_week(days).1,
                    _ => calendar::weekday(days) + 1,
                }
            });
            Ok(Arc::new(UInt32Array::new(values.collect(), array.nulls().cloned())))
        }
    }
}

fn counted(array: &ArrayRef, f: impl Fn(i64) -> i32) -> ArrayRef {
    let ticks = ticks(array);
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            let values = ticks.iter().map(|tick| f(*tick));
            Arc::new(Int32Array::new(values.collect(), None))
        }
        Some(nulls) => {
            let values = nulls.iter().zip(&ticks);
            let values = values.map(|(known, tick)| if known { f(*tick).into() } else { f64::NAN });
            Arc::new(Float64Array::new(values.collect(), None))
        }
    }
}

/// The answer for each date.
///
/// # Errors
/// As [`part`].
pub fn date_test(test: DateTest, array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let per_day = plain_unit(dtype)?.per_second() * DAY_SECONDS;
    let ticks = ticks(array);
    let holds = |row: usize| {
        let date = calendar::date_of(ticks[row].div_euclid(per_day));
        let last = || date.day == calendar::month_days(date.year, date.month);
        match test {
            DateTest::MonthStart => date.day == 1,
            DateTest::MonthEnd => last(),
            DateTest::QuarterStart => date.day == 1 && date.month % 3 == 1,
            DateTest::QuarterEnd => date.month.is_multiple_of(3) && last(),
            DateTest::YearStart => date.day == 1 && date.month == 1,
            DateTest::YearEnd => date.day == 31 && date.month == 12,
            DateTest::LeapYear => calendar::is_leap(date.year),
        }
    };
    let bits = pack(array.len(), |row| array.is_valid(row) && holds(row));
    Ok(Arc::new(BooleanArray::new(bits, None)))
}

/// A part of each difference: days are `int64` and others `int32`, `float64` if some are missing.
///
/// # Errors
/// [`FrameError::Type`] for columns of something else.
pub fn delta_part(part: DeltaPart, array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let DType::Timedelta(unit) = dtype else {
        return Err(FrameError::Type(format!("a column of {dtype} holds no differences of times")));
    };
    let per_second = unit.per_second();
    let per_day = per_second * DAY_SECONDS;
    if part == DeltaPart::Days && array.null_count() == 0 {
        let days = ticks(array).iter().map(|tick| tick.div_euclid(per_day)).collect();
        return Ok(Arc::new(Int64Array::new(days, None)));
    }
    let micros = |tick: i64| i128::from(tick.rem_euclid(per_second)) * 1_000_000;
    Ok(counted(array, |tick| match part {
        DeltaPart::Days => tick.div_euclid(per_day) as i32,
        DeltaPart::Seconds => (tick.rem_euclid(per_day) / per_second) as i32,
        DeltaPart::Microseconds => (micros(tick) / i128::from(per_second)) as i32,
        DeltaPart::Nanoseconds if *unit == Unit::Nano => tick.rem_euclid(1000) as i32,
        DeltaPart::Nanoseconds => 0,
    }))
}

/// Differences of times in seconds: `float64`.
///
/// # Errors
/// As [`delta_part`].
pub fn total_seconds(array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let DType::Timedelta(unit) = dtype else {
        return Err(FrameError::Type(format!("a column of {dtype} holds no differences of times")));
    };
    let per_second = unit.per_second() as f64;
    let ticks = ticks(array);
    let value =
        |row: usize| if array.is_valid(row) { ticks[row] as f64 / per_second } else { f64::NAN };
    Ok(Arc::new(Float64Array::from_iter_values((0..array.len()).map(value))))
}

/// Times at multiples of `step_nanos` since 1970: `floor`, `ceil`, `round`. By days it is `normalize`.
///
/// # Errors
/// As [`part`], and [`FrameError::Value`] for a step that isn't positive.
pub fn rounded(
    rounding: Rounding,
    step_nanos: i64,
    array: &ArrayRef,
    dtype: &DType,
) -> Result<ArrayRef> {
    let unit = match dtype {
        DType::Timedelta(unit) => *unit,
        _ => plain_unit(dtype)?,
    };
    let unit_nanos = 1_000_000_000 / unit.per_second();
    if step_nanos <= 0 {
        return Err(FrameError::Value(format!("can't round to multiples of {step_nanos} ns")));
    }
    if unit_nanos % step_nanos == 0 {
        return Ok(array.clone());
    }
    if step_nanos % unit_nanos != 0 {
        return Err(FrameError::NoKernel(format!("{dtype} at multiples of {step_nanos} ns")));
    }
    let step = step_nanos / unit_nanos;
    let ticks = ticks(array);
    let values = ticks.iter().map(|tick| {
        let rest = tick.rem_euclid(step);
        let down = tick.wrapping_sub(rest);
        let up = match rounding {
            Rounding::Floor => false,
            Rounding::Ceil => rest != 0,
            Rounding::HalfEven => {
                rest > step - rest || (rest == step - rest && down.div_euclid(step) % 2 != 0)
            }
        };
        if up { down.wrapping_add(step) } else { down }
    });
    Ok(of_ticks(values.collect(), array.logical_nulls(), dtype))
}

/// The same values with another dtype of 64-bit times: `tz_convert`, and `tz_localize` from or to UTC.
///
/// # Errors
/// [`FrameError::NoKernel`] for dtypes that differ in more than the zone.
pub fn retyped(array: &ArrayRef, from: &DType, to: &DType) -> Result<ArrayRef> {
    match (from, to) {
        (DType::Datetime(a, _), DType::Datetime(b, _)) if a == b => Ok(relabelled(array, to)),
        _ => Err(FrameError::NoKernel(format!("{from} as {to} without a change of values"))),
    }
}

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Times as text, by Python's directives in the C locale.
///
/// # Errors
/// As [`part`]; [`FrameError::NoKernel`] for directives that depend on locale or zone.
pub fn strftime(format: &str, array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let per_second = plain_unit(dtype)?.per_second();
    let ticks = ticks(array);
    let mut built = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            built.append_null();
            continue;
        }
        text.clear();
        let second = ticks[row].div_euclid(per_second);
        let fraction = ticks[row].rem_euclid(per_second);
        let micros = (i128::from(fraction) * 1_000_000 / i128::from(per_second)) as u32;
        formatted(format, second, micros, &mut text)?;
        built.append_value(&text);
    }
    Ok(Arc::new(built.finish()))
}

fn formatted(format: &str, second: i64, micros: u32, text: &mut String) -> Result<()> {
    let days = second.div_euclid(DAY_SECONDS);
    let clock = second.rem_euclid(DAY_SECONDS);
    let (hour, minute) = (clock / 3600, clock / 60 % 60);
    let date = calendar::date_of(days);
    let (weekday, day_of_year) = (calendar::weekday(days), calendar::day_of_year(days, date));
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let directive = letters.next();
        // Writing to a string can't fail.
        let _ = match directive {
            Some('Y') if (1000..=9999).contains(&date.year) => write!(text, "{}", date.year),
            Some('m') => write!(text, "{:02}", date.month),
            Some('d') => write!(text, "{:02}", date.day),
            Some('y') => write!(text, "{:02}", date.year.rem_euclid(100)),
            Some('H') => write!(text, "{hour:02}"),
            Some('I') => write!(text, "{:02}", (hour + 11) % 12 + 1),
            Some('M') => write!(text, "{minute:02}"),
            Some('S') => write!(text, "{:02}", clock % 60),
            Some('f') => write!(text, "{micros:06}"),
            Some('j') => write!(text, "{day_of_year:03}"),
            Some('p') => write!(text, "{}", if hour < 12 { "AM" } else { "PM" }),
            Some('a') => write!(text, "{}", &DAYS[weekday as usize][..3]),
            Some('A') => write!(text, "{}", DAYS[weekday as usize]),
            Some('b') => write!(text, "{}", &MONTHS[date.month as usize - 1][..3]),
            Some('B') => write!(text, "{}", MONTHS[date.month as usize - 1]),
            Some('u') => write!(text, "{}", weekday + 1),
            Some('w') => write!(text, "{}", (weekday + 1) % 7),
            Some('U') => write!(text, "{:02}", (day_of_year + 6 - (weekday + 1) % 7) / 7),
            Some('W') => write!(text, "{:02}", (day_of_year + 6 - weekday) / 7),
            Some('V') => write!(text, "{:02}", calendar::iso_week(days).1),
            Some('G') => write!(text, "{}", calendar::iso_week(days).0),
            Some('%') => write!(text, "%"),
            Some('F') if (1000..=9999).contains(&date.year) => {
                write!(text, "{}-{:02}-{:02}", date.year, date.month, date.day)
            }
            Some('T') => write!(text, "{hour:02}:{minute:02}:{:02}", clock % 60),
            _ => return Err(FrameError::NoKernel(format!("the time format '{format}'"))),
        };
    }
    Ok(())
}
