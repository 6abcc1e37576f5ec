//! `.str`: functions of text that need no Python.
//!
//! Answers are those of pandas' `str` dtype: a missing text gives a missing text or number, and false in tests.
//! Where letters beyond ASCII would be treated differently by Python, its Arrow backend and Rust, there is no
//! kernel.

mod letters;
mod pattern;
mod shape;

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray};
use serde::{Deserialize, Serialize};

use super::elementwise::pack;
use crate::dtype::DType;
use crate::error::{FrameError, Result};

pub use letters::Letters;
pub use pattern::{Pattern, Place};

/// A side of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Side {
    Left,
    Right,
    Both,
}

/// A function of `.str`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Text {
    /// `lower`, by letters.
    Lower,
    /// `upper`.
    Upper,
    /// `title`: each run of letters begins with a capital.
    Title,
    /// `capitalize`.
    Capitalize,
    /// `swapcase`.
    SwapCase,
    /// `strip`, `lstrip` and `rstrip` of these characters, or of white space.
    Strip(Side, Option<Arc<str>>),
    /// `removeprefix`.
    RemovePrefix(Arc<str>),
    /// `removesuffix`.
    RemoveSuffix(Arc<str>),
    /// `slice` by characters.
    Slice {
        /// The first character; from the end if negative.
        start: Option<i64>,
        /// The one after the last.
        stop: Option<i64>,
        /// From one to the next; not 0.
        step: i64,
    },
    /// `get`: one character, missing where there is none.
    Get(i64),
    /// `replace` of words (not of regular expressions), so many times at most; all if negative.
    Replace(Arc<str>, Arc<str>, i64),
    /// `repeat`.
    Repeat(i64),
    /// `zfill`.
    ZeroFill(usize),
    /// `pad`, `ljust`, `rjust` and `center` to a width: the side is where the filling goes.
    Pad(Side, usize, char),
    /// One part of `split` by a separator (white space if none), so many cuts at most (all if not positive).
    SplitPart {
        /// What is between parts.
        separator: Option<Arc<str>>,
        /// The largest number of cuts.
        n_cuts: i64,
        /// Which part; from the end if negative.
        part: i64,
    },
    /// `contains`, `match` and `fullmatch`.
    Matches(Pattern),
    /// `startswith` any of these.
    StartsWith(Vec<Arc<str>>),
    /// `endswith` any of these.
    EndsWith(Vec<Arc<str>>),
    /// `isalpha` and its like.
    Is(Letters),
    /// `len`, in characters.
    Len,
    /// `find`: the first character of the first such word, or -1.
    Find(Arc<str>),
    /// `rfind`.
    FindLast(Arc<str>),
    /// `count` of a regular expression.
    Count(Pattern),
}

/// The dtype of a function of text, if none is missing: numbers become `float64` where some are.
#[must_use]
pub fn text_dtype(function: &Text) -> DType {
    match function {
        Text::Matches(_) | Text::StartsWith(_) | Text::EndsWith(_) | Text::Is(_) => DType::Bool,
        Text::Len | Text::Find(_) | Text::FindLast(_) | Text::Count(_) => DType::I64,
        _ => DType::Str,
    }
}

/// The function of each text. Numbers are `int64`, or `float64` where a text is missing.
///
/// # Errors
/// [`FrameError::NoKernel`] for patterns and letters that pandas may treat otherwise.
pub fn text(function: &Text, array: &ArrayRef) -> Result<ArrayRef> {
    let Some(texts) = array.as_string_view_opt() else {
        return Err(FrameError::NoKernel(format!("text of {}", array.data_type())));
    };
    match function {
        Text::Matches(pattern) => {
            let pattern = pattern.compiled()?;
            tested(texts, |text| pattern.matches(text))
        }
        Text::StartsWith(heads) => {
            tested(texts, |text| Ok(heads.iter().any(|head| text.starts_with(&**head))))
        }
        Text::EndsWith(tails) => {
            tested(texts, |text| Ok(tails.iter().any(|tail| text.ends_with(&**tail))))
        }
        Text::Is(letters) => tested(texts, |text| letters.all(text)),
        Text::Len => counted(texts, |text| Ok(n_chars(text))),
        Text::Find(word) => {
            counted(texts, |text| Ok(text.find(&**word).map_or(-1, |at| n_chars(&text[..at]))))
        }
        Text::FindLast(word) => {
            counted(texts, |text| Ok(text.rfind(&**word).map_or(-1, |at| n_chars(&text[..at]))))
        }
        Text::Count(pattern) => {
            let pattern = pattern.compiled()?;
            counted(texts, |text| pattern.count(text))
        }
        _ => rewritten(function, texts),
    }
}

