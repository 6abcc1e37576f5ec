//! One field of a line: where it ends, and the number, truth or time that it is.

use std::borrow::Cow;

use memchr::memchr;

use super::options::{CsvOptions, TimeForm};

/// What ends fields.
pub(super) struct Ends {
    sep: u8,
    quote: Option<u8>,
    is_end: [bool; 256],
}

/// A field without its quotes, and where it ended.
pub(super) struct Found<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) end: usize,
    /// Whether a quote was not closed.
    pub(super) open: bool,
}

impl Ends {
    pub(super) fn of(options: &CsvOptions) -> Self {
        let mut is_end = [false; 256];
        for byte in [options.sep, b'\n', b'\r'] {
            is_end[usize::from(byte)] = true;
        }
        Self { sep: options.sep, quote: options.quote, is_end }
    }

    pub(super) fn sep(&self) -> u8 {
        self.sep
    }

    /// Whether a field can't go on at this place.
    #[inline]
    pub(super) fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        bytes.get(at).is_none_or(|&byte| self.is_end[usize::from(byte)])
    }

    /// Where an unquoted field that is open at this place ends.
    #[inline]
    pub(super) fn next(&self, bytes: &[u8], at: usize) -> usize {
        let rest = &bytes[at..];
        at + rest.iter().position(|&b| self.is_end[usize::from(b)]).unwrap_or(rest.len())
    }

    /// Whether a field that begins here is quoted.
    #[inline]
    pub(super) fn is_quoted(&self, bytes: &[u8], at: usize) -> bool {
        self.quote.is_some() && bytes.get(at).copied() == self.quote
    }

    /// The field that begins here.
    #[inline]
    pub(super) fn field<'a>(&self, text: &'a str, at: usize) -> Found<'a> {
        if self.is_quoted(text.as_bytes(), at) {
            return self.quoted(text, at + 1);
        }
        let end = self.next(text.as_bytes(), at);
        Found { text: Cow::Borrowed(&text[at..end]), end, open: false }
    }

    fn quoted<'a>(&self, text: &'a str, start: usize) -> Found<'a> {
        let bytes = text.as_bytes();
        let quote = self.quote.unwrap_or(b'"');
        let mut owned: Option<String> = None;
        let mut at = start;
        loop {
            let Some(n) = memchr(quote, &bytes[at..]) else {
                let rest = &text[at..];
                let text = owned.map_or(Cow::Borrowed(rest), |all| Cow::Owned(all + rest));
                return Found { text, end: bytes.len(), open: true };
            };
            let close = at + n;
            if bytes.get(close + 1) == Some(&quote) {
                owned.get_or_insert_default().push_str(&text[at..=close]);
                at = close + 2;
                continue;
            }
            // What follows a closing quote belongs to the field, too.
            let end = self.next(bytes, close + 1);
            if owned.is_none() && end == close + 1 {
                return Found { text: Cow::Borrowed(&text[start..close]), end, open: false };
            }
            let mut all = owned.unwrap_or_default();
            all.push_str(&text[at..close]);
            all.push_str(&text[close + 1..end]);
            return Found { text: Cow::Owned(all), end, open: false };
        }
    }

    /// Where the next line begins, given where the last field of one ended.
    #[inline]
    pub(super) fn after_line(&self, bytes: &[u8], end: usize) -> usize {
        match bytes.get(end) {
            Some(b'\r') if bytes.get(end + 1) == Some(&b'\n') => end + 2,
            Some(_) => end + 1,
            None => end,
        }
    }

    /// Where a blank line that begins here ends; none if the line has something in it.
    #[inline]
    pub(super) fn blank(&self, bytes: &[u8], at: usize) -> Option<usize> {
        match bytes.get(at)? {
            b'\n' | b'\r' => Some(at),
            b' ' | b'\t' if bytes[at] != self.sep => {
                let rest = &bytes[at..];
                let n = rest.iter().position(|&b| b == self.sep || (b != b' ' && b != b'\t'));
                let end = at + n.unwrap_or(rest.len());
                matches!(bytes.get(end), None | Some(b'\n' | b'\r')).then_some(end)
            }
            _ => None,
        }
    }
}

/// The integer that begins here, if up to 18 digits of it are all of the field.
#[inline]
pub(super) fn short_integer(bytes: &[u8], start: usize, ends: &Ends) -> Option<(i64, usize)> {
    let negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(negative);
    let (mut at, mut value) = (first, 0_i64);
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10) {
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        at += 1;
    }
    let fits = at > first && at - first <= 18 && ends.is_at(bytes, at);
    fits.then_some((if negative { -value } else { value }, at))
}

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The decimal number that begins here, if it is all of the field and if its digits and its power of ten are
/// exact as floats, so that one operation rounds it right (Clinger's fast path).
#[inline]
pub(super) fn short_float(bytes: &[u8], start: usize, ends: &Ends) -> Option<(f64, usize)> {
    let negative = bytes.get(start) == Some(&b'-');
    let mut at = start + usize::from(negative);
    let (mut digits, mut n_digits, mut power) = (0_u64, 0, 0_i32);
    let mut digit_at = |at: usize| {
        let digit = bytes.get(at)?.wrapping_sub(b'0');
        (digit < 10).then(|| {
            digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
            n_digits += 1;
        })
    };
    while digit_at(at).is_some() {
        at += 1;
    }
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        while digit_at(at).is_some() {
            at += 1;
            power -= 1;
        }
    }
    if n_digits == 0 || n_digits > 19 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let (exponent, end) = match bytes.get(at + 1) {
            Some(b'+') => short_integer(bytes, at + 2, ends).filter(|(value, _)| *value >= 0)?,
            _ => short_integer(bytes, at + 1, ends)?,
        };
        power = power.checked_add(i32::try_from(exponent).ok()?)?;
        at = end;
    }
    let scale = *POWERS.get(power.unsigned_abs() as usize)?;
    if !ends.is_at(bytes, at) || digits > 1 << 53 {
        return None;
    }
    let value = if power < 0 { digits as f64 / scale } else { digits as f64 * scale };
    Some((if negative { -value } else { value }, at))
}

