//! Plain data of any shape: what is asked and answered where a message of its own would not pay.
//!
//! Questions of people and tools (who holds what, take this lock, run that function on all workers) come by
//! name with data of this kind. What is asked a million times has a message of its own.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use oxidask_core::key::Key;

/// A value that any language can read.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Data {
    /// Nothing.
    #[default]
    Nil,
    /// Yes or no.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// Bytes that somebody else reads.
    Bytes(Bytes),
    /// The name of a task.
    Key(Key),
    /// Several, in order.
    List(Vec<Data>),
    /// Several by name, in order.
    Map(Vec<(Arc<str>, Data)>),
}

/// Why a question has no answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AskError {
    /// The class that the error is raised as: a Python exception's name, such as `ValueError`.
    pub class: Arc<str>,
    /// What is wrong, and what to do.
    pub text: Arc<str>,
    /// The pickled exception with its traceback, if it comes from Python code; else nothing.
    pub bytes: Bytes,
}

/// What a question gets.
pub type Answer = Result<Data, AskError>;

impl AskError {
    /// An error of a class by name.
    pub fn new(class: &str, text: impl Into<Arc<str>>) -> Self {
        Self { class: class.into(), text: text.into(), bytes: Bytes::new() }
    }
}

impl Data {
    /// A map.
    #[must_use]
    pub fn map<const N: usize>(entries: [(&str, Data); N]) -> Self {
        Self::Map(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The entry of a map; none if it is something else or has no such entry.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Data> {
        match self {
            Self::Map(entries) => {
                entries.iter().find(|(n, _)| &**n == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The entry of a map that the asker must give.
    ///
    /// # Errors
    /// `TypeError` if it is not there.
    pub fn need(&self, name: &str) -> Result<&Data, AskError> {
        self.get(name).ok_or_else(|| AskError::new("TypeError", format!("no {name} is given")))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&Arc<str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The number, if it is one; integers are numbers.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// Whether it is `true`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Calls `each` with every key that it names, however deep.
    pub fn each_key(&self, each: &mut impl FnMut(&Key)) {
        match self {
            Self::Key(key) => each(key),
            Self::List(items) => items.iter().for_each(|item| item.each_key(each)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.each_key(each)),
            _ => {}
        }
    }

    /// The items of a list; nothing has none.
    #[must_use]
    pub fn items(&self) -> &[Data] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The task's name, if it is one; text is a name too.
    #[must_use]
    pub fn as_key(&self) -> Option<Key> {
        match self {
            Self::Key(key) => Some(key.clone()),
            Self::Text(text) => Some(Key::from(&**text)),
            _ => None,
        }
    }
}

/// As people read it.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => write!(f, "nil"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => write!(f, "{text}"),
            Self::Bytes(bytes) => write!(f, "{bytes:?}"),
            Self::Key(key) => write!(f, "{key}"),
            Self::List(items) => f.debug_list().entries(items.iter().map(Shown)).finish(),
            Self::Map(entries) => {
                f.debug_map().entries(entries.iter().map(|(k, v)| (k, Shown(v)))).finish()
            }
        }
    }
}

/// Debug as Display.
struct Shown<'a>(&'a Data);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Arc<str>> for Data {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Data {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Data {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Data {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

/// Numbers beyond the largest integer are that one.
impl From<u64> for Data {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Data {
    fn from(value: usize) -> Self {
        (value as u64).into()
    }
}

impl From<f64> for Data {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Key> for Data {
    fn from(key: Key) -> Self {
        Self::Key(key)
    }
}

impl<T: Into<Data>> From<Vec<T>> for Data {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Data>> From<Option<T>> for Data {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

impl<T: Into<Data>> FromIterator<T> for Data {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}
