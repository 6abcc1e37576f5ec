//! Deterministic tokens: equal values give equal tokens, in every process and on every day.
//!
//! A [`Tokenizer`] absorbs a value as typed, self-delimiting pieces and finishes to a 128-bit
//! [`Token`]. Nothing that differs between two runs takes part: no address, no hash order, no
//! clock. [`Tokenize`] is the trait of Rust values; the Python binding drives the same
//! [`Tokenizer`] over Python objects, so `token_of(&(1, "a"))` here and `tokenize(1, "a")` there
//! agree.
//!
//! # The encoding
//!
//! Every piece opens with a tag byte. Scalars follow with a fixed width, strings and bytes with
//! their length. A *frame* (list, tuple, dict, set) is hashed on its own, and its parent
//! absorbs the 16 bytes of that digest. Two things follow from this: a frame that has been met
//! before can be absorbed again from its digest alone ([`Tokenizer::absorb`]), so a value that
//! shares its parts costs what its distinct parts cost; and a long frame needs a bounded buffer,
//! for it drains into a streaming hash.
//!
//! Dicts and sets have no order: each entry is hashed alone and the digests are added modulo
//! 2^128, which no order of arrival can change. The number of entries is absorbed with the sum.
//!
//! Floats count by their bits, so `-0.0` and `0.0` differ; every NaN is the same NaN.
//!
//! The hash is XXH3-128. It resists accidents, not adversaries: do not take tokens for proofs.

use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

mod values;

/// The tag bytes of the encoding. They are part of every token: never renumber them.
mod tag {
    pub(super) const NONE: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const BIG_INT: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const COMPLEX: u8 = 6;
    pub(super) const STR: u8 = 7;
    pub(super) const BYTES: u8 = 8;
    pub(super) const NAME: u8 = 9;
    pub(super) const BACK_REFERENCE: u8 = 10;
}

/// A frame's buffer drains into a streaming hash when it grows beyond this.
const SPILL_BYTES: usize = 64 * 1024;

/// The identity of a value: 128 bits, printed as 32 hexadecimal digits.
///
/// ```
/// use oxidask_core::tokenize::{Token, token_of};
///
/// let token = token_of(&vec![1, 2, 3]);
/// assert_eq!(token, token_of(&[1, 2, 3]));
/// assert_eq!(token.to_string().len(), 32);
/// assert_eq!(token.to_string().parse::<Token>(), Ok(token));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u128);

impl Token {
    /// The hash of raw bytes, without any tag: what [`Tokenizer`] builds upon.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Token(xxh3_128(bytes))
    }

    /// The token as a number.
    pub fn as_u128(self) -> u128 {
        self.0
    }

    /// The token as 16 bytes, the most significant first, as it is printed.
    pub fn to_be_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The 32 hexadecimal digits, without an allocation.
    pub fn to_hex(self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut out = [0; 32];
        for (pair, byte) in out.chunks_exact_mut(2).zip(self.to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        out
    }
}

impl From<u128> for Token {
    fn from(value: u128) -> Self {
        Token(value)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

/// A text that is not a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a token: expected 32 hexadecimal digits, got {} characters", text.chars().count())]
pub struct ParseTokenError {
    /// The text as it was given.
    pub text: String,
}

impl FromStr for Token {
    type Err = ParseTokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = if digits { u128::from_str_radix(text, 16).ok() } else { None };
        value.map(Token).ok_or_else(|| ParseTokenError { text: text.to_owned() })
    }
}

/// What a frame holds. The number is the tag byte that the frame's digest follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// An ordered, mutable sequence.
    List = 32,
    /// An ordered, fixed sequence.
    Tuple = 33,
    /// Keys and values without an order: close each pair with [`Tokenizer::entry`].
    Dict = 34,
    /// Distinct values without an order: close each with [`Tokenizer::entry`].
    Set = 35,
    /// As [`Kind::Set`], immutable.
    FrozenSet = 36,
    /// Start, stop and step of a slice.
    Slice = 37,
    /// Start, stop and step of a range.
    Range = 38,
    /// The keyword arguments of a call: as [`Kind::Dict`], yet distinct from one.
    Keywords = 39,
    /// What stands for a value that is no builtin: its type and its parts.
    Object = 40,
    /// A mutable array of bytes.
    ByteArray = 41,
}

