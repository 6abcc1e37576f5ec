//! Words and regular expressions to look for.
//!
//! Only expressions that mean the same to Python, to pandas' Arrow backend and to Rust are taken; texts on which
//! they would differ (letters beyond ASCII under `\w`, a line's end before `$`) are refused one by one.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::error::{FrameError, Result};

/// Where a pattern must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// Anywhere.
    Anywhere,
    /// At the beginning.
    Start,
    /// It must be the whole text.
    Whole,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pattern {
    /// The word or the expression.
    pub pattern: Arc<str>,
    /// Whether it is a regular expression.
    pub is_regex: bool,
    /// Whether cases of letters matter.
    pub case: bool,
    /// Where it must be.
    pub place: Place,
}

impl Pattern {
    /// A pattern anywhere in the text.
    #[must_use]
    pub fn contains(pattern: &str, is_regex: bool, case: bool) -> Self {
        Self { pattern: pattern.into(), is_regex, case, place: Place::Anywhere }
    }

    pub(super) fn compiled(&self) -> Result<Compiled> {
        let pattern = &*self.pattern;
        let is_plain =
            !self.is_regex || !pattern.contains(|letter| r"\.^$*+?{}[]|()".contains(letter));
        if is_plain && self.case && self.place == Place::Anywhere {
            let finder = memchr::memmem::Finder::new(pattern.as_bytes()).into_owned();
            return Ok(Compiled {
                matcher: Matcher::Word(Box::new(finder)),
                ascii_only: false,
                ends: false,
            });
        }
        let refused = || FrameError::NoKernel(format!("the regular expression '{pattern}'"));
        let body = if self.is_regex {
            let unlike = [
                "[[", "&&", "--", "~~", "(?", "\\Z", "\\z", "\\<", "\\>", "\\p", "\\P", "\\x",
                "\\u", "\\U", "\\N", "\\G", "{,",
            ];
            let is_octal = |pair: &[u8]| pair[0] == b'\\' && pair[1].is_ascii_digit();
            if unlike.iter().any(|part| pattern.contains(part))
                || pattern.as_bytes().windows(2).any(is_octal)
            {
                return Err(refused());
            }
            pattern.to_owned()
        } else {
            regex::escape(pattern)
        };
        let source = match self.place {
            Place::Anywhere => body,
            Place::Start => format!("^(?:{body})"),
            Place::Whole => format!("^(?:{body})$"),
        };
        let built = RegexBuilder::new(&source).case_insensitive(!self.case).build();
        Ok(Compiled {
            matcher: Matcher::Expression(built.map_err(|_| refused())?),
            ascii_only: !self.case || pattern.contains('\\'),
            ends: pattern.contains('$'),
        })
    }
}

enum Matcher {
    Word(Box<memchr::memmem::Finder<'static>>),
    Expression(Regex),
}

/// A pattern ready for use.
pub(super) struct Compiled {
    matcher: Matcher,
    /// Whether classes of letters would be larger in Python.
    ascii_only: bool,
    /// Whether an end is looked for, which Python sees before a last line's end too.
    ends: bool,
}

impl Compiled {
    fn check(&self, text: &str) -> Result<()> {
        if (self.ascii_only && !text.is_ascii()) || (self.ends && text.ends_with('\n')) {
            return Err(FrameError::NoKernel(format!("a regular expression on '{text}'")));
        }
        Ok(())
    }

    pub(super) fn matches(&self, text: &str) -> Result<bool> {
        match &self.matcher {
            Matcher::Word(finder) => Ok(finder.find(text.as_bytes()).is_some()),
            Matcher::Expression(expression) => {
                self.check(text)?;
                Ok(expression.is_match(text))
            }
        }
    }

    pub(super) fn count(&self, text: &str) -> Result<i64> {
        match &self.matcher {
            Matcher::Word(finder) if finder.needle().is_empty() => {
                Ok(text.chars().count() as i64 + 1)
            }
            Matcher::Word(finder) => Ok(finder.find_iter(text.as_bytes()).count() as i64),
            Matcher::Expression(expression) => {
                self.check(text)?;
                Ok(expression.find_iter(text).count() as i64)
            }
        }
    }
}
