//! The proleptic Gregorian calendar: days since 1970 to dates and back, and dates in ISO 8601.
//!
//! After Howard Hinnant's "chrono-compatible low-level date algorithms": years begin in March, so that the
//! leap day is a year's last.

/// A date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year, 0 being 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

/// Seconds of a day.
pub const DAY_SECONDS: i64 = 86_400;

/// The date of a day since 1970.
#[must_use]
#[inline]
pub fn date_of(days: i64) -> Date {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097) as u32;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    Date { year: i64::from(year_of_era) + era * 400 + i64::from(month <= 2), month, day }
}

/// The day since 1970 of a date. Months beyond 12 run on into the next years.
#[must_use]
#[inline]
pub fn days_of(year: i64, month: u32, day: u32) -> i64 {
    let year = year + i64::from((month - 1) / 12);
    let month = (month - 1) % 12 + 1;
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Whether February has 29 days.
#[must_use]
#[inline]
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month.
#[must_use]
#[inline]
pub fn month_days(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap(year)),
        _ => 31,
    }
}

/// Monday is 0.
#[must_use]
#[inline]
pub fn weekday(days: i64) -> u32 {
    (days + 3).rem_euclid(7) as u32
}

/// Counted from 1.
#[must_use]
#[inline]
pub fn day_of_year(days: i64, date: Date) -> u32 {
    (days - days_of(date.year, 1, 1) + 1) as u32
}

/// The year and week of ISO 8601: weeks begin on Mondays, and the first has the year's first Thursday.
#[must_use]
pub fn iso_week(days: i64) -> (i64, u32) {
    let thursday = days - i64::from(weekday(days)) + 3;
    let year = date_of(thursday).year;
    (year, ((thursday - days_of(year, 1, 1)) / 7 + 1) as u32)
}

/// A point in time without a zone, as text gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds after that second.
    pub nanos: u32,
    /// How many digits of the second's fraction were written.
    pub n_decimals: u32,
}

/// Reads `YYYY-MM-DD`, with or without `HH:MM[:SS[.fff]]` after `T` or a space; `YYYY-MM` and `YYYY` too. None for
/// any other text, such as one with a time zone.
#[must_use]
pub fn parse_iso(text: &str) -> Option<Instant> {
    let (date, clock) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let in_range = (1..=12).contains(&month)
        && (1..=month_days(year.into(), month)).contains(&day)
        && year > 0;
    if !in_range || parts.next().is_some() {
        return None;
    }
    let (second_of_day, nanos, n_decimals) = clock.map_or(Some((0, 0, 0)), parse_clock)?;
    let seconds = days_of(year.into(), month, day) * DAY_SECONDS + i64::from(second_of_day);
    Some(Instant { seconds, nanos, n_decimals })
}

fn parse_clock(text: &str) -> Option<(u32, u32, u32)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    let mut parts = whole.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    let has_fraction = text.len() > whole.len();
    let written = fraction.len();
    let wrong = hour > 23
        || minute > 59
        || second > 59
        || parts.next().is_some()
        || (has_fraction && (written == 0 || written > 9 || whole.len() < 8));
    if wrong {
        return None;
    }
    let mut nanos = if written == 0 { 0 } else { digits(fraction, written)? };
    for _ in written..9 {
        nanos *= 10;
    }
    Some((hour * 3600 + minute * 60 + second, nanos, written as u32))
}

fn digits(text: &str, n_digits: usize) -> Option<u32> {
    let all_digits = text.len() == n_digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_turn_into_one_another() {
        let mut days = days_of(-5, 1, 1);
        let mut before = date_of(days - 1);
        while days < days_of(2405, 1, 1) {
            let date = date_of(days);
            assert!(date > before, "{date:?} follows {before:?}");
            assert!(date.day <= month_days(date.year, date.month));
            assert_eq!(days_of(date.year, date.month, date.day), days);
            before = date;
            days += 1;
        }
        assert_eq!(date_of(0), Date { year: 1970, month: 1, day: 1 });
        assert_eq!(weekday(0), 3);
    }

    #[test]
    fn weeks_are_those_of_iso() {
        assert_eq!(iso_week(days_of(2021, 1, 3)), (2020, 53));
        assert_eq!(iso_week(days_of(2021, 1, 4)), (2021, 1));
        assert_eq!(iso_week(days_of(2018, 12, 31)), (2019, 1));
    }

    #[test]
    fn times_are_read_from_text() {
        let at = |text| parse_iso(text).map(|it: Instant| (it.seconds, it.nanos, it.n_decimals));
        assert_eq!(at("1970-01-02"), Some((86_400, 0, 0)));
        assert_eq!(at("1970-01"), Some((0, 0, 0)));
        assert_eq!(at("1970-01-01T00:00:01.5"), Some((1, 500_000_000, 1)));
        assert_eq!(at("1969-12-31 23:59"), Some((-60, 0, 0)));
        for wrong in ["1970-02-29", "1970-1-1", "abc", "", "1970-01-01T00:00Z", "1970-01-01 "] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