impl Kind {
    fn is_unordered(self) -> bool {
        matches!(self, Kind::Dict | Kind::Set | Kind::FrozenSet | Kind::Keywords)
    }
}

/// An open frame: where its bytes begin, and what has left the buffer already.
struct Frame {
    kind: Kind,
    start: usize,
    spilled: Option<Box<Xxh3Default>>,
    sum: u128,
    entries: u64,
}

/// Absorbs a value piece by piece and finishes to its [`Token`].
///
/// ```
/// use oxidask_core::tokenize::{Kind, Tokenizer, token_of};
///
/// let mut tokenizer = Tokenizer::new();
/// tokenizer.begin(Kind::Tuple);
/// tokenizer.int(1);
/// tokenizer.str("a");
/// tokenizer.end();
/// assert_eq!(tokenizer.finish(), token_of(&(1, "a")));
/// ```
pub struct Tokenizer {
    buffer: Vec<u8>,
    root: Option<Box<Xxh3Default>>,
    frames: Vec<Frame>,
}

impl Default for Tokenizer {
    fn default() -> Self {
        Self::new()
    }
}

impl Tokenizer {
    /// An empty tokenizer.
    pub fn new() -> Self {
        Tokenizer { buffer: Vec::with_capacity(256), root: None, frames: Vec::new() }
    }

