//! What a worker has of each resource, and what running attempts take of it.

use std::sync::Arc;

use smallvec::SmallVec;

/// Amounts are counted in millionths, so that what is taken and given back adds up.
const UNIT: f64 = 1e6;

/// What an attempt takes: of which resource, how much.
pub(super) type Share = SmallVec<[(u32, u64); 1]>;

#[derive(Clone, Debug)]
struct Resource {
    name: Arc<str>,
    total: u64,
    free: u64,
}

/// The resources of a worker.
#[derive(Clone, Debug)]
pub(super) struct Resources(Vec<Resource>);

fn units(amount: f64) -> u64 {
    (amount * UNIT).round() as u64
}

impl Resources {
    pub(super) fn new(resources: &[(Arc<str>, f64)]) -> Self {
        let rows = resources.iter().map(|(name, amount)| {
            let total = units(*amount);
            Resource { name: name.clone(), total, free: total }
        });
        Self(rows.collect())
    }

    /// What a task that needs `wanted` takes.
    ///
    /// # Errors
    ///
    /// The first resource of which there is never enough, in words.
    pub(super) fn share(&self, wanted: &[(Arc<str>, f64)]) -> Result<Share, String> {
        let mut share = Share::new();
        for (name, amount) in wanted {
            let Some(at) = self.0.iter().position(|resource| resource.name == *name) else {
                return Err(format!("it takes resource '{name}', of which its worker has none"));
            };
            match share.iter_mut().find(|(other, _)| *other == at as u32) {
                Some((_, before)) => *before += units(*amount),
                None => share.push((at as u32, units(*amount))),
            }
        }
        for &(at, amount) in &share {
            let Resource { name, total, .. } = &self.0[at as usize];
            if amount > *total {
                let (amount, total) = (amount as f64 / UNIT, *total as f64 / UNIT);
                return Err(format!(
                    "it takes {amount} of resource '{name}', of which its worker has {total}"
                ));
            }
        }
        Ok(share)
    }

    /// Takes a share, if it fits.
    pub(super) fn take(&mut self, share: &Share) -> bool {
        let fits = share.iter().all(|&(at, amount)| self.0[at as usize].free >= amount);
        if fits {
            for &(at, amount) in share {
                self.0[at as usize].free -= amount;
            }
        }
        fits
    }

    pub(super) fn give_back(&mut self, share: &Share) {
        for &(at, amount) in share {
            self.0[at as usize].free += amount;
        }
    }

    /// What is taken of each.
    pub(super) fn taken(&self) -> Vec<u64> {
        self.0.iter().map(|resource| resource.total - resource.free).collect()
    }
}
