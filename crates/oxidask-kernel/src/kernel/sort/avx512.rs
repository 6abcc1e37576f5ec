//! The sort and the partition of words in vector registers.
//!
//! A partition of many words reads from whichever end has less room, and writes what belongs left
//! to the left end and the rest to the right end; one of few goes through a buffer. [`super::network`]
//! sorts what is left in the end, which registers can hold.
#![expect(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::network::{SMALL, WIDTH, median_of_rows, sort_small, there};
use super::vector::{Cut, Word};

/// Words that are partitioned through a buffer.
const FEW: usize = 4096;

/// Sorts words. The machine must have AVX-512 (F and DQ) and POPCNT.
pub(super) fn sort<W: Word>(lane: &mut [i64]) {
    let depth = 2 * (usize::BITS - lane.len().leading_zeros());
    // SAFETY: the features are there.
    unsafe { quicksort::<W>(lane, depth) };
}

/// Moves what comes before a cut to the front, and says how many these are.
pub(super) fn split_at<W: Word>(lane: &mut [i64], cut: Cut) -> usize {
    // SAFETY: the features are there.
    unsafe {
        if cut.is_after {
            partition::<W, false>(lane, cut.word)
        } else {
            partition::<W, true>(lane, cut.word)
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn quicksort<W: Word>(mut lane: &mut [i64], mut depth: u32) {
    loop {
        if lane.len() <= SMALL {
            sort_small::<W>(lane);
            return;
        }
        if depth == 0 {
            lane.sort_unstable_by_key(|&word| W::key(word));
            return;
        }
        depth -= 1;
        let pivot = pivot::<W>(lane);
        let mut at = partition::<W, false>(lane, pivot);
        if at == lane.len() {
            // Nothing above the pivot: it is the largest, and its equals are in place at the end.
            at = partition::<W, true>(lane, pivot);
            lane = &mut lane[..at];
            continue;
        }
        let (left, right) = lane.split_at_mut(at);
        let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
        // The shorter side recurses.
        quicksort::<W>(short, depth);
        lane = long;
    }
}

/// About the median: of 64 words from eight places of the lane, which has more than [`SMALL`].
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn pivot<W: Word>(lane: &[i64]) -> i64 {
    let step = lane.len() / WIDTH;
    let mut rows = [_mm512_setzero_si512(); WIDTH];
    for (i, row) in rows.iter_mut().enumerate() {
        // SAFETY: a step is more than a register.
        *row = unsafe { _mm512_loadu_epi64(lane.as_ptr().add(i * step + step / 2)) };
    }
    median_of_rows::<W>(&mut rows)
}

/// For each mask the places of its set bits, then of the others.
const ORDERS: [[u8; WIDTH]; 256] = {
    let mut orders = [[0; WIDTH]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut front, mut back) = (0, (mask as u8).count_ones() as usize);
        let mut bit = 0;
        while bit < WIDTH {
            let at = if mask >> bit & 1 == 1 { &mut front } else { &mut back };
            orders[mask][*at] = bit as u8;
            *at += 1;
            bit += 1;
        }
        mask += 1;
    }
    orders
};

/// A register with what the mask says first, then the rest.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn parted(x: __m512i, first: u8) -> __m512i {
    // SAFETY: eight bytes of the table's row are read.
    let order = unsafe { _mm_loadl_epi64(ORDERS[first as usize].as_ptr().cast()) };
    _mm512_permutexvar_epi64(_mm512_cvtepu8_epi64(order), x)
}

/// Moves what is not above the pivot (what is below it, if `STRICT`) to the front; says how many
/// these are.
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn partition<W: Word, const STRICT: bool>(lane: &mut [i64], pivot: i64) -> usize {
    if lane.len() <= FEW {
        partition_few::<W, STRICT>(lane, pivot)
    } else {
        partition_many::<W, STRICT>(lane, pivot)
    }
}

/// Partitions at most [`FEW`] words: what belongs right waits in a buffer.
#[inline(never)] // The buffer would lie in every level of the quicksort.
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn partition_few<W: Word, const STRICT: bool>(lane: &mut [i64], pivot: i64) -> usize {
    let n = lane.len();
    let start = lane.as_mut_ptr();
    let pivots = _mm512_set1_epi64(pivot);
    let mut spare = [MaybeUninit::<i64>::uninit(); FEW + WIDTH];
    // It fills from its end on.
    let spare = spare.as_mut_ptr().cast::<i64>();
    let (mut write, mut away) = (0, FEW + WIDTH);
    // SAFETY: words are written to the lane only where they were read already, and the buffer has
    // room for all of them and a register more.
    unsafe {
        for at in (0..n - n % WIDTH).step_by(WIDTH) {
            let x = _mm512_loadu_epi64(start.add(at));
            let left = below::<W, STRICT>(x, pivots);
            let k = left.count_ones() as usize;
            let x = parted(x, left);
            _mm512_storeu_epi64(start.add(write), x);
            _mm512_storeu_epi64(spare.add(away - WIDTH), x);
            write += k;
            away -= WIDTH - k;
        }
        let at = n - n % WIDTH;
        if at < n {
            let there = ((1u32 << (n - at)) - 1) as u8;
            let x = _mm512_maskz_loadu_epi64(there, start.add(at));
            let left = below::<W, STRICT>(x, pivots) & there;
            let right = !left & there;
            away -= right.count_ones() as usize;
            _mm512_mask_compressstoreu_epi64(start.add(write), left, x);
            _mm512_mask_compressstoreu_epi64(spare.add(away), right, x);
            write += left.count_ones() as usize;
        }
        std::ptr::copy_nonoverlapping(spare.add(away), start.add(write), n - write);
    }
    write
}

/// Registers that a step of a partition reads.
const STEP: usize = 8;

/// Partitions in place at least `2 * STEP` registers' words.
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn partition_many<W: Word, const STRICT: bool>(lane: &mut [i64], pivot: i64) -> usize {
    const AHEAD: usize = STEP * WIDTH;
    let n = lane.len();
    let start = lane.as_mut_ptr();
    let pivots = _mm512_set1_epi64(pivot);
    let mut spare = [0i64; 3 * AHEAD];
    // SAFETY: reads and writes stay inside of the lane: what was read ahead, and the one side
    // that was just read from, leave room for a step's registers on either side.
    unsafe {
        std::ptr::copy_nonoverlapping(start, spare.as_mut_ptr(), AHEAD);
        let last = start.add(n - AHEAD);
        std::ptr::copy_nonoverlapping(last, spare.as_mut_ptr().add(AHEAD), AHEAD);
        let (mut read, mut read_end) = (AHEAD, n - AHEAD);
        let (mut write, mut write_end) = (0, n);
        while read_end - read >= AHEAD {
            // Without a branch: which end is next can't be foretold.
            let at_left = usize::from(read - write <= write_end - read_end);
            read_end -= AHEAD * (1 - at_left);
            let from = read_end ^ ((read_end ^ read) & at_left.wrapping_neg());
            read += AHEAD * at_left;
            let mut registers = [pivots; STEP];
            for (i, x) in registers.iter_mut().enumerate() {
                *x = _mm512_loadu_epi64(start.add(from + i * WIDTH));
            }
            for x in registers {
                let left = below::<W, STRICT>(x, pivots);
                let k = left.count_ones() as usize;
                // What goes left first, then what goes right: the whole register is written at
                // both ends, and what is too much lies where room was left.
                let x = parted(x, left);
                _mm512_storeu_epi64(start.add(write), x);
                _mm512_storeu_epi64(start.add(write_end - WIDTH), x);
                write += k;
                write_end -= WIDTH - k;
            }
        }
        let rest = read_end - read;
        std::ptr::copy_nonoverlapping(start.add(read), spare.as_mut_ptr().add(2 * AHEAD), rest);
        part_last::<W, STRICT>(start, (write, write_end), &spare[..2 * AHEAD + rest], pivots)
    }
}

/// Writes the last words to the room that is left for them; says where what belongs left ends.
///
/// # Safety
/// The room has as many words as there are.
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
unsafe fn part_last<W: Word, const STRICT: bool>(
    start: *mut i64,
    (mut write, mut write_end): (usize, usize),
    words: &[i64],
    pivots: __m512i,
) -> usize {
    let mut at = 0;
    // SAFETY: registers that are written whole lie apart, of others only what is kept is written.
    unsafe {
        while write_end - write >= 2 * WIDTH {
            let x = _mm512_loadu_epi64(words.as_ptr().add(at));
            let left = below::<W, STRICT>(x, pivots);
            let k = left.count_ones() as usize;
            let x = parted(x, left);
            _mm512_storeu_epi64(start.add(write), x);
            _mm512_storeu_epi64(start.add(write_end - WIDTH), x);
            write += k;
            write_end -= WIDTH - k;
            at += WIDTH;
        }
        for at in (at..words.len()).step_by(WIDTH) {
            let there = there(words, at);
            let x = _mm512_maskz_loadu_epi64(there, words.as_ptr().add(at));
            let left = below::<W, STRICT>(x, pivots) & there;
            let right = !left & there;
            write_end -= right.count_ones() as usize;
            _mm512_mask_compressstoreu_epi64(start.add(write), left, x);
            _mm512_mask_compressstoreu_epi64(start.add(write_end), right, x);
            write += left.count_ones() as usize;
        }
    }
    write
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn below<W: Word, const STRICT: bool>(x: __m512i, pivots: __m512i) -> __mmask8 {
    let (y, limits) = (_mm512_castsi512_pd(x), _mm512_castsi512_pd(pivots));
    match (W::DOUBLES, STRICT) {
        (true, true) => _mm512_cmp_pd_mask::<_CMP_LT_OQ>(y, limits),
        (true, false) => _mm512_cmp_pd_mask::<_CMP_LE_OQ>(y, limits),
        (false, true) => _mm512_cmplt_epi64_mask(x, pivots),
        (false, false) => _mm512_cmple_epi64_mask(x, pivots),
    }
}
