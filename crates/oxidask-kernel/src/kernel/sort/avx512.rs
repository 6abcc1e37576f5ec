//! The sort and the partition of words in vector registers.
//!
//! A partition of many words reads from whichever end has less room, and writes what belongs left
//! to the left end and the rest to the right end; one of few goes through a buffer. Up to 128
//! words are sorted in registers: columns by a network, then rows by bitonic merges.
#![expect(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::{Cut, Word};

/// Words of a register.
const WIDTH: usize = 8;
/// Words that are sorted in registers.
const SMALL: usize = 2 * WIDTH * WIDTH;
/// Words that are partitioned through a buffer.
const FEW: usize = 1024;

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

/// About the median: of 64 words spread over the lane, which has more than [`SMALL`].
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn pivot<W: Word>(lane: &[i64]) -> i64 {
    let step = lane.len() / WIDTH;
    let apart = (step / WIDTH) as i64;
    let places =
        _mm512_mullo_epi64(_mm512_set1_epi64(apart), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    let mut rows = [_mm512_setzero_si512(); WIDTH];
    for (i, row) in rows.iter_mut().enumerate() {
        // SAFETY: `(WIDTH - 1) * step + (WIDTH - 1) * apart` is inside of the lane.
        *row = unsafe { _mm512_i64gather_epi64::<8>(places, lane.as_ptr().add(i * step).cast()) };
    }
    sort_rows::<W>(&mut rows);
    _mm_cvtsi128_si64(_mm512_castsi512_si128(rows[WIDTH / 2]))
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
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn partition_few<W: Word, const STRICT: bool>(lane: &mut [i64], pivot: i64) -> usize {
    let n = lane.len();
    let start = lane.as_mut_ptr();
    let pivots = _mm512_set1_epi64(pivot);
    let mut spare = [MaybeUninit::<i64>::uninit(); FEW + WIDTH];
    let spare = spare.as_mut_ptr().cast::<i64>();
    let (mut write, mut away) = (0, 0);
    // SAFETY: words are written to the lane only where they were read already, and the buffer has
    // room for all of them and a register more.
    unsafe {
        for at in (0..n - n % WIDTH).step_by(WIDTH) {
            let x = _mm512_loadu_epi64(start.add(at));
            let left = below::<W, STRICT>(x, pivots);
            let k = left.count_ones() as usize;
            _mm512_storeu_epi64(start.add(write), parted(x, left));
            _mm512_storeu_epi64(spare.add(away), parted(x, !left));
            write += k;
            away += WIDTH - k;
        }
        let at = n - n % WIDTH;
        if at < n {
            let there = ((1u32 << (n - at)) - 1) as u8;
            let x = _mm512_maskz_loadu_epi64(there, start.add(at));
            let left = below::<W, STRICT>(x, pivots) & there;
            _mm512_mask_compressstoreu_epi64(start.add(write), left, x);
            _mm512_mask_compressstoreu_epi64(spare.add(away), !left & there, x);
            write += left.count_ones() as usize;
        }
        std::ptr::copy_nonoverlapping(spare, start.add(write), n - write);
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
        for at in (0..2 * AHEAD + rest).step_by(WIDTH) {
            let there = (2 * AHEAD + rest - at).min(WIDTH);
            let there = ((1u32 << there) - 1) as u8;
            let x = _mm512_loadu_epi64(spare.as_ptr().add(at));
            let left = below::<W, STRICT>(x, pivots) & there;
            let right = !left & there;
            // The room is used up: only what is kept is written.
            write_end -= right.count_ones() as usize;
            _mm512_mask_compressstoreu_epi64(start.add(write), left, x);
            _mm512_mask_compressstoreu_epi64(start.add(write_end), right, x);
            write += left.count_ones() as usize;
        }
        write
    }
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

/// Sorts up to [`SMALL`] words.
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn sort_small<W: Word>(lane: &mut [i64]) {
    match lane.len() {
        0..=WIDTH => lane.sort_unstable_by_key(|&word| W::key(word)),
        n if n <= WIDTH * WIDTH => {
            let mut rows = [load::<W>(lane, 0)];
            sort_rows::<W>(&mut rows[0]);
            store(lane, &rows);
        }
        _ => {
            let mut rows = [load::<W>(lane, 0), load::<W>(lane, WIDTH * WIDTH)];
            for rows in &mut rows {
                sort_rows::<W>(rows);
            }
            if let Some(rows) = rows.as_flattened_mut().as_mut_array::<{ 2 * WIDTH }>() {
                merge::<W, _>(rows);
            }
            store(lane, &rows);
        }
    }
}

/// Eight registers from a word on; the largest word where there are none.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn load<W: Word>(lane: &[i64], from: usize) -> [__m512i; WIDTH] {
    let largest = if W::DOUBLES { f64::INFINITY.to_bits() as i64 } else { i64::MAX };
    let largest = _mm512_set1_epi64(largest);
    let mut rows = [largest; WIDTH];
    for (i, row) in rows.iter_mut().enumerate() {
        let at = from + i * WIDTH;
        // SAFETY: only words of the lane are read.
        *row = unsafe {
            let start = lane.as_ptr().wrapping_add(at);
            _mm512_mask_loadu_epi64(largest, there(lane, at), start)
        };
    }
    rows
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn store(lane: &mut [i64], rows: &[[__m512i; WIDTH]]) {
    for (i, row) in rows.as_flattened().iter().enumerate() {
        let mask = there(lane, i * WIDTH);
        // SAFETY: only words of the lane are written.
        unsafe {
            let start = lane.as_mut_ptr().wrapping_add(i * WIDTH);
            _mm512_mask_storeu_epi64(start, mask, *row);
        }
    }
}

/// Which words of the register at `at` the lane has.
fn there(lane: &[i64], at: usize) -> u8 {
    ((1u32 << lane.len().saturating_sub(at).min(WIDTH)) - 1) as u8
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn sort_rows<W: Word>(rows: &mut [__m512i; WIDTH]) {
    sort_columns::<W>(rows);
    transpose(rows);
    merge_all::<W, 2>(rows);
    merge_all::<W, 4>(rows);
    merge_all::<W, 8>(rows);
}

/// Sorts each column of eight: Batcher's odd-even merge sort, unrolled to stay in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn sort_columns<W: Word>(rows: &mut [__m512i; WIDTH]) {
    macro_rules! compare_all {
        ($(($i:literal, $j:literal)),*) => { $(compare::<W>(rows, $i, $j);)* };
    }
    compare_all!((0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (1, 2), (5, 6));
    compare_all!((0, 4), (1, 5), (2, 6), (3, 7), (2, 4), (3, 5), (1, 2), (3, 4), (5, 6));
}

/// The smaller of each two. Of equal doubles (zeros of either sign) it is the second, and
/// [`larger`] gives the first, so that none gets lost.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn smaller<W: Word>(a: __m512i, b: __m512i) -> __m512i {
    if W::DOUBLES {
        _mm512_castpd_si512(_mm512_min_pd(_mm512_castsi512_pd(a), _mm512_castsi512_pd(b)))
    } else {
        _mm512_min_epi64(a, b)
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn larger<W: Word>(a: __m512i, b: __m512i) -> __m512i {
    if W::DOUBLES {
        _mm512_castpd_si512(_mm512_max_pd(_mm512_castsi512_pd(b), _mm512_castsi512_pd(a)))
    } else {
        _mm512_max_epi64(a, b)
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn compare<W: Word>(rows: &mut [__m512i], i: usize, j: usize) {
    let (a, b) = (rows[i], rows[j]);
    rows[i] = smaller::<W>(a, b);
    rows[j] = larger::<W>(a, b);
}

/// Merges neighbouring runs of `N / 2` rows.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn merge_all<W: Word, const N: usize>(rows: &mut [__m512i; WIDTH]) {
    for pair in rows.as_chunks_mut::<N>().0 {
        merge::<W, _>(pair);
    }
}

/// Merges two sorted runs, each one half of the rows.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn merge<W: Word, const N: usize>(rows: &mut [__m512i; N]) {
    let backwards = _mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    let mut x = *rows;
    for i in N / 2..N {
        x[i] = _mm512_permutexvar_epi64(backwards, rows[N + N / 2 - 1 - i]);
    }
    // A rising run and a falling one are bitonic: halve the distance until it is sorted.
    let mut distance = N / 2;
    while distance > 0 {
        for i in 0..N {
            if i & distance == 0 {
                compare::<W>(&mut x, i, i + distance);
            }
        }
        distance /= 2;
    }
    for (row, x) in rows.iter_mut().zip(x) {
        let y = _mm512_shuffle_i64x2::<0x4E>(x, x);
        let x = halves::<W>(x, y, 0b1111_0000);
        let y = _mm512_permutex_epi64::<0x4E>(x);
        let x = halves::<W>(x, y, 0b1100_1100);
        let y = _mm512_permutex_epi64::<0xB1>(x);
        *row = halves::<W>(x, y, 0b1010_1010);
    }
}

/// The smaller of partners, or the larger where the mask says so.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn halves<W: Word>(x: __m512i, y: __m512i, upper: u8) -> __m512i {
    // The partner has the two in the other order.
    _mm512_mask_mov_epi64(smaller::<W>(x, y), upper, larger::<W>(y, x))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn transpose(rows: &mut [__m512i; WIDTH]) {
    let r = *rows;
    let mut pairs = r;
    for i in (0..WIDTH).step_by(2) {
        pairs[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
    }
    let mut fours = pairs;
    for i in [0, 1, 4, 5] {
        fours[i] = _mm512_shuffle_i64x2::<0x88>(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm512_shuffle_i64x2::<0xDD>(pairs[i], pairs[i + 2]);
    }
    for i in 0..4 {
        rows[i] = _mm512_shuffle_i64x2::<0x88>(fours[i], fours[i + 4]);
        rows[i + 4] = _mm512_shuffle_i64x2::<0xDD>(fours[i], fours[i + 4]);
    }
}
