//! Cases and kinds of letters.

use serde::{Deserialize, Serialize};

use super::Text;
use crate::error::{FrameError, Result};

/// A kind of characters that a text consists of, and isn't empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of Python's tests")]
pub enum Letters {
    Alpha,
    Numeric,
    Digit,
    Decimal,
    AlphaNumeric,
    Space,
    Lower,
    Upper,
    Title,
    Ascii,
}

impl Letters {
    /// Whether the text consists of such.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] beyond ASCII.
    pub(super) fn all(self, text: &str) -> Result<bool> {
        if self == Self::Ascii {
            return Ok(text.is_ascii());
        }
        if !text.is_ascii() {
            return Err(beyond_ascii(text));
        }
        let bytes = text.as_bytes();
        let every = |test: fn(&u8) -> bool| !bytes.is_empty() && bytes.iter().all(test);
        let cased = |wrong: fn(&u8) -> bool| {
            bytes.iter().any(u8::is_ascii_alphabetic) && !bytes.iter().any(wrong)
        };
        Ok(match self {
            Self::Alpha => every(u8::is_ascii_alphabetic),
            Self::Numeric | Self::Digit | Self::Decimal => every(u8::is_ascii_digit),
            Self::AlphaNumeric => every(u8::is_ascii_alphanumeric),
            // Python counts the separators of records, 28 to 31, among spaces.
            Self::Space => every(|byte| matches!(byte, 9..=13 | 28..=32)),
            Self::Lower => cased(u8::is_ascii_uppercase),
            Self::Upper => cased(u8::is_ascii_lowercase),
            Self::Title => is_title(bytes),
            Self::Ascii => true,
        })
    }
}

fn beyond_ascii(text: &str) -> FrameError {
    FrameError::NoKernel(format!("letters beyond ASCII in '{text}'"))
}

fn is_title(bytes: &[u8]) -> bool {
    let (mut any, mut after_letter) = (false, false);
    for byte in bytes {
        let wrong = (byte.is_ascii_uppercase() && after_letter)
            || (byte.is_ascii_lowercase() && !after_letter);
        if wrong {
            return false;
        }
        after_letter = byte.is_ascii_alphabetic();
        any |= after_letter;
    }
    any
}

/// The text with its letters in another case.
///
/// # Errors
/// [`FrameError::NoKernel`] for letters that turn into several, such as `ß`.
pub(super) fn recased(function: &Text, text: &str, into: &mut String) -> Result<()> {
    let mut after_letter = false;
    for (at, letter) in text.char_indices() {
        let up = match function {
            Text::Lower => false,
            Text::Upper => true,
            Text::Capitalize => at == 0,
            Text::Title => !after_letter,
            _ => letter.is_lowercase(),
        };
        if letter.is_ascii() {
            into.push(if up { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() });
            after_letter = letter.is_ascii_alphabetic();
            continue;
        }
        if !matches!(function, Text::Lower | Text::Upper) {
            return Err(beyond_ascii(text));
        }
        // A sigma at the end of a word, and letters of several, are treated differently here and there.
        let changed =
            if up { single(letter.to_uppercase()) } else { single(letter.to_lowercase()) };
        match changed {
            Some(changed) if letter != 'Σ' => into.push(changed),
            _ => return Err(beyond_ascii(text)),
        }
    }
    Ok(())
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let first = letters.next();
    if letters.next().is_some() { None } else { first }
}
