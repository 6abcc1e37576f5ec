//! One word of the generator for each element, a group of elements at a time.
//!
//! Element `e` has word `(e / 8) % 4` of the counter `e / 32 * 8 + e % 8`: 32 neighbours are the four
//! words of eight counters, so a vector register of counters gives runs of neighbours.

use super::threefry::{Domain, Threefry};

const LANES: usize = 8;
/// Elements of a group.
pub(super) const GROUP: usize = 4 * LANES;

/// How elements are made of words. Implementations are `#[inline(always)]`, which closures can't be:
/// what isn't inlined is compiled for the baseline instruction set.
pub(super) trait Make {
    type Out: Copy + Default;

    /// The elements of four words: the second comes 8 elements behind the first, and so on.
    fn four(words: [u64; 4]) -> [Self::Out; 4];
}

/// Fills `out` with the elements from `start` on.
#[inline(always)]
pub(super) fn fill<M: Make>(generator: &Threefry, start: u64, out: &mut [M::Out]) {
    let mut group = start / GROUP as u64;
    let mut skip = (start % GROUP as u64) as usize;
    let mut rest = out;
    let mut made = [M::Out::default(); GROUP];
    while !rest.is_empty() {
        let (now, later) = rest.split_at_mut(rest.len().min(GROUP - skip));
        fill_group::<M>(generator, group, &mut made);
        match <&mut [M::Out; GROUP]>::try_from(&mut *now) {
            Ok(whole) => *whole = made,
            Err(_) => now.copy_from_slice(&made[skip..skip + now.len()]),
        }
        (rest, skip, group) = (later, 0, group.wrapping_add(1));
    }
}

#[inline(always)]
fn fill_group<M: Make>(generator: &Threefry, group: u64, out: &mut [M::Out; GROUP]) {
    let first = group.wrapping_mul(LANES as u64);
    for lane in 0..LANES {
        let counter = [first.wrapping_add(lane as u64), 0, Domain::Words as u64, 0];
        let made = M::four(generator.block(counter));
        out[lane] = made[0];
        out[LANES + lane] = made[1];
        out[2 * LANES + lane] = made[2];
        out[3 * LANES + lane] = made[3];
    }
}
