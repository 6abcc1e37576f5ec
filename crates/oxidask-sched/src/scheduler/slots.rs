//! Sets of slots, in order: small where they are sparse and fast where they are dense.
//!
//! A worker that holds every second of a million values and one of a thousand workers that holds every
//! thousandth are both common. Slots are kept by chunks of 4,096: a few as a sorted list, many as bits.

use smallvec::SmallVec;

const CHUNK_BITS: u32 = 12;
const WORDS: usize = 1 << (CHUNK_BITS - 6);
/// A list that would be longer becomes bits.
const MOST_LISTED: usize = 64;

/// A set of slots.
#[derive(Default)]
pub(super) struct SlotSet {
    chunks: Vec<Chunk>,
    len: usize,
}

enum Chunk {
    Listed(SmallVec<[u16; 8]>),
    Bits(Box<[u64; WORDS]>),
}

impl SlotSet {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn contains(&self, slot: u32) -> bool {
        let (chunk, low) = parts(slot);
        match self.chunks.get(chunk) {
            None => false,
            Some(Chunk::Listed(list)) => list.binary_search(&low).is_ok(),
            Some(Chunk::Bits(bits)) => bits[word(low)] & bit(low) != 0,
        }
    }

    /// Whether the slot was not in it.
    pub(super) fn insert(&mut self, slot: u32) -> bool {
        let (at, low) = parts(slot);
        if self.chunks.len() <= at {
            self.chunks.resize_with(at + 1, || Chunk::Listed(SmallVec::new()));
        }
        let chunk = &mut self.chunks[at];
        let is_new = match chunk {
            Chunk::Listed(list) => match list.binary_search(&low) {
                Ok(_) => false,
                Err(place) => {
                    list.insert(place, low);
                    true
                }
            },
            Chunk::Bits(bits) => {
                let is_new = bits[word(low)] & bit(low) == 0;
                bits[word(low)] |= bit(low);
                is_new
            }
        };
        if let Chunk::Listed(list) = chunk
            && list.len() > MOST_LISTED
        {
            let mut bits = Box::new([0; WORDS]);
            list.iter().for_each(|&low| bits[word(low)] |= bit(low));
            *chunk = Chunk::Bits(bits);
        }
        self.len += usize::from(is_new);
        is_new
    }

    /// Whether the slot was in it.
    pub(super) fn remove(&mut self, slot: u32) -> bool {
        let (at, low) = parts(slot);
        let was_there = match self.chunks.get_mut(at) {
            None => false,
            Some(Chunk::Listed(list)) => {
                let place = list.binary_search(&low);
                place.is_ok_and(|place| list.remove(place) == low)
            }
            Some(Chunk::Bits(bits)) => {
                let was_there = bits[word(low)] & bit(low) != 0;
                bits[word(low)] &= !bit(low);
                was_there
            }
        };
        self.len -= usize::from(was_there);
        if self.len == 0 {
            self.chunks.clear();
        }
        was_there
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.chunks.iter().enumerate().flat_map(|(at, chunk)| {
            let base = (at as u32) << CHUNK_BITS;
            let (list, bits) = match chunk {
                Chunk::Listed(list) => (&list[..], None),
                Chunk::Bits(bits) => (&[][..], Some(bits)),
            };
            let set = bits.into_iter().flat_map(|bits| {
                let words = bits.iter().enumerate().filter(|(_, word)| **word != 0);
                words.flat_map(|(at, &word)| {
                    let set = (0..64).filter(move |low| word >> low & 1 != 0);
                    set.map(move |low| (at as u32) << 6 | low)
                })
            });
            list.iter().map(|&low| u32::from(low)).chain(set).map(move |low| base | low)
        })
    }
}

fn parts(slot: u32) -> (usize, u16) {
    ((slot >> CHUNK_BITS) as usize, (slot & ((1 << CHUNK_BITS) - 1)) as u16)
}

fn word(low: u16) -> usize {
    usize::from(low >> 6)
}

fn bit(low: u16) -> u64 {
    1 << (low & 63)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_a_set_in_order() {
        let (mut set, mut model) = (SlotSet::default(), BTreeSet::new());
        let mut random = 1u64;
        for step in 0..40_000u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Dense at first, then sparse, then fewer and fewer.
            let span = if step < 15_000 { 3_000 } else { 3_000_000 };
            let slot = (random >> 33) as u32 % span;
            if step < 25_000 && random >> 20 & 3 != 0 {
                assert_eq!(set.insert(slot), model.insert(slot));
            } else {
                assert_eq!(set.remove(slot), model.remove(&slot));
                if let Some(&first) = model.iter().nth(model.len() / 2) {
                    assert!(set.contains(first) && set.remove(first));
                    model.remove(&first);
                }
            }
            assert_eq!(set.len(), model.len());
        }
        assert!(set.iter().eq(model.iter().copied()));
        model.iter().for_each(|&slot| assert!(set.remove(slot)));
        assert!(set.len() == 0 && set.iter().next().is_none());
    }
}
