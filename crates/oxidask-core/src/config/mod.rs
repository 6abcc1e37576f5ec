//! Configuration: one tree of settings, put together from defaults, files, environment variables
//! and calls, in this order of growing strength.
//!
//! Pure: texts and variables come in as values. Which files there are, and reading them, is
//! `oxidask-runtime`'s `config_files`; Python keeps a tree of its own (nested dictionaries, in
//! `python/oxidask/config.py`) from the same defaults, the same YAML reader and the same table of
//! former names.
//!
//! [`value`] is what a setting can hold; [`yaml`], [`emit`], [`literal`] and [`size`] are its texts;
//! [`path`] and [`merge`] are what can be done with a tree; [`environment`], [`inherit`] and
//! [`deprecation`] are about where settings come from.

pub mod deprecation;
pub mod emit;
pub mod environment;
pub mod inherit;
pub mod literal;
pub mod merge;
pub mod path;
mod scalar;
pub mod size;
pub mod value;
pub mod yaml;

pub use deprecation::Notice;
pub use merge::Priority;
pub use value::{Map, Value};
pub use yaml::parse_yaml;

/// The defaults of all settings: the one copy, for Rust and for Python.
pub const DEFAULTS_YAML: &str = include_str!("oxidask.yaml");

/// What can be wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A text is no YAML, or says what a configuration can't hold.
    #[error("line {line}, column {column}: {problem}")]
    Yaml {
        /// From one.
        line: usize,
        /// From one.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A document has something else than a section at its top.
    #[error("a configuration must have a mapping at its top level, not {found}")]
    NotAMapping {
        /// What it has.
        found: &'static str,
    },
    /// A name lies inside of something that is no section.
    #[error(
        "cannot set '{path}': '{at}' holds {holds}, which has no names inside; set '{at}' itself"
    )]
    Blocked {
        /// The setting.
        path: String,
        /// The name on the way to it that is in its way.
        at: String,
        /// What that holds.
        holds: &'static str,
    },
    /// A setting is gone.
    #[error("the setting '{path}' was removed and has no effect; do not set it")]
    Removed {
        /// Its name.
        path: String,
    },
    /// The configuration that a parent process handed over can't be read.
    #[error("'{text}' is no serialized configuration; unset OXIDASK_INTERNAL_INHERIT_CONFIG")]
    Inherited {
        /// How it begins.
        text: String,
    },
}

/// A tree of settings that remembers its defaults.
///
/// ```
/// use oxidask_core::config::Config;
///
/// let mut config = Config::new();
/// assert_eq!(config.get("array.chunk_size").and_then(|v| v.as_str()), Some("128MiB"));
/// config.set("array.chunk-size", "1MiB")?;
/// assert_eq!(config.get("array.chunk-size").and_then(|v| v.as_str()), Some("1MiB"));
/// # Ok::<(), oxidask_core::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    tree: Map,
    defaults: Vec<Map>,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl Config {
    /// The built-in defaults.
    ///
    /// # Panics
    /// Never: the defaults are part of the program, and tests read them.
    #[must_use]
    pub fn new() -> Self {
        let mut config = Self { tree: Map::new(), defaults: Vec::new() };
        config.update_defaults(parse_tree(DEFAULTS_YAML).expect("the built-in defaults are YAML"));
        config
    }

    /// The whole tree.
    #[must_use]
    pub fn tree(&self) -> &Map {
        &self.tree
    }

    /// Finds a setting by its dotted name.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        path::get(&self.tree, path)
    }

    /// Changes a setting, under its present name, and returns what it was.
    ///
    /// # Errors
    /// [`ConfigError::Blocked`] if the name lies inside of a plain value, [`ConfigError::Removed`]
    /// if the setting is gone.
    pub fn set(
        &mut self,
        path: &str,
        value: impl Into<Value>,
    ) -> Result<Option<Value>, ConfigError> {
        let (path, _) = deprecation::present_name(path)?;
        path::set(&mut self.tree, &path, value.into())
    }

    /// Removes a setting and returns it.
    pub fn pop(&mut self, path: &str) -> Option<Value> {
        path::pop(&mut self.tree, path)
    }

    /// Merges in a stronger tree.
    pub fn update(&mut self, layer: Map) {
        merge::update(&mut self.tree, layer, Priority::New);
    }

    /// Registers more defaults: values that still are a former default change, all others stay.
    pub fn update_defaults(&mut self, new: Map) {
        let former = merge::merge(self.defaults.iter().cloned());
        merge::update(&mut self.tree, new.clone(), Priority::NewDefaults(&former));
        self.defaults.push(new);
    }

    /// Starts again from the defaults and merges in `layers`, the weakest first.
    ///
    /// Settings under former names are moved. Returned are the notices to show: those that no
    /// stronger layer answers, by setting the present name or `ignore-deprecated.<former name>`.
    ///
    /// # Errors
    /// [`ConfigError::Blocked`] where a plain value lies on the way to a present name.
    pub fn refresh(
        &mut self,
        layers: impl IntoIterator<Item = Map>,
    ) -> Result<Vec<Notice>, ConfigError> {
        let mut tree = merge::merge(self.defaults.iter().cloned());
        let mut pending: Vec<Notice> = Vec::new();
        for mut layer in layers {
            let met = deprecation::rename(&mut layer)?;
            pending.retain(|notice| {
                let answered = match notice.present {
                    Some(present) => path::get(&layer, present),
                    None => path::get(&layer, &format!("ignore-deprecated.{}", notice.former)),
                };
                answered.is_none() && !met.contains(notice)
            });
            pending.extend(met);
            merge::update(&mut tree, layer, Priority::New);
        }
        self.tree = tree;
        Ok(pending)
    }
}

/// Reads a document that is a tree of settings; an empty one is an empty tree.
///
/// # Errors
/// [`ConfigError::Yaml`] if the text is no YAML, [`ConfigError::NotAMapping`] if it is something
/// else than a mapping.
pub fn parse_tree(text: &str) -> Result<Map, ConfigError> {
    match parse_yaml(text)? {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(ConfigError::NotAMapping { found: other.kind() }),
    }
}

#[cfg(test)]
mod tests;
