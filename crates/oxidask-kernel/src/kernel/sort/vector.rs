//! Quicksort and merges of 64-bit integers in vector registers.
//!
//! A partition reads from whichever end has less room, and writes what is not above the pivot to the
//! left end and the rest to the right end. Up to 128 elements are sorted in
//! registers: columns by a network, then rows by bitonic merges. Sorted runs are merged in
//! pairs, a few registers at a time. Machines without AVX-512 sort by the standard library.
#![expect(unsafe_code, reason = "vector instructions")]

use crate::dtype::DType;
use crate::kernel::Chunk;

/// Whether this machine has what [`avx512`] needs.
fn has_vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("popcnt");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Sorts integers.
pub(super) fn sort(lane: &mut [i64]) {
    #[cfg(target_arch = "x86_64")]
    if lane.len() > 16 && has_vectors() {
        let depth = 2 * (usize::BITS - lane.len().leading_zeros());
        // SAFETY: the features are there.
        unsafe { avx512::quicksort(lane, depth) };
        return;
    }
    lane.sort_unstable();
}

/// Sorts integers that come in sorted runs of these lengths.
pub(super) fn merge(lane: &mut [i64], lengths: &[usize]) {
    let spare = Chunk::new(DType::I64, &[lane.len()]).ok();
    let mut spare = spare.filter(|_| has_vectors());
    let Some(spare) = spare.as_mut().and_then(|spare| spare.as_mut_slice()) else {
        // A stable sort finds the runs and merges them.
        lane.sort();
        return;
    };
    let mut bounds: Vec<usize> = vec![0];
    bounds.extend(lengths.iter().scan(0, |end, n| {
        *end += n;
        Some(*end)
    }));
    let (mut from, mut to) = (&mut *lane, spare);
    let mut is_home = true;
    while bounds.len() > 2 {
        let mut merged = vec![0];
        for pair in bounds.windows(3).step_by(2) {
            merge_two(&from[pair[0]..pair[1]], &from[pair[1]..pair[2]], &mut to[pair[0]..pair[2]]);
            merged.push(pair[2]);
        }
        if bounds.len().is_multiple_of(2) {
            let alone = bounds[bounds.len() - 2]..bounds[bounds.len() - 1];
            to[alone.clone()].copy_from_slice(&from[alone.clone()]);
            merged.push(alone.end);
        }
        bounds = merged;
        std::mem::swap(&mut from, &mut to);
        is_home = !is_home;
    }
    if !is_home {
        to.copy_from_slice(from);
    }
}

fn merge_two(a: &[i64], b: &[i64], to: &mut [i64]) {
    #[cfg(target_arch = "x86_64")]
    if a.len() >= avx512::AT_ONCE && b.len() >= avx512::AT_ONCE {
        // SAFETY: the features are there, and the runs are long enough.
        unsafe { avx512::merge_runs(a, b, to) };
        return;
    }
    merge_scalar(a, b, to);
}

