//! Rounds of AES by the processor's instructions for them.
#![cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "vector instructions")
)]

use super::ROUNDS;
use crate::kernel::processor::AesUnit;

type Keys = [[u64; 2]; ROUNDS + 1];

/// The words of a counter and of those behind it, by a unit that the processor has.
#[inline]
pub(super) fn blocks(unit: AesUnit, keys: &Keys, counter: [u64; 2], out: &mut [u64]) {
    match unit {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the unit.
        AesUnit::Wide => unsafe { x86::wide(keys, counter, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        AesUnit::Block => unsafe { x86::by_block(keys, counter, out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        AesUnit::Block => unsafe { arm::by_block(keys, counter, out) },
        _ => super::software::blocks(keys, counter, out),
    }
}

/// Counters at work at the same time, as a round takes several cycles.
const TOGETHER: usize = 4;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Keys, ROUNDS, TOGETHER};

    // Loops rather than functions that take closures, which are inlined less surely here.

    #[target_feature(enable = "aes")]
    pub(super) fn by_block(keys: &Keys, [mut index, draw]: [u64; 2], out: &mut [u64]) {
        let mut ready = [_mm_setzero_si128(); ROUNDS + 1];
        for (ready, key) in ready.iter_mut().zip(keys) {
            *ready = _mm_set_epi64x(key[1] as i64, key[0] as i64);
        }
        let mut together = out.chunks_exact_mut(2 * TOGETHER);
        for out in &mut together {
            let mut x = [_mm_setzero_si128(); TOGETHER];
            for x in &mut x {
                *x = _mm_xor_si128(_mm_set_epi64x(draw as i64, index as i64), ready[0]);
                index = index.wrapping_add(1);
            }
            for key in &ready[1..ROUNDS] {
                for x in &mut x {
                    *x = _mm_aesenc_si128(*x, *key);
                }
            }
            for (out, x) in out.chunks_exact_mut(2).zip(&x) {
                let x = _mm_aesenclast_si128(*x, ready[ROUNDS]);
                // SAFETY: a part of the output of two words.
                unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), x) };
            }
        }
        for out in together.into_remainder().chunks_exact_mut(2) {
            let mut x = _mm_xor_si128(_mm_set_epi64x(draw as i64, index as i64), ready[0]);
            for key in &ready[1..ROUNDS] {
                x = _mm_aesenc_si128(x, *key);
            }
            x = _mm_aesenclast_si128(x, ready[ROUNDS]);
            // SAFETY: as above.
            unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), x) };
            index = index.wrapping_add(1);
        }
    }

    /// Registers of four counters.
    const WIDE: usize = 4;

    #[target_feature(enable = "avx512f,vaes,aes")]
    pub(super) fn wide(keys: &Keys, [mut index, draw]: [u64; 2], out: &mut [u64]) {
        let (long, rest) = out.split_at_mut(out.len() / (8 * WIDE) * (8 * WIDE));
        if !long.is_empty() {
            let mut ready = [_mm512_setzero_si512(); ROUNDS + 1];
            for (ready, key) in ready.iter_mut().zip(keys) {
                *ready = four(*key);
            }
            let (next, step) = (four([4, 0]), four([4 * WIDE as u64, 0]));
            let offsets = _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0);
            let mut first = _mm512_add_epi64(four([index, draw]), offsets);
            for out in long.chunks_exact_mut(8 * WIDE) {
                let (mut counter, mut x) = (first, [_mm512_setzero_si512(); WIDE]);
                for x in &mut x {
                    *x = _mm512_xor_si512(counter, ready[0]);
                    counter = _mm512_add_epi64(counter, next);
                }
                for key in &ready[1..ROUNDS] {
                    for x in &mut x {
                        *x = _mm512_aesenc_epi128(*x, *key);
                    }
                }
                for (out, x) in out.chunks_exact_mut(8).zip(&x) {
                    let x = _mm512_aesenclast_epi128(*x, ready[ROUNDS]);
                    // SAFETY: a part of the output of eight words.
                    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), x) };
                }
                first = _mm512_add_epi64(first, step);
            }
            index = index.wrapping_add(long.len() as u64 / 2);
        }
        by_block(keys, [index, draw], rest);
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn four([low, high]: [u64; 2]) -> __m512i {
        let (low, high) = (low as i64, high as i64);
        _mm512_set_epi64(high, low, high, low, high, low, high, low)
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::{Keys, ROUNDS, TOGETHER};

    /// This processor adds the key before it substitutes, so that a round of ours is the first part
    /// of one instruction and the second of the one before.
    #[target_feature(enable = "neon,aes")]
    pub(super) fn by_block(keys: &Keys, [mut index, draw]: [u64; 2], out: &mut [u64]) {
        let mut ready = [vdupq_n_u8(0); ROUNDS + 1];
        for (ready, key) in ready.iter_mut().zip(keys) {
            *ready = pair(*key);
        }
        let mut together = out.chunks_exact_mut(2 * TOGETHER);
        for out in &mut together {
            let mut x = [vdupq_n_u8(0); TOGETHER];
            for x in &mut x {
                *x = pair([index, draw]);
                index = index.wrapping_add(1);
            }
            for key in &ready[..ROUNDS - 1] {
                for x in &mut x {
                    *x = vaesmcq_u8(vaeseq_u8(*x, *key));
                }
            }
            for (out, x) in out.chunks_exact_mut(2).zip(&x) {
                last(&ready, *x, out);
            }
        }
        for out in together.into_remainder().chunks_exact_mut(2) {
            let mut x = pair([index, draw]);
            for key in &ready[..ROUNDS - 1] {
                x = vaesmcq_u8(vaeseq_u8(x, *key));
            }
            last(&ready, x, out);
            index = index.wrapping_add(1);
        }
    }

    #[inline]
    #[target_feature(enable = "neon,aes")]
    fn last(keys: &[uint8x16_t; ROUNDS + 1], x: uint8x16_t, out: &mut [u64]) {
        let words = vreinterpretq_u64_u8(veorq_u8(vaeseq_u8(x, keys[ROUNDS - 1]), keys[ROUNDS]));
        out.copy_from_slice(&[vgetq_lane_u64::<0>(words), vgetq_lane_u64::<1>(words)]);
    }

    #[inline]
    #[target_feature(enable = "neon")]
    fn pair([low, high]: [u64; 2]) -> uint8x16_t {
        vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)))
    }
}