    /// Forgets everything absorbed, and keeps the allocations.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.root = None;
        self.frames.clear();
    }

    /// Absorbs the absence of a value.
    pub fn none(&mut self) {
        self.buffer.push(tag::NONE);
    }

    /// Absorbs a truth value.
    pub fn bool(&mut self, value: bool) {
        self.buffer.push(if value { tag::TRUE } else { tag::FALSE });
    }

    /// Absorbs an integer.
    pub fn int(&mut self, value: i64) {
        let mut piece = [tag::INT; 9];
        piece[1..].copy_from_slice(&value.to_le_bytes());
        self.buffer.extend_from_slice(&piece);
        self.spill_if_long();
    }

    /// Absorbs an integer of any size, given in two's complement, the least significant byte
    /// first. An integer that fits 64 bits gives the token that [`Tokenizer::int`] gives.
    pub fn big_int(&mut self, little_endian: &[u8]) {
        let negative = little_endian.last().is_some_and(|byte| byte & 0x80 != 0);
        let padding = if negative { 0xff } else { 0 };
        let mut len = little_endian.len();
        // Only the shortest form counts, so that a wider type gives the same token.
        while len > 1
            && little_endian[len - 1] == padding
            && (little_endian[len - 2] & 0x80 != 0) == negative
        {
            len -= 1;
        }
        if len <= 8 {
            let mut word = [padding; 8];
            word[..len].copy_from_slice(&little_endian[..len]);
            self.int(i64::from_le_bytes(word));
        } else {
            self.sized(tag::BIG_INT, &little_endian[..len]);
        }
    }

    /// Absorbs a float by its bits; every NaN counts as the same.
    pub fn float(&mut self, value: f64) {
        self.buffer.push(tag::FLOAT);
        self.float_bits(value);
        self.spill_if_long();
    }

    /// Absorbs a complex number by the bits of its parts.
    pub fn complex(&mut self, re: f64, im: f64) {
        self.buffer.push(tag::COMPLEX);
        self.float_bits(re);
        self.float_bits(im);
        self.spill_if_long();
    }

    /// Absorbs a text.
    pub fn str(&mut self, value: &str) {
        self.sized(tag::STR, value.as_bytes());
    }

    /// Absorbs a text whose UTF-8 holds surrogates, as Python strings may.
    pub fn str_with_surrogates(&mut self, value: &[u8]) {
        self.sized(tag::STR, value);
    }

    /// Absorbs bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        self.sized(tag::BYTES, value);
    }

    /// Absorbs the name of something that stands for itself, such as a function of a module.
    pub fn name(&mut self, value: &str) {
        self.sized(tag::NAME, value.as_bytes());
    }

    /// Absorbs a reference back to the `index`-th frame that a value with cycles opened.
    pub fn back_reference(&mut self, index: u64) {
        self.buffer.push(tag::BACK_REFERENCE);
        self.buffer.extend_from_slice(&index.to_le_bytes());
        self.spill_if_long();
    }

    /// Absorbs a whole frame, of the kind that `token` came from, in place of its parts.
    pub fn absorb(&mut self, kind: Kind, token: Token) {
        let mut piece = [kind as u8; 17];
        piece[1..].copy_from_slice(&token.0.to_le_bytes());
        self.buffer.extend_from_slice(&piece);
        self.spill_if_long();
    }

    /// Opens a frame; [`Tokenizer::end`] closes it.
    pub fn begin(&mut self, kind: Kind) {
        let start = self.buffer.len();
        self.frames.push(Frame { kind, start, spilled: None, sum: 0, entries: 0 });
    }

    /// Closes an entry of a frame without an order: all that was absorbed since the frame was
    /// opened or since the last entry.
    ///
    /// # Panics
    ///
    /// When the innermost open frame is ordered, or when none is open.
    pub fn entry(&mut self) {
        let frame = self.frames.last_mut().expect("entry() needs an open frame");
        assert!(frame.kind.is_unordered(), "entry() in the ordered frame {:?}", frame.kind);
        let digest = digest(&self.buffer[frame.start..], frame.spilled.take());
        self.buffer.truncate(frame.start);
        frame.sum = frame.sum.wrapping_add(digest.0);
        frame.entries += 1;
    }

    /// Closes the innermost frame, absorbs it in its parent and returns its digest.
    ///
    /// # Panics
    ///
    /// When no frame is open, or when something was absorbed behind the last
    /// [`Tokenizer::entry`] of an unordered one.
    pub fn end(&mut self) -> Token {
        let frame = self.frames.pop().expect("end() needs an open frame");
        let token = if frame.kind.is_unordered() {
            assert!(
                self.buffer.len() == frame.start && frame.spilled.is_none(),
                "end() of {:?} behind an entry that was not closed",
                frame.kind
            );
            let mut summary = [0; 24];
            summary[..16].copy_from_slice(&frame.sum.to_le_bytes());
            summary[16..].copy_from_slice(&frame.entries.to_le_bytes());
            Token::of_bytes(&summary)
        } else {
            digest(&self.buffer[frame.start..], frame.spilled)
        };
        self.buffer.truncate(frame.start);
        self.absorb(frame.kind, token);
        token
    }

    /// The token of everything absorbed. The tokenizer is empty afterwards.
    ///
    /// # Panics
    ///
    /// When a frame is still open.
    pub fn finish(&mut self) -> Token {
        assert!(self.frames.is_empty(), "finish() with {} open frames", self.frames.len());
        let token = digest(&self.buffer, self.root.take());
        self.buffer.clear();
        token
    }

    fn float_bits(&mut self, value: f64) {
        let value = if value.is_nan() { f64::NAN } else { value };
        self.buffer.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        let mut head = [tag; 9];
        head[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.buffer.extend_from_slice(&head);
        if bytes.len() < SPILL_BYTES {
            self.buffer.extend_from_slice(bytes);
            self.spill_if_long();
        } else {
            self.spill().update(bytes);
        }
    }

    fn spill_if_long(&mut self) {
        // Parents of the innermost frame keep at most SPILL_BYTES each below `start`.
        let start = self.frames.last().map_or(0, |frame| frame.start);
        if self.buffer.len() - start > SPILL_BYTES {
            self.spill();
        }
    }

    /// Moves the bytes of the innermost frame into its streaming hash.
    #[cold]
    fn spill(&mut self) -> &mut Xxh3Default {
        let (start, spilled) = match self.frames.last_mut() {
            Some(frame) => (frame.start, &mut frame.spilled),
            None => (0, &mut self.root),
        };
        let hash = spilled.get_or_insert_with(|| Box::new(Xxh3Default::new()));
        hash.update(&self.buffer[start..]);
        self.buffer.truncate(start);
        hash
    }
}