/// The integer that a field is, as far as 65 bits hold it.
pub(super) fn integer(field: &str) -> Option<i128> {
    let field = field.trim_matches([' ', '\t']);
    let digits = field.strip_prefix(['+', '-']).unwrap_or(field);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_integer { field.parse().ok() } else { None }
}

/// The floating point number that a field is.
pub(super) fn float(field: &str) -> Option<f64> {
    let field = field.trim_matches([' ', '\t']);
    let body = field.strip_prefix(['+', '-']).unwrap_or(field);
    let is_number = body.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
    let is_infinite = || body.eq_ignore_ascii_case("inf") || body.eq_ignore_ascii_case("infinity");
    let value = if is_number || is_infinite() { field.parse::<f64>().ok()? } else { return None };
    // pandas takes numbers that no float holds for text.
    (value.is_finite() || !is_number).then_some(value)
}

/// The form of the time that a field is, with its microseconds since 1970.
pub(super) fn time(field: &str) -> Option<(TimeForm, i64)> {
    let bytes = field.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = bytes.get(range)?;
        digits.iter().try_fold(0, |all, digit| {
            digit.is_ascii_digit().then(|| all * 10 + i64::from(digit - b'0'))
        })
    };
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let in_month = day >= 1 && day <= days_in_month(year, month)?;
    if !is(4, b'-') || !is(7, b'-') || !in_month || year == 0 {
        return None;
    }
    let mut form = TimeForm { between: None, seconds: false, fraction: false };
    let mut micros = days(year, month, day) * 86_400_000_000;
    if bytes.len() == 10 {
        return Some((form, micros));
    }
    form.between = Some(bytes[10]).filter(|byte| matches!(byte, b' ' | b'T'));
    form.between?;
    let (hour, minute) = (number(11..13)?, number(14..16)?);
    if !is(13, b':') || hour > 23 || minute > 59 {
        return None;
    }
    micros += (hour * 60 + minute) * 60_000_000;
    if bytes.len() == 16 {
        return Some((form, micros));
    }
    let second = number(17..19)?;
    if !is(16, b':') || second > 59 {
        return None;
    }
    form.seconds = true;
    micros += second * 1_000_000;
    if bytes.len() == 19 {
        return Some((form, micros));
    }
    let n_digits = bytes.len() - 20;
    if !is(19, b'.') || !(1..=6).contains(&n_digits) {
        return None;
    }
    form.fraction = true;
    micros += number(20..bytes.len())? * 10_i64.pow(6 - n_digits as u32);
    Some((form, micros))
}

fn days_in_month(year: i64, month: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    Some(match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar: years begin in March, so that the leap day is their
/// last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + day_of_year - 719_468
}

/// Year, month and day of a day counted from 1970-01-01: the other way round.
pub(super) fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ends() -> Ends {
        Ends::of(&CsvOptions::default())
    }

    #[test]
    fn quotes_hold_what_is_in_them() {
        let field = |text| ends().field(text, 0).text.into_owned();
        assert_eq!(field("\"a,\n\"\"b\"\"\",c"), "a,\n\"b\"");
        assert_eq!(field("z\"q,c"), "z\"q");
        assert_eq!(field("\"x\"y,c"), "xy");
        assert!(ends().field("\"x", 0).open);
    }

    #[test]
    fn times_have_forms() {
        let micros = |text| time(text).map(|(_, micros)| micros);
        assert_eq!(micros("1970-01-02"), Some(86_400_000_000));
        assert_eq!(micros("2000-02-29T12:30:15.25"), Some(951_827_415_250_000));
        assert_eq!(micros("1969-12-31 23:59:59"), Some(-1_000_000));
        for wrong in ["2001-02-29", "2001-1-2", "x", "2001-01-01 24:00", "2001-01-01 10"] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn floats_are_read_as_the_standard_library_reads_them(value in any::<f64>(), short in -1e6..1e6f64) {
            for value in [value, (short * 1e3).round() / 1e3] {
                prop_assume!(value.is_finite());
                for text in [format!("{value}"), format!("{value:e}")] {
                    if let Some((read, end)) = short_float(text.as_bytes(), 0, &ends()) {
                        prop_assert_eq!((read.to_bits(), end), (value.to_bits(), text.len()));
                    }
                    prop_assert_eq!(float(&text), Some(value));
                }
            }
        }

        #[test]
        fn integers_are_read(value in any::<i64>()) {
            let text = value.to_string();
            prop_assert_eq!(integer(&text), Some(value.into()));
            if let Some((read, _)) = short_integer(text.as_bytes(), 0, &ends()) {
                prop_assert_eq!(read, value);
            }
        }

        #[test]
        fn days_turn_back(day in -1_000_000i64..1_000_000) {
            let (year, month, day_of_month) = date(day);
            prop_assert_eq!(days(year, month, day_of_month), day);
        }
    }
}
