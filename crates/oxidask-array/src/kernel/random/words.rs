//! One word of the generator for each element, a group of elements at a time.
//!
//! Element `e` has word `(e / 8) % 4` of the counter `e / 32 * 8 + e % 8`: 32 neighbours are the four
//! words of eight counters, so a vector register of counters gives runs of neighbours.

use super::threefry::{Domain, Threefry};

const LANES: usize = 8;
/// Elements of a group.
pub(super) const GROUP: usize = 4 * LANES;

/// Fills `out` with the elements from `start` on. `f` makes four elements of four words; the second
/// comes 8 elements behind the first, and so on.
#[inline(always)]
pub(super) fn fill<T: Copy + Default>(
    generator: &Threefry,
    start: u64,
    out: &mut [T],
    f: impl Fn([u64; 4]) -> [T; 4] + Copy,
) {
    let mut group = start / GROUP as u64;
    let mut skip = (start % GROUP as u64) as usize;
    let mut rest = out;
    let mut made = [T::default(); GROUP];
    while !rest.is_empty() {
        let (now, later) = rest.split_at_mut(rest.len().min(GROUP - skip));
        fill_group(generator, group, &mut made, f);
        match <&mut [T; GROUP]>::try_from(&mut *now) {
            Ok(whole) => *whole = made,
            Err(_) => now.copy_from_slice(&made[skip..skip + now.len()]),
        }
        (rest, skip, group) = (later, 0, group.wrapping_add(1));
    }
}

#[inline(always)]
fn fill_group<T: Copy>(
    generator: &Threefry,
    group: u64,
    out: &mut [T; GROUP],
    f: impl Fn([u64; 4]) -> [T; 4] + Copy,
) {
    let first = group.wrapping_mul(LANES as u64);
    for lane in 0..LANES {
        let counter = [first.wrapping_add(lane as u64), 0, Domain::Words as u64, 0];
        let made = f(generator.block(counter));
        out[lane] = made[0];
        out[LANES + lane] = made[1];
        out[2 * LANES + lane] = made[2];
        out[3 * LANES + lane] = made[3];
    }
}