/// The digest of what was spilled followed by `rest`: the same, wherever the cut lies.
fn digest(rest: &[u8], spilled: Option<Box<Xxh3Default>>) -> Token {
    match spilled {
        None => Token::of_bytes(rest),
        Some(mut hash) => {
            hash.update(rest);
            Token(hash.digest128())
        }
    }
}

/// The token of one value.
///
/// ```
/// use std::collections::HashMap;
/// use oxidask_core::tokenize::token_of;
///
/// let forth = HashMap::from([("x", 1), ("y", 2)]);
/// let back = HashMap::from([("y", 2), ("x", 1)]);
/// assert_eq!(token_of(&forth), token_of(&back));
/// assert_ne!(token_of(&0.0), token_of(&-0.0));
/// ```
pub fn token_of<T: Tokenize + ?Sized>(value: &T) -> Token {
    let mut tokenizer = Tokenizer::new();
    value.tokenize(&mut tokenizer);
    tokenizer.finish()
}

/// A value that has a token: it absorbs itself as exactly one piece.
///
/// A struct absorbs a [`Kind::Object`] frame that opens with its own name:
///
/// ```
/// use oxidask_core::tokenize::{Kind, Tokenize, Tokenizer, token_of};
///
/// struct Celsius(f64);
///
/// impl Tokenize for Celsius {
///     fn tokenize(&self, tokenizer: &mut Tokenizer) {
///         tokenizer.begin(Kind::Object);
///         tokenizer.name("weather::Celsius");
///         self.0.tokenize(tokenizer);
///         tokenizer.end();
///     }
/// }
///
/// assert_ne!(token_of(&Celsius(1.0)), token_of(&1.0));
/// ```
pub trait Tokenize {
    /// Absorbs `self`.
    fn tokenize(&self, tokenizer: &mut Tokenizer);
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_stay_the_same_from_release_to_release() {
        // Names of stored results hold tokens, so a change of the encoding is a breaking one.
        let value = (
            vec![Some(-1_i64), None],
            BTreeMap::from([("x", 1.5), ("y", f64::NAN)]),
            BTreeSet::from(["a", "b"]),
            (true, u128::MAX),
        );
        assert_eq!(token_of(&value).to_string(), "8846e4684e850629963e28d2110d9117");
        // The tests of the Python package pin the same digits for `tokenize(1, "a")`.
        assert_eq!(token_of(&(1, "a")).to_string(), "106ab7eb97d497c3362c23d4e922bd1b");
    }

    #[test]
    fn types_do_not_run_into_each_other() {
        let tokens = [
            token_of(&0_i64),
            token_of(&0.0),
            token_of(&-0.0),
            token_of(&false),
            token_of("0"),
            token_of(""),
            token_of(&Option::<i64>::None),
            token_of(&()),
            token_of(&(0_i64,)),
            token_of(&[0_i64]),
            token_of(&[[0_i64]]),
            token_of(&BTreeSet::from([0_i64])),
            token_of(&BTreeSet::<i64>::new()),
            token_of(&BTreeMap::<i64, i64>::new()),
            token_of(&BTreeMap::from([(0_i64, 0_i64)])),
            token_of(&Token::from(0)),
        ];
        assert_eq!(BTreeSet::from(tokens).len(), tokens.len());
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        assert_ne!(token_of(&["ab", "c"]), token_of(&["a", "bc"]));
        assert_ne!(token_of(&["", "a"]), token_of(&["a", ""]));
    }

