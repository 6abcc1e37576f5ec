//! What a setting can hold, and the ordered mapping that a section is.
//!
//! Reading text is the business of [`super::yaml`] and [`super::literal`].

/// A setting: what a YAML document of plain data can say.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: the choice is left to Oxidask.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number. Wider than 64 bits, as Python's have no bound.
    Int(i128),
    /// A number with a fraction, or an infinity.
    Float(f64),
    /// Text.
    Str(String),
    /// Several values.
    List(Vec<Value>),
    /// A section: values by name.
    Map(Map),
}

impl Value {
    /// What kind of value this is, in words for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Str(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a section",
        }
    }

    /// The truth value, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self { Some(*value) } else { None }
    }

    /// The whole number, if this is one that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Value::Int(value) = self { i64::try_from(*value).ok() } else { None }
    }

    /// The number, if this is one, whole or not.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Str(value) = self { Some(value) } else { None }
    }

    /// The list, if this is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Value::List(values) = self { Some(values) } else { None }
    }

    /// The section, if this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = self { Some(map) } else { None }
    }

    /// Replaces `$NAME` and `${NAME}` in every text, at any depth, by what `lookup` says.
    ///
    /// The names of sections stay as they are, and so do variables that `lookup` does not know.
    #[must_use]
    pub fn expand(self, lookup: &dyn Fn(&str) -> Option<String>) -> Value {
        match self {
            Value::Str(text) => Value::Str(expand_text(&text, lookup)),
            Value::List(values) => {
                Value::List(values.into_iter().map(|value| value.expand(lookup)).collect())
            }
            Value::Map(map) => Value::Map(Map {
                entries: map.entries.into_iter().map(|(k, v)| (k, v.expand(lookup))).collect(),
            }),
            plain => plain,
        }
    }
}

fn expand_text(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        let (name, length) = match behind.strip_prefix('{') {
            Some(braced) => match braced.find('}') {
                Some(end) => (&braced[..end], end + 3),
                None => ("", 1),
            },
            None => {
                let end = behind
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(behind.len());
                (&behind[..end], end + 1)
            }
        };
        match if name.is_empty() { None } else { lookup(name) } {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
    }
    out + rest
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Str(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Str(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Value::List(values)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Value::Map(map)
    }
}

/// A mapping that keeps the order in which its names came; equality does not look at the order.
///
/// Names are almost always text; YAML allows other plain values, and so does this. Looking up is
/// a scan, as the sections of a configuration are small.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: Vec<(Value, Value)>,
}

impl Map {
    /// An empty mapping.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of exactly this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
    }

    /// The value of exactly this name, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.entries.iter_mut().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
    }

    /// Sets a value and returns the former one. A name that was there keeps its place.
    pub fn insert(&mut self, name: impl Into<Value>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        match self.entries.iter_mut().find(|(key, _)| *key == name) {
            Some((_, present)) => Some(std::mem::replace(present, value)),
            None => {
                self.entries.push((name, value));
                None
            }
        }
    }

    /// Removes a name and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.entries.iter().position(|(key, _)| key.as_str() == Some(name))?;
        Some(self.entries.remove(at).1)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Value, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Names, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.entries.iter().map(|(key, _)| key)
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.entries.iter().all(|entry| other.entries.contains(entry))
    }
}

impl IntoIterator for Map {
    type Item = (Value, Value);
    type IntoIter = std::vec::IntoIter<(Value, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Map::new();
        for (name, value) in entries {
            map.insert(name, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansion_replaces_known_variables_only() {
        let lookup = |name: &str| (name == "HOME").then(|| "/home/ada".to_owned());
        let expanded = |text: &str| expand_text(text, &lookup);
        assert_eq!(expanded("$HOME/x"), "/home/ada/x");
        assert_eq!(expanded("${HOME}x-$HOMEX $"), "/home/adax-$HOMEX $");
        assert_eq!(expanded("${HOM} ${HOME"), "${HOM} ${HOME");
        assert_eq!(expanded("ünï$HOME"), "ünï/home/ada");
    }

    #[test]
    fn equality_ignores_order() {
        let one = Map::from_iter([("a", 1i64), ("b", 2i64)]);
        let two = Map::from_iter([("b", 2i64), ("a", 1i64)]);
        assert_eq!(one, two);
        assert_ne!(one, Map::from_iter([("a", 1i64)]));
    }
}
