//! Durations, memory limits and resources as people write them.

use std::sync::Arc;
use std::time::Duration;

use oxidask::core::config::size::parse_bytes;
use oxidask::runtime::system;

/// A duration: `90`, `1.5 hours`, `5m`, `200ms`. Numbers without a unit are seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write 90, 1.5 hours, 5m or 200ms");
    let text: String = text.split_whitespace().collect();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[number.len()..].to_ascii_lowercase().as_str() {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" | "millis" | "millisecond" | "milliseconds" => 1e-3,
        "" | "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return Err(wrong()),
    };
    let amount: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(amount * unit).map_err(|_| wrong())
}

/// A memory limit: bytes, a share of the machine's memory (`0.5`), `auto`, or `0` for none. For one of several
/// workers with so many threads of those that there are.
pub(super) fn memory_limit(text: &str, n_threads: u32, n_workers: u32) -> Result<u64, String> {
    let wrong = || {
        format!(
            "{text:?} is no memory limit; write 4GiB, 0.5 for half of the memory, auto, or 0 for none"
        )
    };
    let machine = system::memory_limit_bytes().unwrap_or(0);
    if text == "auto" {
        let share = f64::from(n_threads) / system::n_cpus() as f64;
        return Ok((machine as f64 * share.min(1.0 / f64::from(n_workers))) as u64);
    }
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok((machine as f64 * share) as u64),
        _ => parse_bytes(text).ok_or_else(wrong),
    }
}

/// Resources: `GPU=1,MEM=2e9`, or the same with spaces.
pub(super) fn resources(text: &str) -> Result<Vec<(Arc<str>, f64)>, String> {
    let pairs = text.split([',', ' ']).map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let found = pair.split_once('=').and_then(|(name, amount)| {
                let amount: f64 = amount.trim().parse().ok()?;
                (amount.is_finite() && amount >= 0.0).then(|| (Arc::from(name.trim()), amount))
            });
            found
                .ok_or_else(|| format!("{pair:?} is no resource; write GPU=1 or \"GPU=1 MEM=2e9\""))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("90", 90.0), ("1.5 hours", 5400.0), ("5m", 300.0), ("200ms", 0.2), ("1 day", 86400.0)]
        {
            assert_eq!(duration(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in ["", "soon", "5 parsecs", "-3s", "nan"] {
            assert!(duration(text).unwrap_err().contains("is no duration"), "{text}");
        }
    }

    #[test]
    fn limits_and_resources() {
        assert_eq!(memory_limit("4GiB", 1, 1), Ok(4 << 30));
        assert_eq!(memory_limit("0", 1, 1), Ok(0));
        let all = system::memory_limit_bytes().unwrap();
        assert_eq!(memory_limit("0.5", 1, 1), Ok(all / 2));
        assert!(memory_limit("auto", 1, 4).unwrap() <= all / 4);
        assert!(memory_limit("much", 1, 1).is_err());
        let found = resources("GPU=1, MEM=2e9").unwrap();
        assert_eq!(found, [("GPU".into(), 1.0), ("MEM".into(), 2e9)]);
        assert!(resources("GPU").is_err() && resources("GPU=many").is_err());
    }
}
