//! What is true of a client after every event.

use rustc_hash::FxHashSet;

use super::{Client, FENCE};

impl Client {
    /// Whether its tables agree with one another. For tests: it reads all of them.
    ///
    /// # Errors
    ///
    /// The first contradiction, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        let gone: FxHashSet<_> = self.gone.iter().map(|(_, key)| key).collect();
        let mut n_gone = 0;
        for (at, future) in self.futures.iter() {
            let key = &future.key;
            if self.futures.find(key) != Some(at) {
                return Err(format!("{key:?} is not found at {at}"));
            }
            if future.n_held == 0 {
                n_gone += 1;
                if !gone.contains(key) {
                    return Err(format!("{key:?} is gone and will never be forgotten"));
                }
            } else if future.silent_until > self.fence_sent
                && future.state != super::FutureState::Cancelled
            {
                return Err(format!("{key:?} waits for a fence that was not sent"));
            }
            if future.silent_until > self.fence_sent + 1 {
                return Err(format!("{key:?} waits for fence {}", future.silent_until));
            }
            if future.submission > self.n_submissions {
                return Err(format!("{key:?} is of submission {}", future.submission));
            }
        }
        if n_gone != self.n_gone {
            return Err(format!("{n_gone} keys are gone, counted {}", self.n_gone));
        }
        if self.fence_answered > self.fence_sent {
            return Err(format!("fence {} was never sent", self.fence_answered));
        }
        let can_be_proved = self.unproved.iter().all(|(fence, _)| *fence <= self.fence_sent + 1);
        if !self.unproved.is_empty() && (self.fence_sent == self.fence_answered || !can_be_proved) {
            return Err("a submission will never be known to be taken in".to_owned());
        }
        if let Some((request, _)) = self.locates.last_key_value()
            && request & FENCE != 0
        {
            return Err(format!("request {request} looks like a fence"));
        }
        self.blobs.check_invariants()
    }
}
