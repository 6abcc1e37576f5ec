//! What an unquoted word of YAML means, by the rules of YAML 1.1 (<https://yaml.org/type/>) that
//! the users' files were written for: `yes` is true, `0777` is octal, `1:30` counts in sixties, and
//! `1e3` is text, for want of a dot and of a sign in the exponent.

use super::value::Value;

/// Reads a plain scalar. What is no null, truth value or number is text.
pub(super) fn resolve(word: &str) -> Value {
    // Almost every word is text: settle that by the first character.
    let Some(first) = word.chars().next() else { return Value::Null };
    match first {
        '~' | 'n' | 'N' | 'y' | 'Y' | 't' | 'T' | 'f' | 'F' | 'o' | 'O' => {
            keyword(word).unwrap_or_else(|| word.into())
        }
        '0'..='9' | '+' | '-' | '.' => {
            int(word).or_else(|| float(word)).unwrap_or_else(|| word.into())
        }
        _ => word.into(),
    }
}

/// Null and truth values.
pub(super) fn keyword(word: &str) -> Option<Value> {
    match word {
        "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Value::Bool(true))
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Value::Bool(false))
        }
        _ => None,
    }
}

fn split_sign(word: &str) -> (bool, &str) {
    match word.as_bytes().first() {
        Some(b'-') => (true, &word[1..]),
        Some(b'+') => (false, &word[1..]),
        _ => (false, word),
    }
}

/// Whole numbers: decimal, `0b`, `0x`, octal behind a zero, and sixties behind colons.
pub(super) fn int(word: &str) -> Option<Value> {
    let (negative, body) = split_sign(word);
    let radix = |digits: &str, radix: u32| {
        let plain: String = digits.chars().filter(|&c| c != '_').collect();
        // `from_str_radix` would take a sign here.
        if plain.starts_with(['+', '-']) { None } else { i128::from_str_radix(&plain, radix).ok() }
    };
    let magnitude = if let Some(digits) = body.strip_prefix("0b") {
        radix(digits, 2)
    } else if let Some(digits) = body.strip_prefix("0x") {
        radix(digits, 16)
    } else if let Some(digits) = body.strip_prefix('0') {
        if digits.chars().all(|c| c == '_') { Some(0) } else { radix(digits, 8) }
    } else if body.contains(':') {
        sixties(body, |digits| radix(digits, 10))
    } else if body.starts_with(|c: char| c.is_ascii_digit()) {
        radix(body, 10)
    } else {
        None
    }?;
    Some(Value::Int(if negative { -magnitude } else { magnitude }))
}

fn sixties(body: &str, read: impl Fn(&str) -> Option<i128>) -> Option<i128> {
    let (head, tail) = body.split_once(':')?;
    if !head.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return None;
    }
    let mut total = read(head)?;
    for part in tail.split(':') {
        total = total.checked_mul(60)?.checked_add(sixtieth(part)?)?;
    }
    Some(total)
}

/// One or two digits below sixty.
fn sixtieth(part: &str) -> Option<i128> {
    let valid = matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    if valid { part.parse().ok() } else { None }
}

/// Numbers with a dot: decimal fractions, the infinities and not-a-number.
pub(super) fn float(word: &str) -> Option<Value> {
    let (negative, body) = split_sign(word);
    let sign = if negative { -1.0 } else { 1.0 };
    match body {
        ".inf" | ".Inf" | ".INF" => return Some(Value::Float(sign * f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" => {
            return (body.len() == word.len()).then_some(Value::Float(f64::NAN));
        }
        _ => {}
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    if !digits(fraction) {
        return None;
    }
    if let Some(exponent) = exponent {
        let power = exponent.strip_prefix(['+', '-'])?;
        if power.is_empty() || !power.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
    }
    if whole.contains(':') && exponent.is_none() {
        return sixties_with_fraction(whole, fraction).map(|value| Value::Float(sign * value));
    }
    let starts_right = if whole.is_empty() {
        fraction.starts_with(|c: char| c.is_ascii_digit()) && body.len() == word.len()
    } else {
        whole.starts_with(|c: char| c.is_ascii_digit()) && digits(whole)
    };
    if !starts_right {
        return None;
    }
    let plain: String = body.chars().filter(|&c| c != '_').collect();
    plain.parse::<f64>().ok().map(|value| Value::Float(sign * value))
}

fn sixties_with_fraction(whole: &str, fraction: &str) -> Option<f64> {
    let mut parts = whole.split(':');
    let head: String = parts.next()?.chars().filter(|&c| c != '_').collect();
    let mut total: f64 = head.parse().ok()?;
    for part in parts {
        total = total * 60.0 + sixtieth(part)? as f64;
    }
    let plain: String = fraction.chars().filter(|&c| c != '_').collect();
    Some(total + format!("0.{plain}0").parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_yaml_1_1_says() {
        for (word, expected) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("yes", true.into()),
            ("Off", false.into()),
            ("y", "y".into()),
            ("12", Value::Int(12)),
            ("-1_000", Value::Int(-1000)),
            ("0777", Value::Int(511)),
            ("0", Value::Int(0)),
            ("-0_", Value::Int(0)),
            ("089", "089".into()),
            ("0x1F", Value::Int(31)),
            ("0b101", Value::Int(5)),
            ("1:30", Value::Int(90)),
            ("1:75", "1:75".into()),
            ("1.5", 1.5.into()),
            ("1.", 1.0.into()),
            (".5", 0.5.into()),
            ("1e3", "1e3".into()),
            ("1.0e3", "1.0e3".into()),
            ("1.0e+3", 1000.0.into()),
            ("-.inf", f64::NEG_INFINITY.into()),
            ("1:30.5", 90.5.into()),
            ("128MiB", "128MiB".into()),
            ("1.2.3", "1.2.3".into()),
            ("-", "-".into()),
            ("2001-01-01", "2001-01-01".into()),
        ] {
            assert_eq!(resolve(word), expected, "{word}");
        }
    }
}
