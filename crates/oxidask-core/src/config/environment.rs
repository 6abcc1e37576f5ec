//! Settings from environment variables.
//!
//! `OXIDASK_ARRAY__CHUNK_SIZE=1MiB` sets `array.chunk_size`: the prefix goes, two underscores are
//! a dot, and case does not count. Variables that were set for Dask count too, as the weaker ones.

use super::ConfigError;
use super::deprecation::{Notice, present_name};
use super::inherit::deserialize;
use super::literal::interpret_value;
use super::merge::{Priority, update};
use super::path;
use super::value::{Map, Value};

/// Prefixes of variables that are settings, the weaker first.
pub const PREFIXES: [&str; 2] = ["DASK_", "OXIDASK_"];
/// Behind a prefix: the variable in which a parent process hands over its configuration.
pub const INHERIT: &str = "INTERNAL_INHERIT_CONFIG";
/// Behind a prefix: variables that say where files are, and are no settings.
const STEERING: [&str; 2] = ["CONFIG", "ROOT_CONFIG"];

/// Reads settings from variables, of which all without a known prefix are passed over.
///
/// # Errors
/// [`ConfigError::Inherited`] for a broken inherited configuration, [`ConfigError::Blocked`] where
/// one variable sets a plain value and another one a name inside it, [`ConfigError::Removed`] for
/// a setting that is gone.
pub fn collect_env<K: AsRef<str>, V: AsRef<str>>(
    variables: impl IntoIterator<Item = (K, V)>,
) -> Result<(Map, Vec<Notice>), ConfigError> {
    let variables: Vec<(K, V)> = variables.into_iter().collect();
    let (mut tree, mut notices) = (Map::new(), Vec::new());
    for prefix in PREFIXES {
        let ours = || {
            variables.iter().filter_map(|(name, text)| {
                Some((name.as_ref().strip_prefix(prefix)?, text.as_ref()))
            })
        };
        if let Some((_, text)) = ours().find(|(name, text)| *name == INHERIT && !text.is_empty()) {
            match deserialize(text)? {
                Value::Map(inherited) => update(&mut tree, inherited, Priority::New),
                _ => return Err(ConfigError::Inherited { text: text.chars().take(40).collect() }),
            }
        }
        for (name, text) in ours() {
            let key = name.to_lowercase().replace("__", ".");
            if name == INHERIT || STEERING.contains(&name) || key.split('.').any(str::is_empty) {
                continue;
            }
            let (key, notice) = present_name(&key)?;
            notices.extend(notice);
            path::set(&mut tree, &key, interpret_value(text))?;
        }
    }
    Ok((tree, notices))
}
