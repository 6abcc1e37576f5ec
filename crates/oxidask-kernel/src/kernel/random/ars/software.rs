//! Rounds of AES by tables, for processors without instructions for them (FIPS 197).

use super::ROUNDS;

/// The words of a counter and of those behind it.
pub(super) fn blocks(keys: &[[u64; 2]; ROUNDS + 1], [first, draw]: [u64; 2], out: &mut [u64]) {
    for (i, out) in out.chunks_exact_mut(2).enumerate() {
        out.copy_from_slice(&block(keys, [first.wrapping_add(i as u64), draw]));
    }
}

fn block(keys: &[[u64; 2]; ROUNDS + 1], [index, draw]: [u64; 2]) -> [u64; 2] {
    let mut state = columns([index ^ keys[0][0], draw ^ keys[0][1]]);
    // Rows move left by their number, bytes are substituted, columns mixed.
    let byte = |[a, b, c, d]: [u32; 4]| {
        [a as u8, (b >> 8) as u8, (c >> 16) as u8, (d >> 24) as u8].map(usize::from)
    };
    let moved =
        |[a, b, c, d]: [u32; 4]| [[a, b, c, d], [b, c, d, a], [c, d, a, b], [d, a, b, c]].map(byte);
    for key in &keys[1..ROUNDS] {
        let mixed = moved(state).map(|[a, b, c, d]| {
            MIXED[a] ^ MIXED[b].rotate_left(8) ^ MIXED[c].rotate_left(16) ^ MIXED[d].rotate_left(24)
        });
        state = with_key(mixed, *key);
    }
    // The last round mixes no columns.
    let last = moved(state).map(|row| u32::from_le_bytes(row.map(|byte| SUBSTITUTE[byte])));
    let [a, b, c, d] = with_key(last, keys[ROUNDS]);
    let word = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    [word(a, b), word(c, d)]
}

fn with_key([a, b, c, d]: [u32; 4], key: [u64; 2]) -> [u32; 4] {
    let [p, q, r, s] = columns(key);
    [a ^ p, b ^ q, c ^ r, d ^ s]
}

/// A column in each number, its first row in the lowest byte.
fn columns([low, high]: [u64; 2]) -> [u32; 4] {
    [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32]
}

/// Twice a polynomial over the field of two elements, modulo AES's.
const fn doubled(x: u8) -> u8 {
    (x << 1) ^ if x & 0x80 != 0 { 0x1B } else { 0 }
}

/// The substitution of bytes: the inverse in AES's field, then an affine map.
const SUBSTITUTE: [u8; 256] = {
    let mut table = [0x63; 256];
    // Powers of 3 and of its inverse run through all the field but 0, in step.
    let (mut power, mut inverse) = (1_u8, 1_u8);
    loop {
        power ^= doubled(power);
        // A division by 3.
        inverse ^= inverse << 1;
        inverse ^= inverse << 2;
        inverse ^= inverse << 4;
        if inverse & 0x80 != 0 {
            inverse ^= 0x09;
        }
        let affine = inverse
            ^ inverse.rotate_left(1)
            ^ inverse.rotate_left(2)
            ^ inverse.rotate_left(3)
            ^ inverse.rotate_left(4);
        table[power as usize] = affine ^ 0x63;
        if power == 1 {
            break table;
        }
    }
};

/// What a substituted byte in the first row adds to its column: twice, once, once and three times.
const MIXED: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let once = SUBSTITUTE[i];
        let twice = doubled(once);
        table[i] = u32::from_le_bytes([twice, once, once, once ^ twice]);
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::SUBSTITUTE;

    /// Of figure 7 of FIPS 197.
    #[test]
    fn bytes_are_substituted_as_the_standard_says() {
        let known = [(0x00, 0x63), (0x01, 0x7C), (0x53, 0xED), (0x10, 0xCA), (0xFF, 0x16)];
        assert!(known.iter().all(|&(from, to)| SUBSTITUTE[from] == to));
    }
}
