//! Sorts of as many words as vector registers hold.
//!
//! Columns are sorted by a network, then merged with each other by bitonic merges, whose last and most
//! comparisons are of whole registers.
#![expect(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;

use super::vector::Word;

/// Words of a register.
pub(super) const WIDTH: usize = 8;
/// Words that are sorted in registers.
pub(super) const SMALL: usize = 4 * WIDTH * WIDTH;

/// About the median of what eight registers hold.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
pub(super) fn median_of_rows<W: Word>(rows: &mut [__m512i; WIDTH]) -> i64 {
    sort_columns_8::<W>(rows);
    // The upper ones of the columns' medians, of which the lower median is taken.
    let mut x = rows[WIDTH / 2];
    x = halves::<W>(x, reversed::<1>(x), upper(1));
    x = halves::<W>(x, reversed::<2>(x), upper(2));
    x = halves::<W>(x, reversed::<1>(x), upper(1));
    x = halves::<W>(x, reversed::<4>(x), upper(4));
    x = halves::<W>(x, _mm512_permutex_epi64::<0x4E>(x), upper(2));
    let medians = halves::<W>(x, reversed::<1>(x), upper(1));
    _mm_extract_epi64::<1>(_mm256_extracti128_si256::<1>(_mm512_castsi512_si256(medians)))
}

/// Sorts up to [`SMALL`] words.
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
pub(super) fn sort_small<W: Word>(lane: &mut [i64]) {
    match lane.len() {
        0..=WIDTH => lane.sort_unstable_by_key(|&word| W::key(word)),
        n if n <= WIDTH * WIDTH => {
            let mut rows = load::<W, 8>(lane, 0);
            sort_columns_8::<W>(&mut rows);
            merge_columns::<W, 8>(&mut rows);
            transpose(&mut rows);
            store(lane, 0, &rows);
        }
        n if n <= 2 * WIDTH * WIDTH => {
            let mut rows = load::<W, 16>(lane, 0);
            sort_columns_16::<W>(&mut rows);
            merge_columns::<W, 16>(&mut rows);
            store_columns(lane, 0, &rows);
        }
        _ => sort_two::<W>(lane),
    }
}

/// Sorts up to [`SMALL`] words as two halves.
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn sort_two<W: Word>(lane: &mut [i64]) {
    let mut low = load::<W, 16>(lane, 0);
    sort_columns_16::<W>(&mut low);
    merge_columns::<W, 16>(&mut low);
    let mut high = load::<W, 16>(lane, 2 * WIDTH * WIDTH);
    sort_columns_16::<W>(&mut high);
    merge_columns::<W, 16>(&mut high);
    let mut upper = high;
    for i in 0..16 {
        let y = reversed::<4>(high[15 - i]);
        (low[i], upper[i]) = (smaller::<W>(low[i], y), larger::<W>(low[i], y));
    }
    merge_lanes::<W, 16>(&mut low, 4);
    store_columns(lane, 0, &low);
    merge_lanes::<W, 16>(&mut upper, 4);
    store_columns(lane, 2 * WIDTH * WIDTH, &upper);
}

/// Registers from a word on; the largest word where there are none.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn load<W: Word, const N: usize>(lane: &[i64], from: usize) -> [__m512i; N] {
    let largest = if W::DOUBLES { f64::INFINITY.to_bits() as i64 } else { i64::MAX };
    let largest = _mm512_set1_epi64(largest);
    let mut rows = [largest; N];
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
fn store<const N: usize>(lane: &mut [i64], from: usize, rows: &[__m512i; N]) {
    for (i, row) in rows.iter().enumerate() {
        let at = from + i * WIDTH;
        let mask = there(lane, at);
        // SAFETY: only words of the lane are written.
        unsafe {
            let start = lane.as_mut_ptr().wrapping_add(at);
            _mm512_mask_storeu_epi64(start, mask, *row);
        }
    }
}

/// Stores sixteen registers column by column.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn store_columns(lane: &mut [i64], from: usize, rows: &[__m512i; 2 * WIDTH]) {
    let (mut tops, mut bottoms) = ([rows[0]; WIDTH], [rows[0]; WIDTH]);
    for i in 0..WIDTH {
        (tops[i], bottoms[i]) = (rows[i], rows[WIDTH + i]);
    }
    transpose(&mut tops);
    transpose(&mut bottoms);
    let mut columns = *rows;
    for i in 0..WIDTH {
        (columns[2 * i], columns[2 * i + 1]) = (tops[i], bottoms[i]);
    }
    store(lane, from, &columns);
}