/// How many characters: bytes that begin one.
fn n_chars(text: &str) -> i64 {
    text.chars().count() as i64
}

fn tested(texts: &StringViewArray, mut test: impl FnMut(&str) -> Result<bool>) -> Result<ArrayRef> {
    let mut answers = Vec::with_capacity(texts.len());
    for text in texts {
        answers.push(match text {
            Some(text) => test(text)?,
            None => false,
        });
    }
    Ok(Arc::new(BooleanArray::new(pack(answers.len(), |row| answers[row]), None)))
}

fn counted(
    texts: &StringViewArray,
    mut count: impl FnMut(&str) -> Result<i64>,
) -> Result<ArrayRef> {
    if texts.null_count() == 0 {
        let counts: Result<Vec<i64>> =
            texts.iter().map(|text| count(text.unwrap_or_default())).collect();
        return Ok(Arc::new(Int64Array::from(counts?)));
    }
    let counts: Result<Vec<f64>> = texts
        .iter()
        .map(|text| text.map_or(Ok(f64::NAN), |text| count(text).map(|count| count as f64)))
        .collect();
    Ok(Arc::new(Float64Array::from(counts?)))
}

fn rewritten(function: &Text, texts: &StringViewArray) -> Result<ArrayRef> {
    let mut built = StringViewBuilder::with_capacity(texts.len());
    let mut buffer = String::new();
    for text in texts {
        let Some(text) = text else {
            built.append_null();
            continue;
        };
        buffer.clear();
        let part = match function {
            Text::Strip(side, characters) => {
                Some(shape::stripped(text, *side, characters.as_deref())?)
            }
            Text::RemovePrefix(head) => Some(text.strip_prefix(&**head).unwrap_or(text)),
            Text::RemoveSuffix(tail) => Some(text.strip_suffix(&**tail).unwrap_or(text)),
            Text::Get(at) => shape::character(text, *at),
            Text::SplitPart { separator, n_cuts, part } => {
                shape::split_part(text, separator.as_deref(), *n_cuts, *part)?
            }
            _ => {
                rewrite(function, text, &mut buffer)?;
                Some(buffer.as_str())
            }
        };
        built.append_option(part);
    }
    Ok(Arc::new(built.finish()))
}

