//! How the types of Rust's standard library absorb themselves.
//!
//! They give the tokens of the Python values that they become: sequences are lists, maps are
//! dicts, and an integer counts by its value, whatever its width.

#![expect(clippy::disallowed_types, reason = "maps are absorbed free of their order")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::{Kind, Token, Tokenize, Tokenizer};

macro_rules! tokenize_integers {
    ($($type:ty),*) => {$(
        impl Tokenize for $type {
            fn tokenize(&self, tokenizer: &mut Tokenizer) {
                match i64::try_from(*self) {
                    Ok(value) => tokenizer.int(value),
                    Err(_) => {
                        // One byte more, so that the top bit of an unsigned number is no sign.
                        let mut bytes = self.to_le_bytes().to_vec();
                        bytes.push(if self.leading_zeros() == 0 && <$type>::MIN != 0 { 0xff } else { 0 });
                        tokenizer.big_int(&bytes);
                    }
                }
            }
        }
    )*};
}

macro_rules! tokenize_small_integers {
    ($($type:ty),*) => {$(
        impl Tokenize for $type {
            fn tokenize(&self, tokenizer: &mut Tokenizer) {
                tokenizer.int(i64::from(*self));
            }
        }
    )*};
}

tokenize_small_integers!(i8, i16, i32, i64, u8, u16, u32);
tokenize_integers!(u64, u128, usize, i128, isize);

macro_rules! tokenize_tuples {
    ($(($($name:ident),*))*) => {$(
        impl<$($name: Tokenize),*> Tokenize for ($($name,)*) {
            fn tokenize(&self, tokenizer: &mut Tokenizer) {
                #[expect(non_snake_case, reason = "the type parameters name the fields")]
                let ($($name,)*) = self;
                tokenizer.begin(Kind::Tuple);
                $($name.tokenize(tokenizer);)*
                tokenizer.end();
            }
        }
    )*};
}

tokenize_tuples! {
    (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}

macro_rules! tokenize_pointers {
    ($($type:ty),*) => {$(
        impl<T: Tokenize + ?Sized> Tokenize for $type {
            fn tokenize(&self, tokenizer: &mut Tokenizer) {
                (**self).tokenize(tokenizer);
            }
        }
    )*};
}

tokenize_pointers!(&T, Box<T>, Rc<T>, Arc<T>);

impl Tokenize for () {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.begin(Kind::Tuple);
        tokenizer.end();
    }
}

impl Tokenize for bool {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.bool(*self);
    }
}

impl Tokenize for f32 {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.float(f64::from(*self));
    }
}

impl Tokenize for f64 {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.float(*self);
    }
}

impl Tokenize for char {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.str(self.encode_utf8(&mut [0; 4]));
    }
}

impl Tokenize for str {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.str(self);
    }
}

impl Tokenize for String {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.str(self);
    }
}

impl Tokenize for Token {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.bytes(&self.to_be_bytes());
    }
}

/// `None` is none, and `Some(value)` is the value.
impl<T: Tokenize> Tokenize for Option<T> {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        match self {
            None => tokenizer.none(),
            Some(value) => value.tokenize(tokenizer),
        }
    }
}

impl<T: Tokenize> Tokenize for [T] {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenizer.begin(Kind::List);
        for item in self {
            item.tokenize(tokenizer);
        }
        tokenizer.end();
    }
}

impl<T: Tokenize, const N: usize> Tokenize for [T; N] {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        self.as_slice().tokenize(tokenizer);
    }
}

impl<T: Tokenize> Tokenize for Vec<T> {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        self.as_slice().tokenize(tokenizer);
    }
}

fn tokenize_entries<'a, K: Tokenize + 'a, V: Tokenize + 'a>(
    entries: impl Iterator<Item = (&'a K, &'a V)>,
    tokenizer: &mut Tokenizer,
) {
    tokenizer.begin(Kind::Dict);
    for (key, value) in entries {
        key.tokenize(tokenizer);
        value.tokenize(tokenizer);
        tokenizer.entry();
    }
    tokenizer.end();
}

fn tokenize_members<'a, T: Tokenize + 'a>(
    members: impl Iterator<Item = &'a T>,
    tokenizer: &mut Tokenizer,
) {
    tokenizer.begin(Kind::Set);
    for member in members {
        member.tokenize(tokenizer);
        tokenizer.entry();
    }
    tokenizer.end();
}

impl<K: Tokenize, V: Tokenize, S> Tokenize for HashMap<K, V, S> {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenize_entries(self.iter(), tokenizer);
    }
}

impl<K: Tokenize, V: Tokenize> Tokenize for BTreeMap<K, V> {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenize_entries(self.iter(), tokenizer);
    }
}

impl<T: Tokenize, S> Tokenize for HashSet<T, S> {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenize_members(self.iter(), tokenizer);
    }
}

impl<T: Tokenize> Tokenize for BTreeSet<T> {
    fn tokenize(&self, tokenizer: &mut Tokenizer) {
        tokenize_members(self.iter(), tokenizer);
    }
}