fn merge_scalar(a: &[i64], b: &[i64], to: &mut [i64]) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let first = a[i] <= b[j];
        to[i + j] = if first { a[i] } else { b[j] };
        i += usize::from(first);
        j += usize::from(!first);
    }
    let to = &mut to[i + j..];
    let rest = a.len() - i;
    to[..rest].copy_from_slice(&a[i..]);
    to[rest..].copy_from_slice(&b[j..]);
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    /// Elements of a register.
    const WIDTH: usize = 8;
    /// Elements that are sorted in registers.
    const SMALL: usize = 2 * WIDTH * WIDTH;

    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    pub(super) unsafe fn quicksort(mut lane: &mut [i64], mut depth: u32) {
        loop {
            if lane.len() <= SMALL {
                sort_small(lane);
                return;
            }
            if depth == 0 {
                lane.sort_unstable();
                return;
            }
            depth -= 1;
            let pivot = pivot(lane);
            // SAFETY: more elements than two steps read.
            let mut at = unsafe { partition::<false>(lane, pivot) };
            if at == lane.len() {
                // Nothing above the pivot: it is the largest, and its equals are in place at the end.
                // SAFETY: as above.
                at = unsafe { partition::<true>(lane, pivot) };
                lane = &mut lane[..at];
                continue;
            }
            let (left, right) = lane.split_at_mut(at);
            let (short, long) =
                if left.len() < right.len() { (left, right) } else { (right, left) };
            // SAFETY: the features are there. The shorter side recurses.
            unsafe { quicksort(short, depth) };
            lane = long;
        }
    }

    /// About the median: of nine elements spread over the lane.
    fn pivot(lane: &[i64]) -> i64 {
        let step = lane.len() / 9;
        let mut sample = [0; 9];
        for (i, x) in sample.iter_mut().enumerate() {
            *x = lane[i * step + step / 2];
        }
        sample.sort_unstable();
        sample[4]
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

    /// Registers that a step of a partition reads.
    const STEP: usize = 8;

    /// Moves what is not above the pivot (what is below it, if `STRICT`) to the front; says how
    /// many these are. The lane has at least `2 * STEP` registers' elements.
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    unsafe fn partition<const STRICT: bool>(lane: &mut [i64], pivot: i64) -> usize {
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
                    let left = below::<STRICT>(x, pivots);
                    let k = left.count_ones() as usize;
                    // What goes left first, then what goes right: the whole register is written at
                    // both ends, and what is too much lies where room was left.
                    let order = _mm_loadl_epi64(ORDERS[left as usize].as_ptr().cast());
                    let x = _mm512_permutexvar_epi64(_mm512_cvtepu8_epi64(order), x);
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
                let left = below::<STRICT>(x, pivots) & there;
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
    fn below<const STRICT: bool>(x: __m512i, pivots: __m512i) -> __mmask8 {
        if STRICT { _mm512_cmplt_epi64_mask(x, pivots) } else { _mm512_cmple_epi64_mask(x, pivots) }
    }

    /// Sorts up to [`SMALL`] elements.
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    fn sort_small(lane: &mut [i64]) {
        match lane.len() {
            0..=WIDTH => lane.sort_unstable(),
            n if n <= WIDTH * WIDTH => {
                let mut rows = [load(lane, 0)];
                sort_rows(&mut rows[0]);
                store(lane, &rows);
            }
            _ => {
                let mut rows = [load(lane, 0), load(lane, WIDTH * WIDTH)];
                rows.iter_mut().for_each(|rows| sort_rows(rows));
                if let Some(rows) = rows.as_flattened_mut().as_mut_array::<{ 2 * WIDTH }>() {
                    merge(rows);
                }
                store(lane, &rows);
            }
        }
    }

    /// Eight registers from an element on; the largest number where there are none.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    fn load(lane: &[i64], from: usize) -> [__m512i; WIDTH] {
        let largest = _mm512_set1_epi64(i64::MAX);
        let mut rows = [largest; WIDTH];
        for (i, row) in rows.iter_mut().enumerate() {
            let at = from + i * WIDTH;
            // SAFETY: only elements of the lane are read.
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
            // SAFETY: only elements of the lane are written.
            unsafe {
                let start = lane.as_mut_ptr().wrapping_add(i * WIDTH);
                _mm512_mask_storeu_epi64(start, mask, *row);
            }
        }
    }

    /// Which elements of the register at `at` the lane has.
    fn there(lane: &[i64], at: usize) -> u8 {
        ((1u32 << lane.len().saturating_sub(at).min(WIDTH)) - 1) as u8
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    fn sort_rows(rows: &mut [__m512i; WIDTH]) {
        sort_columns(rows);
        transpose(rows);
        merge_all::<2>(rows);
        merge_all::<4>(rows);
        merge_all::<8>(rows);
    }

    /// Sorts each column of eight: Batcher's odd-even merge sort, unrolled to stay in registers.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    fn sort_columns(rows: &mut [__m512i; WIDTH]) {
        macro_rules! compare_all {
            ($(($i:literal, $j:literal)),*) => { $(compare(rows, $i, $j);)* };
        }
        compare_all!(
            (0, 1),
            (2, 3),
            (4, 5),
            (6, 7),
            (0, 2),
            (1, 3),
            (4, 6),
            (5, 7),
            (1, 2),
            (5, 6)
        );
        compare_all!((0, 4), (1, 5), (2, 6), (3, 7), (2, 4), (3, 5), (1, 2), (3, 4), (5, 6));
    }

    /// Registers of each run that a step of a merge takes.
    const ROWS: usize = 2;
    /// Elements of these.
    pub(super) const AT_ONCE: usize = ROWS * WIDTH;

    /// Merges two sorted runs of at least [`AT_ONCE`] elements each.
    ///
    /// The larger half of what was merged so far stays in registers; the run whose next element is
    /// smaller gives the next ones to merge it with.
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    pub(super) unsafe fn merge_runs(a: &[i64], b: &[i64], to: &mut [i64]) {
        let (mut i, mut j, mut at) = (AT_ONCE, AT_ONCE, 0);
        let mut rows = [_mm512_setzero_si512(); 2 * ROWS];
        // SAFETY: only elements of the runs are read, and as many written as were read but for
        // those in the registers.
        unsafe {
            for row in 0..ROWS {
                rows[row] = _mm512_loadu_epi64(a.as_ptr().add(row * WIDTH));
                rows[ROWS + row] = _mm512_loadu_epi64(b.as_ptr().add(row * WIDTH));
            }
            loop {
                merge(&mut rows);
                for row in &rows[..ROWS] {
                    _mm512_storeu_epi64(to.as_mut_ptr().add(at), *row);
                    at += WIDTH;
                }
                if i + AT_ONCE > a.len() || j + AT_ONCE > b.len() {
                    break;
                }
                // Without a branch: which run is next can't be foretold.
                let first = a.get_unchecked(i) <= b.get_unchecked(j);
                let from = if first { a.as_ptr().add(i) } else { b.as_ptr().add(j) };
                i += AT_ONCE * usize::from(first);
                j += AT_ONCE * usize::from(!first);
                for row in 0..ROWS {
                    rows[row] = rows[ROWS + row];
                    rows[ROWS + row] = _mm512_loadu_epi64(from.add(row * WIDTH));
                }
            }
            let mut held = [0; AT_ONCE];
            for row in 0..ROWS {
                _mm512_storeu_epi64(held.as_mut_ptr().add(row * WIDTH), rows[ROWS + row]);
            }
            let (a, b) = (&a[i..], &b[j..]);
            let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
            let mut few = [0; 2 * AT_ONCE];
            let few = &mut few[..AT_ONCE + short.len()];
            super::merge_scalar(&held, short, few);
            super::merge_scalar(few, long, &mut to[at..]);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    fn compare(rows: &mut [__m512i], i: usize, j: usize) {
        let (a, b) = (rows[i], rows[j]);
        rows[i] = _mm512_min_epi64(a, b);
        rows[j] = _mm512_max_epi64(a, b);
    }

    /// Merges neighbouring runs of `N / 2` rows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    fn merge_all<const N: usize>(rows: &mut [__m512i; WIDTH]) {
        for pair in rows.as_chunks_mut::<N>().0 {
            merge(pair);
        }
    }

    /// Merges two sorted runs, each one half of the rows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    fn merge<const N: usize>(rows: &mut [__m512i; N]) {
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
                    compare(&mut x, i, i + distance);
                }
            }
            distance /= 2;
        }
        for (row, x) in rows.iter_mut().zip(x) {
            let y = _mm512_shuffle_i64x2::<0x4E>(x, x);
            let x = halves(x, y, 0b1111_0000);
            let y = _mm512_permutex_epi64::<0x4E>(x);
            let x = halves(x, y, 0b1100_1100);
            let y = _mm512_permutex_epi64::<0xB1>(x);
            *row = halves(x, y, 0b1010_1010);
        }
    }

    /// The smaller of partners, or the larger where the mask says so.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,popcnt")]
    fn halves(x: __m512i, y: __m512i, upper: u8) -> __m512i {
        _mm512_mask_max_epi64(_mm512_min_epi64(x, y), upper, x, y)
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
}

