//! Task names, as users see them, held compactly.
//!
//! A key is Dask's: a string such as `"inc-0f3c…"`, or a block `("x", i, j)` of a collection.
//! Inside it is a [`Group`] (the shared, counted name of the family of tasks) and a small
//! coordinate within it. Anything else a Python user may take for a key (numbers, bytes, nested
//! tuples) is kept as an [`Atom`] tree. A key is 32 bytes and cheap to clone.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// The name shared by related tasks: a layer's name, or a function's.
///
/// Cloning counts a reference. Two groups are equal when their names are.
#[derive(Clone)]
pub struct Group(Arc<GroupName>);

struct GroupName {
    hash: u64,
    name: Box<str>,
}

impl Group {
    /// A group of this name. Callers that make many keys keep and clone it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::new(GroupName { hash: xxh3_64(name.as_bytes()), name: name.into() }))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.name
    }
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.hash == other.0.hash && self.0.name == other.0.name)
    }
}

impl Eq for Group {}

impl Hash for Group {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// One part of a key that is neither a plain string nor a block of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// An integer.
    Int(i64),
    /// A float, by its bits.
    Float(u64),
    /// A string.
    Str(Box<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// A tuple of parts.
    Tuple(Box<[Atom]>),
    /// Whatever else another language takes for a key, in bytes that only it reads.
    Foreign {
        /// How it shows the object.
        text: Box<str>,
        /// The object.
        bytes: Box<[u8]>,
    },
}

/// Number of block coordinates kept inline.
const INLINE: usize = 3;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Coord {
    /// `name-` and 32 hex digits.
    Token([u8; 16]),
    /// A block of up to three dimensions.
    Small { ndim: u8, index: [u32; INLINE] },
    /// A block of more dimensions, or of large indices.
    Block(Box<[i64]>),
    /// A string that has no token; the group is its prefix.
    Text(Box<str>),
    /// Anything else.
    Atom(Box<Atom>),
}

/// The name of one task.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    coord: Coord,
    group: Group,
}