fn rewrite(function: &Text, text: &str, into: &mut String) -> Result<()> {
    match function {
        Text::Lower | Text::Upper | Text::Title | Text::Capitalize | Text::SwapCase => {
            letters::recased(function, text, into)
        }
        Text::Slice { start, stop, step } => shape::sliced(text, *start, *stop, *step, into),
        Text::Replace(old, new, limit) => {
            match usize::try_from(*limit) {
                Ok(limit) => into.push_str(&text.replacen(&**old, new, limit)),
                Err(_) => into.push_str(&text.replace(&**old, new)),
            }
            Ok(())
        }
        Text::Repeat(times) => {
            (0..*times).for_each(|_| into.push_str(text));
            Ok(())
        }
        Text::ZeroFill(width) => {
            shape::zero_filled(text, *width, into);
            Ok(())
        }
        Text::Pad(side, width, fill) => {
            shape::padded(text, *side, *width, *fill, into);
            Ok(())
        }
        _ => Err(FrameError::NoKernel(format!("{function:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers for `aB c`, nothing, `ß1`, the empty text and `they're`, as pandas 3.1 gives them.
    fn of(function: &Text) -> Vec<Option<String>> {
        on(function, &[Some("aB c"), None, Some("ß1"), Some(""), Some("they're")])
    }

    fn on(function: &Text, texts: &[Option<&str>]) -> Vec<Option<String>> {
        let texts: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        let answer = text(function, &texts).unwrap();
        answer.as_string_view().iter().map(|text| text.map(str::to_owned)).collect()
    }

    fn one(function: &Text, text: &str) -> String {
        on(function, &[Some(text)])[0].clone().unwrap()
    }

    fn truth(function: &Text, texts: &[&str]) -> Vec<bool> {
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
        text(function, &texts).unwrap().as_boolean().values().iter().collect()
    }

    #[test]
    fn letters_change_case() {
        assert_eq!(of(&Text::Lower)[0].as_deref(), Some("ab c"));
        assert_eq!(one(&Text::Title, "they're bill's x1y"), "They'Re Bill'S X1Y");
        assert_eq!(one(&Text::Capitalize, "aB c"), "Ab c");
        assert_eq!(one(&Text::SwapCase, "aB c"), "Ab C");
        assert_eq!(one(&Text::Upper, "é"), "É");
        let sharp: ArrayRef = Arc::new(StringViewArray::from(vec!["ß"]));
        assert!(matches!(text(&Text::Upper, &sharp), Err(FrameError::NoKernel(_))));
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let slice = |start, stop, step| Text::Slice { start, stop, step };
        assert_eq!(one(&slice(Some(1), None, 1), "ß1"), "1");
        assert_eq!(one(&slice(Some(-2), None, 1), "aB c"), " c");
        assert_eq!(one(&slice(None, None, -1), "aB c"), "c Ba");
        assert_eq!(one(&slice(None, Some(-1), 2), "abcdef"), "ace");
        assert_eq!(one(&slice(Some(5), None, 1), "abc"), "");
        let expected = [Some("B"), None, Some("1"), None, Some("h")];
        assert_eq!(of(&Text::Get(1)), expected.map(|text| text.map(str::to_owned)));
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["ß1", ""]));
        let counts = text(&Text::Len, &texts).unwrap();
        assert_eq!(counts.as_primitive::<arrow_array::types::Int64Type>().values()[..], [2, 0]);
    }

    #[test]
    fn text_is_filled_as_python_does() {
        let centred = |width| Text::Pad(Side::Both, width, '*');
        let cases = [("a", 4, "*a**"), ("ab", 5, "**ab*"), ("abc", 4, "abc*"), ("abc", 5, "*abc*")];
        for (text, width, expected) in cases {
            assert_eq!(one(&centred(width), text), expected);
        }
        assert_eq!(one(&Text::ZeroFill(5), "-1"), "-0001");
        assert_eq!(one(&Text::ZeroFill(5), "+12"), "+0012");
        assert_eq!(one(&Text::ZeroFill(5), "abc"), "00abc");
    }

    #[test]
    fn patterns_are_found() {
        let contains = |pattern: &str| Text::Matches(Pattern::contains(pattern, true, true));
        assert_eq!(
            truth(&contains("special.*req"), &["a special big request", "x"]),
            [true, false]
        );
        assert_eq!(truth(&contains("a.c"), &["abc", "a.d"]), [true, false]);
        let plain = Text::Matches(Pattern::contains("a.c", false, true));
        assert_eq!(truth(&plain, &["abc", "a.c"]), [false, true]);
        let either = Text::Matches(Pattern::contains("ABC", true, false));
        assert_eq!(truth(&either, &["xabcx", "x"]), [true, false]);
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["x"]));
        for unlike in ["(?=a)", "[[a]", "a{,2}", r"(a)\1"] {
            assert!(text(&contains(unlike), &texts).is_err(), "{unlike}");
        }
    }

    #[test]
    fn parts_are_cut_out() {
        let part = |separator: Option<&str>, part| Text::SplitPart {
            separator: separator.map(Into::into),
            n_cuts: -1,
            part,
        };
        assert_eq!(one(&part(Some(" "), 1), "aB c"), "c");
        assert_eq!(one(&part(Some("-"), -1), "a-b-c"), "c");
        assert_eq!(one(&part(None, 1), "  a   b "), "b");
        assert_eq!(on(&part(Some("-"), 3), &[Some("a-b")]), [None]);
        let twice = Text::SplitPart { separator: Some("-".into()), n_cuts: 1, part: 1 };
        assert_eq!(one(&twice, "a-b-c"), "b-c");
    }
}