#[cfg(test)]
mod tests {
    use super::{merge, sort};

    #[test]
    fn every_length_and_pattern_sorts() {
        let mut state = 7u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 20) as i64
        };
        let patterns: [&mut dyn FnMut(usize) -> i64; 5] = [
            &mut |_| next(),
            &mut |i| i as i64,
            &mut |i| -(i as i64),
            &mut |i| (i % 3) as i64,
            &mut |_| i64::MAX,
        ];
        for pattern in patterns {
            for n in (0..300).chain([1000, 4096, 50_000]) {
                let mut lane: Vec<i64> = (0..n).map(&mut *pattern).collect();
                let mut expected = lane.clone();
                expected.sort_unstable();
                sort(&mut lane);
                assert!(lane == expected, "{n} elements");
            }
        }
    }
    #[test]
    fn runs_of_every_length_merge() {
        let mut state = 3u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as i64
        };
        for round in 0..200 {
            let lengths: Vec<usize> =
                (0..round % 9).map(|_| (next() as usize) % (1 + 7 * (round + 1))).collect();
            let few = if round % 2 == 0 { 5 } else { i64::MAX };
            let mut lane: Vec<i64> = Vec::new();
            for &n in &lengths {
                let mut run: Vec<i64> = (0..n).map(|_| next() % few).collect();
                run.sort_unstable();
                lane.extend(run);
            }
            let mut expected = lane.clone();
            expected.sort_unstable();
            merge(&mut lane, &lengths);
            assert!(lane == expected, "{lengths:?}");
        }
    }
}
