//! Dotted names: finding, setting and removing what lies at `array.chunk-size`.
//!
//! In names, `-` and `_` are the same: a name that a section holds keeps the spelling that it has
//! there, a new one keeps the spelling in which it comes.

use super::ConfigError;
use super::value::{Map, Value};

/// The spelling under which `section` already holds `name`, or else `name`.
#[must_use]
pub fn canonical_name(section: &Map, name: &str) -> String {
    if section.get(name).is_some() {
        return name.to_owned();
    }
    let dashed = |text: &str| text.replace('_', "-");
    // The two pure spellings before mixed ones, as a section may hold several.
    for candidate in [dashed(name), name.replace('-', "_")] {
        if section.get(&candidate).is_some() {
            return candidate;
        }
    }
    let wanted = dashed(name);
    section
        .keys()
        .filter_map(Value::as_str)
        .find(|key| dashed(key) == wanted)
        .unwrap_or(name)
        .to_owned()
}

/// Finds a setting.
pub(super) fn get<'a>(tree: &'a Map, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = names.next()?;
    let mut value = tree.get(&canonical_name(tree, first))?;
    for name in names {
        let section = value.as_map()?;
        value = section.get(&canonical_name(section, name))?;
    }
    Some(value)
}

/// Sets a setting, making the sections on the way, and returns what was there.
///
/// # Errors
/// [`ConfigError::Blocked`] if something on the way holds a plain value.
pub(super) fn set(tree: &mut Map, path: &str, value: Value) -> Result<Option<Value>, ConfigError> {
    let (parents, last) = match path.rsplit_once('.') {
        Some((parents, last)) => (Some(parents), last),
        None => (None, path),
    };
    let mut section = tree;
    for name in parents.into_iter().flat_map(|parents| parents.split('.')) {
        let name = canonical_name(section, name);
        if matches!(section.get(&name), None | Some(Value::Null)) {
            section.insert(name.as_str(), Map::new());
        }
        section = match section.get_mut(&name) {
            Some(Value::Map(inner)) => inner,
            other => {
                let holds = other.map_or("nothing", |value| value.kind());
                return Err(ConfigError::Blocked { path: path.to_owned(), at: name, holds });
            }
        };
    }
    let last = canonical_name(section, last);
    Ok(section.insert(last, value))
}

/// Removes a setting and returns it.
pub(super) fn pop(tree: &mut Map, path: &str) -> Option<Value> {
    let Some((parents, last)) = path.rsplit_once('.') else {
        return tree.remove(&canonical_name(tree, path));
    };
    let mut section = tree;
    for name in parents.split('.') {
        let name = canonical_name(section, name);
        let Some(Value::Map(inner)) = section.get_mut(&name) else { return None };
        section = inner;
    }
    let last = canonical_name(section, last);
    section.remove(&last)
}
