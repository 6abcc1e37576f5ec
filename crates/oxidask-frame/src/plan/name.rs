//! Names of tables: a prefix and a hash of what is computed.

use oxidask_core::key::Group;
use xxhash_rust::xxh3::Xxh3;

/// A name in the making.
pub(crate) struct Name {
    prefix: String,
    hash: Xxh3,
}

impl Name {
    /// A name that starts so.
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into(), hash: Xxh3::new() }
    }

    /// Hashes bytes.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.hash.update(&(bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
        self
    }

    /// The name.
    pub(crate) fn finish(self) -> Group {
        Group::new(&format!("{}-{:032x}", self.prefix, self.hash.digest128()))
    }
}