    #[test]
    fn every_nan_is_the_same() {
        let odd = f64::from_bits(f64::NAN.to_bits() | 1);
        assert!(odd.is_nan());
        assert_eq!(token_of(&odd), token_of(&f64::NAN));
        assert_eq!(token_of(&-f64::NAN), token_of(&f64::NAN));
    }

    #[test]
    fn integers_count_by_value_and_not_by_width() {
        assert_eq!(token_of(&-7_i8), token_of(&-7_i128));
        assert_eq!(token_of(&7_u8), token_of(&7_u128));
        assert_eq!(token_of(&(1_u64 << 63)), token_of(&(1_i128 << 63)));
        assert_ne!(token_of(&u64::MAX), token_of(&-1_i64));
        assert_ne!(token_of(&u128::MAX), token_of(&-1_i128));
        let mut wide = Tokenizer::new();
        wide.big_int(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(wide.finish(), token_of(&-2_i64));
    }

    #[test]
    fn a_frame_may_be_absorbed_from_its_digest() {
        let mut parts = Tokenizer::new();
        parts.begin(Kind::List);
        parts.begin(Kind::Tuple);
        parts.int(1);
        let inner = parts.end();
        parts.end();
        let mut whole = Tokenizer::new();
        whole.begin(Kind::List);
        whole.absorb(Kind::Tuple, inner);
        whole.end();
        assert_eq!(parts.finish(), whole.finish());
    }

    #[test]
    fn a_long_frame_spills_without_a_trace() {
        let text = "x".repeat(SPILL_BYTES + 1);
        let value = vec![(1, text.as_str()), (2, "y"), (3, text.as_str())];
        let mut tokenizer = Tokenizer::new();
        value.tokenize(&mut tokenizer);
        let long: Vec<i64> = (0..100_000).collect();
        long.tokenize(&mut tokenizer);
        assert!(tokenizer.buffer.capacity() < 4 * SPILL_BYTES);
        let mut flat = Vec::new();
        for item in &long {
            flat.push(tag::INT);
            flat.extend_from_slice(&item.to_le_bytes());
        }
        let mut expected = Tokenizer::new();
        value.tokenize(&mut expected);
        expected.absorb(Kind::List, Token::of_bytes(&flat));
        assert_eq!(tokenizer.finish(), expected.finish());
    }

    #[test]
    fn a_text_that_is_no_token_is_refused_by_name() {
        let error = "+".repeat(32).parse::<Token>().expect_err("not hexadecimal");
        assert_eq!(error.text, "+".repeat(32));
        assert!("abc".parse::<Token>().expect_err("too short").to_string().contains("\"abc\""));
    }

    proptest! {
        #[test]
        fn order_of_entries_is_ignored(
            entries in proptest::collection::btree_map(".{0,6}", any::<i64>(), 0..8),
            seed in any::<prop::sample::Index>(),
        ) {
            let mut rotated: Vec<_> = entries.iter().collect();
            if !rotated.is_empty() {
                let by = seed.index(rotated.len());
                rotated.rotate_left(by);
            }
            let mut tokenizer = Tokenizer::new();
            tokenizer.begin(Kind::Dict);
            for (key, value) in rotated {
                key.tokenize(&mut tokenizer);
                value.tokenize(&mut tokenizer);
                tokenizer.entry();
            }
            tokenizer.end();
            prop_assert_eq!(tokenizer.finish(), token_of(&entries));
        }

        #[test]
        fn distinct_sequences_have_distinct_tokens(
            a in proptest::collection::vec(".{0,3}", 0..5),
            b in proptest::collection::vec(".{0,3}", 0..5),
        ) {
            prop_assert_eq!(a == b, token_of(&a) == token_of(&b));
        }

        #[test]
        fn hex_goes_there_and_back(value in any::<u128>()) {
            let token = Token::from(value);
            let text = token.to_string();
            prop_assert_eq!(text.as_bytes(), &token.to_hex());
            prop_assert_eq!(text.parse::<Token>(), Ok(token));
        }
    }
}