/// Which words of the register at `at` the lane has.
#[inline]
pub(super) fn there(lane: &[i64], at: usize) -> u8 {
    ((1u32 << lane.len().saturating_sub(at).min(WIDTH)) - 1) as u8
}

/// Sorts each column of eight: Batcher's odd-even merge sort, unrolled to stay in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn sort_columns_8<W: Word>(rows: &mut [__m512i; WIDTH]) {
    macro_rules! compare_all {
        ($(($i:literal, $j:literal)),*) => { $(compare::<W>(rows, $i, $j);)* };
    }
    compare_all!((0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (1, 2), (5, 6));
    compare_all!((0, 4), (1, 5), (2, 6), (3, 7), (2, 4), (3, 5), (1, 2), (3, 4), (5, 6));
}

/// Sorts each column of sixteen, by the network of 60 comparisons that Green found.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn sort_columns_16<W: Word>(rows: &mut [__m512i; 2 * WIDTH]) {
    macro_rules! compare_all {
        ($($i:literal $j:literal)*) => { $(compare::<W>(rows, $i, $j);)* };
    }
    compare_all!(0 1  2 3  4 5  6 7  8 9  10 11  12 13  14 15);
    compare_all!(0 2  4 6  8 10  12 14  1 3  5 7  9 11  13 15);
    compare_all!(0 4  8 12  1 5  9 13  2 6  10 14  3 7  11 15);
    compare_all!(0 8  1 9  2 10  3 11  4 12  5 13  6 14  7 15);
    compare_all!(5 10  6 9  3 12  13 14  4 8  7 11  1 2);
    compare_all!(1 4  7 13  2 8  11 14);
    compare_all!(2 4  5 6  9 10  11 13  3 8  7 12);
    compare_all!(6 8  10 12  3 5  7 9);
    compare_all!(3 4  5 6  7 8  9 10  11 12);
    compare_all!(6 7  8 9);
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

/// Merges sorted columns until all words are in order, column after column.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn merge_columns<W: Word, const N: usize>(rows: &mut [__m512i; N]) {
    merge_pairs::<W, N, 1>(rows);
    merge_pairs::<W, N, 2>(rows);
    merge_pairs::<W, N, 4>(rows);
}

/// Merges neighbouring runs of so many columns. A run and the reverse of its neighbour are compared
/// word by word, which leaves the smaller half on the left; either half is bitonic then.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn merge_pairs<W: Word, const N: usize, const COLUMNS: usize>(rows: &mut [__m512i; N]) {
    for i in 0..N / 2 {
        let (x, y) = (rows[i], rows[N - 1 - i]);
        rows[i] = halves::<W>(x, reversed::<COLUMNS>(y), upper(COLUMNS));
        rows[N - 1 - i] = halves::<W>(y, reversed::<COLUMNS>(x), upper(COLUMNS));
    }
    merge_lanes::<W, N>(rows, COLUMNS / 2);
}

/// Sorts bitonic runs of `2 * columns` columns: halves the distance of what is compared, first
/// between columns, then in them.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn merge_lanes<W: Word, const N: usize>(rows: &mut [__m512i; N], columns: usize) {
    for row in rows.iter_mut() {
        let mut x = *row;
        if columns >= 4 {
            x = halves::<W>(x, _mm512_shuffle_i64x2::<0x4E>(x, x), upper(4));
        }
        if columns >= 2 {
            x = halves::<W>(x, _mm512_permutex_epi64::<0x4E>(x), upper(2));
        }
        if columns >= 1 {
            x = halves::<W>(x, _mm512_shuffle_epi32::<0x4E>(x), upper(1));
        }
        *row = x;
    }
    let mut distance = N / 2;
    while distance > 0 {
        for i in 0..N {
            if i & distance == 0 {
                compare::<W>(rows, i, i + distance);
            }
        }
        distance /= 2;
    }
}

/// The lanes whose number has this bit.
const fn upper(bit: usize) -> u8 {
    match bit {
        1 => 0b1010_1010,
        2 => 0b1100_1100,
        _ => 0b1111_0000,
    }
}

/// Groups of twice so many lanes, each backwards.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn reversed<const COLUMNS: usize>(x: __m512i) -> __m512i {
    match COLUMNS {
        1 => _mm512_shuffle_epi32::<0x4E>(x),
        2 => _mm512_permutex_epi64::<0x1B>(x),
        _ => _mm512_permutexvar_epi64(_mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7), x),
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
