//! Shared parts that the scheduler was sent and keeps for this client, the least used of which go first.

use std::collections::BTreeMap;

use crate::content::Content;
use rustc_hash::FxHashMap;

use crate::ids::BlobHash;
use crate::message::Blob;

#[derive(Clone, Copy, Debug)]
struct Sent {
    nbytes: u64,
    used: u64,
}

/// What the scheduler was sent.
#[derive(Debug)]
pub(super) struct SentBlobs {
    max: usize,
    max_bytes: u64,
    sent: FxHashMap<BlobHash, Sent>,
    by_use: BTreeMap<u64, BlobHash>,
    n_bytes: u64,
    n_uses: u64,
}

impl SentBlobs {
    pub(super) fn new(max: usize, max_bytes: u64) -> Self {
        Self {
            max,
            max_bytes,
            sent: FxHashMap::default(),
            by_use: BTreeMap::new(),
            n_bytes: 0,
            n_uses: 0,
        }
    }

    /// Empties those that the scheduler has. Returns those that it should not keep any more, none of
    /// which is among `blobs`.
    pub(super) fn on_the_way_out(&mut self, blobs: &mut [Blob]) -> Vec<BlobHash> {
        let first_use = self.n_uses;
        for blob in blobs {
            let nbytes = blob.bytes.as_bytes().map_or(0, |bytes| bytes.len() as u64);
            match self.sent.get_mut(&blob.hash) {
                Some(sent) => {
                    self.by_use.remove(&sent.used);
                    sent.used = self.n_uses;
                    blob.bytes = Content::new();
                }
                None => {
                    self.sent.insert(blob.hash, Sent { nbytes, used: self.n_uses });
                    self.n_bytes += nbytes;
                }
            }
            self.by_use.insert(self.n_uses, blob.hash);
            self.n_uses += 1;
        }
        let mut too_many = Vec::new();
        while (self.sent.len() > self.max || self.n_bytes > self.max_bytes)
            && let Some((&used, &hash)) = self.by_use.first_key_value()
            && used < first_use
        {
            self.by_use.remove(&used);
            if let Some(sent) = self.sent.remove(&hash) {
                self.n_bytes -= sent.nbytes;
            }
            too_many.push(hash);
        }
        too_many
    }

    /// The scheduler has none of them any more.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
        self.by_use.clear();
        self.n_bytes = 0;
    }

    pub(super) fn check_invariants(&self) -> Result<(), String> {
        let n_bytes: u64 = self.sent.values().map(|sent| sent.nbytes).sum();
        if n_bytes != self.n_bytes {
            return Err(format!("{n_bytes} bytes of blobs, counted {}", self.n_bytes));
        }
        let agrees = |(used, hash): (&u64, &BlobHash)| {
            self.sent.get(hash).is_some_and(|sent| sent.used == *used)
        };
        if self.by_use.len() != self.sent.len() || !self.by_use.iter().all(agrees) {
            return Err("blobs by hash and by use disagree".to_owned());
        }
        Ok(())
    }
}
