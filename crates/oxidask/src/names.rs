//! Names for tasks whose author gave none.
//!
//! A key is a name for people and a token that tells it apart. Tokens of ordinary calls are
//! unique; those of pure calls follow from the function and what it is given.

use std::any::{TypeId, type_name};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use oxidask_core::key::{Group, Key};
use oxidask_core::node::Node;
use oxidask_core::tokenize::{Kind, Token, Tokenize, Tokenizer};

/// A token that no other call of this process has, and hardly one of another process.
pub(crate) fn unique_token() -> u128 {
    static SEED: OnceLock<u64> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let seed = *SEED.get_or_init(|| RandomState::new().hash_one(std::process::id()));
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..].copy_from_slice(&call.to_le_bytes());
    Token::of_bytes(&bytes).as_u128()
}

/// `name` with a unique token.
pub(crate) fn unique_key(name: &str) -> Key {
    Key::with_token(Group::new(name), unique_token())
}

/// The key of a call of the pure function `F` with the values of `inputs` and with `argument`.
///
/// Refuses at compile time a function that captures something: its type would not say what.
pub(crate) fn pure_key<F: 'static>(
    name: &str,
    inputs: &[Node],
    argument: Option<&dyn Tokenize>,
) -> Key {
    const {
        assert!(
            size_of::<F>() == 0,
            "a pure call needs a function that captures nothing: hand the values in as arguments"
        );
    }
    let mut identity = Bytes(Vec::new());
    TypeId::of::<F>().hash(&mut identity);
    let mut tokenizer = Tokenizer::new();
    tokenizer.begin(Kind::Tuple);
    tokenizer.bytes(&identity.0);
    for input in inputs {
        tokenizer.name(&input.key().to_string());
    }
    if let Some(argument) = argument {
        argument.tokenize(&mut tokenizer);
    }
    Key::with_token(Group::new(name), tokenizer.end().as_u128())
}

/// Takes down what a type's identity is made of.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The name of a function for people: `load` for `fn load` of any module, and for a closure the
/// name of the function that it is written in.
pub(crate) fn function_name<F>() -> &'static str {
    let full = type_name::<F>();
    // Generic arguments may have paths of their own.
    let path = full.split_once('<').map_or(full, |(path, _)| path);
    let parts = path.rsplit("::").filter(|part| !part.is_empty() && *part != "{{closure}}");
    let name = parts.into_iter().next().unwrap_or("task");
    if name.contains(|c: char| !c.is_alphanumeric() && c != '_') { "task" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of<F>(_: F) -> &'static str {
        function_name::<F>()
    }

    fn load() {}

    fn generic<T>() {}

    #[test]
    fn functions_give_their_names() {
        assert_eq!(name_of(load), "load");
        assert_eq!(name_of(generic::<std::string::String>), "generic");
        assert_eq!(name_of(|| 1), "functions_give_their_names");
        assert_eq!(name_of(load as fn()), "task");
    }

    #[test]
    fn tokens_are_unique() {
        assert_ne!(unique_token(), unique_token());
    }
}
