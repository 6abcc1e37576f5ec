//! Sizes as settings give them: `128MiB`, `2 GB`, `1e6`.

/// The bytes of a size: a number, a unit, or both. `k`, `M`, `G`, `T` and `P` stand for powers of
/// 1000, `Ki` and so on for powers of 1024; a `B` may follow; case and spaces do not count. A
/// fraction of a byte is dropped. `None` if the text is no size.
///
/// ```
/// use oxidask_core::config::size::parse_bytes;
///
/// assert_eq!(parse_bytes("5.4 kB"), Some(5400));
/// assert_eq!(parse_bytes("128MiB"), Some(128 << 20));
/// assert_eq!(parse_bytes("5 foos"), None);
/// ```
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[number.len()..].to_ascii_lowercase();
    let amount: f64 = match (number, unit.as_str()) {
        ("", "") => return None,
        ("", _) => 1.0,
        (number, _) => number.parse().ok()?,
    };
    let bytes = amount * unit_bytes(unit.strip_suffix('b').unwrap_or(&unit))?;
    (0.0..u64::MAX as f64).contains(&bytes).then_some(bytes as u64)
}

fn unit_bytes(unit: &str) -> Option<f64> {
    let (letter, base) = match unit.strip_suffix('i') {
        Some(letter) => (letter, 1024f64),
        None if unit.is_empty() => return Some(1.0),
        None => (unit, 1000f64),
    };
    let power = ["k", "m", "g", "t", "p"].iter().position(|&known| known == letter)?;
    Some(base.powi(power as i32 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_that_dask_reads() {
        for (text, bytes) in [
            ("100", 100),
            ("100 MB", 100_000_000),
            ("1kiB", 1024),
            ("2KI", 2048),
            ("2k", 2000),
            ("1e6 kB", 1_000_000_000),
            ("MB", 1_000_000),
            (".5GB", 500_000_000),
            (" 3 MB ", 3_000_000),
            ("1 B", 1),
            ("1PiB", 1 << 50),
        ] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", " ", "5 foos", "1 MB 2", "0x10", "-3MB", "inf", "nan", "1i", "1e30", "ib"]
        {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
