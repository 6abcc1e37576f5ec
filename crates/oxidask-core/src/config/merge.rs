//! Merging trees, level by level.

use super::path::canonical_name;
use super::value::{Map, Value};

/// Whose value stays where both trees have one.
#[derive(Clone, Copy, Debug)]
pub enum Priority<'a> {
    /// The new tree's.
    New,
    /// The old tree's.
    Old,
    /// The new tree's where the old one still holds the former default given here: what a user
    /// has set stays, and defaults may change.
    NewDefaults(&'a Map),
}

/// Merges `new` into `old`.
///
/// A section replaces a plain value whatever the priority: code that was written for the section
/// reads names inside it.
pub fn update(old: &mut Map, new: Map, priority: Priority<'_>) {
    for (name, value) in new {
        let Some(name) = name.as_str() else {
            if matches!(priority, Priority::New) || !old.keys().any(|key| *key == name) {
                old.insert(name, value);
            }
            continue;
        };
        let name = canonical_name(old, name);
        let former = match priority {
            Priority::NewDefaults(defaults) => defaults.get(&canonical_name(defaults, &name)),
            _ => None,
        };
        match value {
            Value::Map(section) => {
                if old.get(&name).and_then(Value::as_map).is_none() {
                    old.insert(name.as_str(), Map::new());
                }
                let none = Map::new();
                let inner = match priority {
                    Priority::NewDefaults(_) => {
                        Priority::NewDefaults(former.and_then(Value::as_map).unwrap_or(&none))
                    }
                    other => other,
                };
                if let Some(Value::Map(target)) = old.get_mut(&name) {
                    update(target, section, inner);
                }
            }
            plain => {
                let present = old.get(&name);
                let replace = match priority {
                    Priority::New => true,
                    Priority::Old => present.is_none(),
                    Priority::NewDefaults(_) => present.is_none() || former == present,
                };
                if replace {
                    old.insert(name, plain);
                }
            }
        }
    }
}

/// Merges trees into a new one; later trees win.
pub fn merge(trees: impl IntoIterator<Item = Map>) -> Map {
    let mut result = Map::new();
    for tree in trees {
        update(&mut result, tree, Priority::New);
    }
    result
}
