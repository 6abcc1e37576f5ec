//! The generator: Threefry-4x64 with 20 rounds, a keyed bijection of 256-bit counters.
//!
//! J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: *Parallel random numbers: as easy as 1, 2, 3*
//! (SC 2011). It passes BigCrush with 12 rounds; 20 is the authors' margin of safety. It is made of
//! additions, rotations and exclusive ors of 64-bit words only, so a loop over counters becomes
//! vector code on any machine.
//!
//! A counter is `[block, draw, domain, 0]`. [`Domain`] keeps the uses of a key apart.

/// What the words of a counter are used for: no two uses see the same words.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Domain {
    /// One word for each element.
    Words = 0,
    /// A stream of words for each element.
    Streams = 1,
    /// Keys made from keys.
    Keys = 2,
    /// Keys of the rounds of a permutation.
    Permutation = 3,
}

/// A key made ready: its four words and their parity.
#[derive(Clone, Copy)]
pub(super) struct Threefry {
    key: [u64; 5],
}

const PARITY: u64 = 0x1BD1_1BDA_A9FC_1A22;

impl Threefry {
    #[inline(always)]
    pub(super) fn new(key: [u64; 4]) -> Self {
        let [a, b, c, d] = key;
        Self { key: [a, b, c, d, PARITY ^ a ^ b ^ c ^ d] }
    }

    /// The four words of a counter.
    #[inline(always)]
    pub(super) fn block(&self, counter: [u64; 4]) -> [u64; 4] {
        let k = &self.key;
        let mut x = counter;
        for i in 0..4 {
            x[i] = x[i].wrapping_add(k[i]);
        }
        macro_rules! four_rounds {
            ($s:literal, $r:expr) => {
                let r: [[u32; 2]; 4] = $r;
                mix(&mut x, 1, 3, r[0]);
                mix(&mut x, 3, 1, r[1]);
                mix(&mut x, 1, 3, r[2]);
                mix(&mut x, 3, 1, r[3]);
                x[0] = x[0].wrapping_add(k[$s % 5]);
                x[1] = x[1].wrapping_add(k[($s + 1) % 5]);
                x[2] = x[2].wrapping_add(k[($s + 2) % 5]);
                x[3] = x[3].wrapping_add(k[($s + 3) % 5]).wrapping_add($s);
            };
        }
        const EARLY: [[u32; 2]; 4] = [[14, 16], [52, 57], [23, 40], [5, 37]];
        const LATE: [[u32; 2]; 4] = [[25, 33], [46, 12], [58, 22], [32, 32]];
        four_rounds!(1, EARLY);
        four_rounds!(2, LATE);
        four_rounds!(3, EARLY);
        four_rounds!(4, LATE);
        four_rounds!(5, EARLY);
        x
    }
}

/// One round: words 0 and 2 each take in one of the others.
#[inline(always)]
fn mix(x: &mut [u64; 4], with_0: usize, with_2: usize, rotations: [u32; 2]) {
    x[0] = x[0].wrapping_add(x[with_0]);
    x[with_0] = x[with_0].rotate_left(rotations[0]) ^ x[0];
    x[2] = x[2].wrapping_add(x[with_2]);
    x[with_2] = x[with_2].rotate_left(rotations[1]) ^ x[2];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their implementation.
    #[test]
    fn known_answers() {
        assert_eq!(
            Threefry::new([0; 4]).block([0; 4]),
            [0x09218ebde6c85537, 0x55941f5266d86105, 0x4bd25e16282434dc, 0xee29ec846bd2e40b]
        );
        assert_eq!(
            Threefry::new([u64::MAX; 4]).block([u64::MAX; 4]),
            [0x29c24097942bba1b, 0x0371bbfb0f6f4e11, 0x3c231ffa33f83a1c, 0xcd29113fde32d168]
        );
    }
}
