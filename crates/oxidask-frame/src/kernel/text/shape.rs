//! Parts of text, and text filled up.

use super::Side;
use crate::error::{FrameError, Result};

/// Python's white space within ASCII.
fn is_space(letter: char) -> bool {
    matches!(letter, '\t'..='\r' | '\u{1c}'..='\u{1f}' | ' ')
}

/// Text without what is at its sides.
pub(super) fn stripped<'a>(text: &'a str, side: Side, characters: Option<&str>) -> Result<&'a str> {
    let beyond =
        |letter: Option<char>| letter.is_some_and(|it| !it.is_ascii() && it.is_whitespace());
    let is_cut = |letter: char| match characters {
        Some(characters) => characters.contains(letter),
        None => is_space(letter),
    };
    let cut = match side {
        Side::Left => text.trim_start_matches(is_cut),
        Side::Right => text.trim_end_matches(is_cut),
        Side::Both => text.trim_matches(is_cut),
    };
    if characters.is_none() && (beyond(cut.chars().next()) || beyond(cut.chars().next_back())) {
        return Err(FrameError::NoKernel(format!("white space beyond ASCII in '{text}'")));
    }
    Ok(cut)
}

/// One character, from the end if negative.
pub(super) fn character(text: &str, at: i64) -> Option<&str> {
    let mut letters = text.char_indices();
    let (start, letter) = match usize::try_from(at) {
        Ok(at) => letters.nth(at)?,
        Err(_) => letters.nth_back(usize::try_from(-1 - at).ok()?)?,
    };
    Some(&text[start..start + letter.len_utf8()])
}

/// Characters as Python slices them.
pub(super) fn sliced(
    text: &str,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
    into: &mut String,
) -> Result<()> {
    if step == 0 {
        return Err(FrameError::Value("slice step cannot be zero".into()));
    }
    let letters: Vec<char> = text.chars().collect();
    let len = letters.len() as i64;
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let bound = |bound: Option<i64>, default: i64| match bound {
        None => default,
        Some(at) if at < 0 => (at + len).clamp(low, high),
        Some(at) => at.clamp(low, high),
    };
    let (mut at, end) = if step > 0 {
        (bound(start, low), bound(stop, high))
    } else {
        (bound(start, high), bound(stop, low))
    };
    while (step > 0 && at < end) || (step < 0 && at > end) {
        into.push(letters[at as usize]);
        at += step;
    }
    Ok(())
}

/// Text to a width, with zeros after its sign.
pub(super) fn zero_filled(text: &str, width: usize, into: &mut String) {
    let n_zeros = width.saturating_sub(text.chars().count());
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    into.push_str(&text[..text.len() - digits.len()]);
    (0..n_zeros).for_each(|_| into.push('0'));
    into.push_str(digits);
}

/// Text to a width; where both sides are filled, the odd one goes where Python has it.
pub(super) fn padded(text: &str, side: Side, width: usize, fill: char, into: &mut String) {
    let missing = width.saturating_sub(text.chars().count());
    let left = match side {
        Side::Left => missing,
        Side::Right => 0,
        Side::Both => missing / 2 + (missing & width & 1),
    };
    (0..left).for_each(|_| into.push(fill));
    into.push_str(text);
    (left..missing).for_each(|_| into.push(fill));
}

/// A part of text between separators.
pub(super) fn split_part<'a>(
    text: &'a str,
    separator: Option<&str>,
    n_cuts: i64,
    part: i64,
) -> Result<Option<&'a str>> {
    let limit = usize::try_from(n_cuts).ok().filter(|limit| *limit > 0);
    let parts: Vec<&str> = match (separator, limit) {
        (Some(""), _) => return Err(FrameError::Value("empty separator".into())),
        (Some(separator), None) => text.split(separator).collect(),
        (Some(separator), Some(limit)) => text.splitn(limit + 1, separator).collect(),
        (None, None) if text.is_ascii() => {
            text.split(is_space).filter(|part| !part.is_empty()).collect()
        }
        (None, _) => return Err(FrameError::NoKernel("splitting by white space".into())),
    };
    let at = if part < 0 { part + parts.len() as i64 } else { part };
    Ok(usize::try_from(at).ok().and_then(|at| parts.get(at).copied()))
}