/// A key taken apart, for those who rebuild it in another language.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyView<'a> {
    /// A string key.
    Text(std::borrow::Cow<'a, str>),
    /// `(name, i, j, ...)`.
    Block(&'a str, Vec<i64>),
    /// Anything else.
    Atom(&'a Atom),
}

/// A key as it is held, for those who write it down without spelling it out.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyParts<'a> {
    /// `group-<32 hex digits>`, by the bytes that the digits stand for.
    Token(&'a Group, &'a [u8; 16]),
    /// A block of small coordinates.
    Small(&'a Group, &'a [u32]),
    /// A block of any coordinates.
    Block(&'a Group, &'a [i64]),
    /// Any other string.
    Text(&'a str),
    /// Anything else.
    Atom(&'a Atom),
}

impl Key {
    /// The key `group-<32 hex digits>`.
    #[must_use]
    pub fn with_token(group: Group, token: u128) -> Self {
        Self { coord: Coord::Token(token.to_be_bytes()), group }
    }

    /// The key `(group, i, j, ...)` of a block.
    #[must_use]
    pub fn block(group: Group, index: &[i64]) -> Self {
        let mut small = [0u32; INLINE];
        let fits = index.len() <= INLINE
            && index
                .iter()
                .zip(&mut small)
                .all(|(&i, slot)| u32::try_from(i).map(|i| *slot = i).is_ok());
        let coord = if fits {
            Coord::Small { ndim: index.len() as u8, index: small }
        } else {
            Coord::Block(index.into())
        };
        Self { coord, group }
    }

    /// A string key. `intern` gives the group of a name: callers that make many keys of few
    /// groups hand out clones.
    pub fn text(text: &str, intern: impl FnOnce(&str) -> Group) -> Self {
        match split_token(text) {
            Some((name, token)) => Self::with_token(intern(name), token),
            None => Self { coord: Coord::Text(text.into()), group: intern(prefix(text)) },
        }
    }

    /// A key of any other kind; its group is that of its first string, or `kind`.
    pub fn atom(atom: Atom, intern: impl FnOnce(&str) -> Group) -> Self {
        let group = match &atom {
            Atom::Tuple(parts) => match parts.first() {
                Some(Atom::Str(name)) => intern(name),
                _ => intern("tuple"),
            },
            Atom::Int(_) | Atom::Float(_) => intern("number"),
            Atom::Str(text) => intern(prefix(text)),
            Atom::Bytes(_) => intern("bytes"),
            Atom::Foreign { .. } => intern("object"),
        };
        Self { coord: Coord::Atom(Box::new(atom)), group }
    }

    /// The group: what tasks with similar keys have in common.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// The key as it is held; nothing is allocated.
    #[must_use]
    pub fn parts(&self) -> KeyParts<'_> {
        match &self.coord {
            Coord::Token(token) => KeyParts::Token(&self.group, token),
            Coord::Small { ndim, index } => KeyParts::Small(&self.group, &index[..*ndim as usize]),
            Coord::Block(index) => KeyParts::Block(&self.group, index),
            Coord::Text(text) => KeyParts::Text(text),
            Coord::Atom(atom) => KeyParts::Atom(atom),
        }
    }

    /// The key in parts.
    #[must_use]
    pub fn view(&self) -> KeyView<'_> {
        match &self.coord {
            Coord::Text(text) => KeyView::Text((&**text).into()),
            Coord::Token(token) => {
                let name = self.group.as_str();
                let mut text = String::with_capacity(name.len() + 33);
                text.push_str(name);
                text.push('-');
                for byte in token {
                    for digit in [byte >> 4, byte & 15] {
                        text.push(char::from(HEX[digit as usize]));
                    }
                }
                KeyView::Text(text.into())
            }
            Coord::Small { ndim, index } => KeyView::Block(
                self.group.as_str(),
                index[..*ndim as usize].iter().map(|&i| i64::from(i)).collect(),
            ),
            Coord::Block(index) => KeyView::Block(self.group.as_str(), index.to_vec()),
            Coord::Atom(atom) => KeyView::Atom(atom),
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::text(text, Group::new)
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(bits) => write!(f, "{:?}", f64::from_bits(*bits)),
            Self::Str(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => write!(f, "b{:?}", String::from_utf8_lossy(bytes)),
            Self::Foreign { text, .. } => f.write_str(text),
            Self::Tuple(parts) => {
                f.write_str("(")?;
                for (i, part) in parts.iter().enumerate() {
                    write!(f, "{}{part}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(if parts.len() == 1 { ",)" } else { ")" })
            }
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.view() {
            KeyView::Text(text) => f.write_str(&text),
            KeyView::Block(name, index) => {
                write!(f, "({name:?}")?;
                index.iter().try_for_each(|i| write!(f, ", {i}"))?;
                f.write_str(if index.is_empty() { ",)" } else { ")" })
            }
            KeyView::Atom(atom) => write!(f, "{atom}"),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Splits `name-<32 lower-case hex digits>`.
fn split_token(text: &str) -> Option<(&str, u128)> {
    let bytes = text.as_bytes();
    let dash = bytes.len().checked_sub(33)?;
    if bytes[dash] != b'-' {
        return None;
    }
    let mut token = 0u128;
    for &byte in &bytes[dash + 1..] {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        token = token << 4 | u128::from(digit);
    }
    Some((&text[..dash], token))
}

/// What a string key without a token has in common with its like: its words before the first
/// number, `x` of `x12` and `load` of `load-2013-01`.
fn prefix(text: &str) -> &str {
    let end = text
        .find(|c: char| c.is_ascii_digit())
        .map_or(text, |at| text[..at].trim_end_matches(['-', '_', '.', '#', ' ']));
    if end.is_empty() { text } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_print_as_their_users_wrote_them() {
        let token = "inc-00112233445566778899aabbccddeeff";
        for text in
            [token, "x", "x12", "", "load-2013-01", "é-zzz", "INC-0011223344556677889900112233445A"]
        {
            assert_eq!(Key::from(text).to_string(), text);
        }
        assert_eq!(Key::block(Group::new("x"), &[1, 20]).to_string(), "(\"x\", 1, 20)");
        assert_eq!(Key::block(Group::new("x"), &[-1, 0, 3, 4]).to_string(), "(\"x\", -1, 0, 3, 4)");
        assert_eq!(Key::atom(Atom::Int(3), Group::new).to_string(), "3");
    }

    #[test]
    fn groups_gather_similar_keys() {
        assert_eq!(Key::from("inc-00112233445566778899aabbccddeeff").group().as_str(), "inc");
        assert_eq!(Key::from("x12").group(), Key::from("x7").group());
        assert_eq!(Key::from("load-2013-01").group().as_str(), "load");
        assert_eq!(Key::from("12").group().as_str(), "12");
    }

    #[test]
    fn a_key_stays_small() {
        assert_eq!(size_of::<Key>(), 32);
    }

    #[test]
    fn equality_is_by_content() {
        assert_eq!(Key::from("a-b"), Key::from("a-b"));
        assert_ne!(Key::from("a"), Key::block(Group::new("a"), &[]));
    }
}
