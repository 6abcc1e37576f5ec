//! What a configuration says about computing on this machine.

use oxidask_core::config::size::parse_bytes;
use oxidask_core::config::{Config, Value, emit};
use oxidask_runtime::system;

use crate::error::Error;

/// Whether tasks run one after the other in the caller's thread.
pub(crate) fn is_sync(config: &Config) -> Result<bool, Error> {
    let setting = "scheduler";
    match config.get(setting) {
        None | Some(Value::Null) => Ok(false),
        Some(value) => match value.as_str() {
            Some("threads" | "threading" | "threaded") => Ok(false),
            Some("sync" | "synchronous" | "single-threaded") => Ok(true),
            _ => Err(wrong(setting, value, "threads or sync, where no Python runs")),
        },
    }
}

/// How many tasks may run at a time.
pub(crate) fn n_workers(config: &Config) -> Result<Option<usize>, Error> {
    let setting = "num-workers";
    match config.get(setting) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value {
            Value::Int(1..) => value.as_i64().and_then(|n| usize::try_from(n).ok()),
            _ => None,
        }
        .map(Some)
        .ok_or_else(|| wrong(setting, value, "a whole number from 1 on")),
    }
}

/// The memory budget, if one is set: `u64::MAX` for none.
pub(crate) fn memory_limit_bytes(config: &Config) -> Result<Option<u64>, Error> {
    let setting = "local.memory-limit";
    let error = |value| {
        let wanted = "auto, a size such as 2GiB, a fraction of this machine's memory such as 0.5, \
                      or null for no limit";
        wrong(setting, value, wanted)
    };
    let limit = match config.get(setting) {
        None => return Ok(None),
        Some(Value::Null) => Some(u64::MAX),
        Some(Value::Str(text)) if text == "auto" => return Ok(None),
        Some(Value::Str(text)) => parse_bytes(text),
        Some(&Value::Int(bytes)) => u64::try_from(bytes).ok(),
        Some(&Value::Float(share)) if share > 0.0 && share <= 1.0 => {
            let all = system::memory_limit_bytes();
            Some(all.map_or(u64::MAX, |all| (all as f64 * share) as u64))
        }
        Some(_) => None,
    };
    match (limit, config.get(setting)) {
        (Some(1..), _) | (_, None) => Ok(limit),
        (_, Some(value)) => Err(error(value)),
    }
}

/// The directory for spilled values, if one is set.
pub(crate) fn spill_directory(config: &Config) -> Result<Option<String>, Error> {
    for setting in ["local.spill-directory", "temporary-directory"] {
        match config.get(setting) {
            None | Some(Value::Null) => {}
            Some(Value::Str(directory)) => return Ok(Some(directory.clone())),
            Some(value) => return Err(wrong(setting, value, "the path of a directory, or null")),
        }
    }
    Ok(None)
}

fn wrong(setting: &'static str, value: &Value, wanted: &'static str) -> Error {
    Error::Setting { setting, found: emit::to_yaml(value).trim_end().to_owned(), wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(setting: &str, value: impl Into<Value>) -> Config {
        let mut config = Config::new();
        config.set(setting, value).unwrap();
        config
    }

    #[test]
    fn defaults_leave_the_choice_to_the_scheduler() {
        let config = Config::new();
        assert!(!is_sync(&config).unwrap());
        assert_eq!(n_workers(&config).unwrap(), None);
        assert_eq!(memory_limit_bytes(&config).unwrap(), None);
        assert_eq!(spill_directory(&config).unwrap(), None);
    }

    #[test]
    fn values_are_read() {
        assert!(is_sync(&with("scheduler", "sync")).unwrap());
        assert_eq!(n_workers(&with("num_workers", 3i64)).unwrap(), Some(3));
        let limit = |value: Value| memory_limit_bytes(&with("local.memory-limit", value)).unwrap();
        assert_eq!(limit("2 GiB".into()), Some(2 << 30));
        assert_eq!(limit(Value::Int(4096)), Some(4096));
        assert_eq!(limit(Value::Null), Some(u64::MAX));
        let (half, whole) = (limit(Value::Float(0.5)).unwrap(), limit(Value::Float(1.0)).unwrap());
        assert!(half < whole && whole - half - half <= 1);
        let config = with("temporary-directory", "scratch");
        assert_eq!(spill_directory(&config).unwrap().as_deref(), Some("scratch"));
    }

    #[test]
    fn what_makes_no_sense_is_named_with_what_would() {
        let error = is_sync(&with("scheduler", "processes")).unwrap_err().to_string();
        assert!(
            error.starts_with("the setting scheduler is processes; it takes threads"),
            "{error}"
        );
        for bad in [Value::Int(0), Value::Int(-1), Value::Float(2.0), "two".into()] {
            assert!(n_workers(&with("num-workers", bad)).is_err());
        }
        for bad in
            [Value::Int(0), Value::Float(-0.5), Value::Float(1.5), "0 GiB".into(), "much".into()]
        {
            assert!(memory_limit_bytes(&with("local.memory-limit", bad)).is_err());
        }
        assert!(spill_directory(&with("local.spill-directory", true)).is_err());
    }
}
