//! Copying of small 2-d pieces: rows, repeated rows, repeated elements, and transpositions.
//!
//! A piece is what the first cache holds; [`crate::kernel::copy`] and the tiles of
//! [`crate::kernel::program`] cut larger things into such. Transpositions of the common sizes of
//! elements go through vector registers, 8 by 8.
#![expect(unsafe_code, reason = "raw strided memory, loops for several processors")]

/// Memory of a piece: its first element, and the bytes from a row and from an element to the next.
#[derive(Clone, Copy)]
pub(crate) struct Plane<P> {
    pub(crate) start: P,
    pub(crate) row: isize,
    pub(crate) element: isize,
}

impl<P> Plane<P> {
    pub(crate) fn new(start: P, row: isize, element: isize) -> Self {
        Self { start, row, element }
    }
}

/// Copies `rows` of `columns` elements of `itemsize` bytes.
///
/// # Safety
/// Both sides must be valid for the piece, and not overlap.
pub(crate) unsafe fn copy_plane(
    itemsize: usize,
    (rows, columns): (usize, usize),
    source: Plane<*const u8>,
    target: Plane<*mut u8>,
) {
    // SAFETY: the caller's promise; elements of all dtypes are of these sizes.
    unsafe {
        match itemsize {
            1 => copy_as::<u8>(rows, columns, source, target),
            2 => copy_as::<[u8; 2]>(rows, columns, source, target),
            4 => copy_as::<[u8; 4]>(rows, columns, source, target),
            8 => copy_as::<[u8; 8]>(rows, columns, source, target),
            _ => copy_as::<[u8; 16]>(rows, columns, source, target),
        }
    }
}

/// # Safety
/// As [`copy_plane`], with elements of type `T`.
pub(crate) unsafe fn copy_as<T: Copy>(
    rows: usize,
    columns: usize,
    source: Plane<*const u8>,
    target: Plane<*mut u8>,
) {
    let size = size_of::<T>() as isize;
    let is_turned = source.row == size && source.element != size && target.element == size;
    // SAFETY: the caller's promise.
    unsafe {
        if is_turned && rows > 1 {
            return turn::<T>(rows, columns, source, target);
        }
        if source.row == 0 && rows > 1 && target.element == size {
            // The first row, again and again.
            copy_run::<T>(columns, (source.start, source.element), (target.start, size));
            for row in 1..rows as isize {
                let to = target.start.wrapping_offset(row * target.row);
                to.copy_from_nonoverlapping(target.start, columns * size_of::<T>());
            }
            return;
        }
        for row in 0..rows as isize {
            let from = source.start.wrapping_offset(row * source.row);
            let to = target.start.wrapping_offset(row * target.row);
            copy_run::<T>(columns, (from, source.element), (to, target.element));
        }
    }
}

/// Copies `n` elements, so many bytes apart.
///
/// # Safety
/// As [`copy_plane`], for one row.
#[inline(always)]
pub(crate) unsafe fn copy_run<T: Copy>(
    n: usize,
    (source, s): (*const u8, isize),
    (target, t): (*mut u8, isize),
) {
    let size = size_of::<T>() as isize;
    // SAFETY: inside of the row.
    unsafe {
        if s == size && t == size {
            target.copy_from_nonoverlapping(source, n * size_of::<T>());
        } else if s == 0 && t == size && n > 0 {
            let value = source.cast::<T>().read_unaligned();
            for i in 0..n {
                target.cast::<T>().add(i).write_unaligned(value);
            }
        } else {
            for i in 0..n as isize {
                let value = source.wrapping_offset(i * s).cast::<T>().read_unaligned();
                target.wrapping_offset(i * t).cast::<T>().write_unaligned(value);
            }
        }
    }
}

/// Side of the squares that are transposed in registers.
const SIDE: usize = 8;

/// A transposition: the source's columns are dense, the target's rows.
///
/// # Safety
/// As [`copy_as`].
unsafe fn turn<T: Copy>(
    rows: usize,
    columns: usize,
    source: Plane<*const u8>,
    target: Plane<*mut u8>,
) {
    let size = size_of::<T>() as isize;
    let square = square::<T>();
    let (whole_rows, whole_columns) = match square {
        Some(_) => (rows / SIDE * SIDE, columns / SIDE * SIDE),
        None => (0, 0),
    };
    let at = |row: usize, column: usize| {
        let (row, column) = (row as isize, column as isize);
        let from = source.start.wrapping_offset(row * size + column * source.element);
        (from, target.start.wrapping_offset(row * target.row + column * size))
    };
    // SAFETY: squares and the elements beside them lie inside of the piece.
    unsafe {
        if let Some(square) = square {
            for column in (0..whole_columns).step_by(SIDE) {
                for row in (0..whole_rows).step_by(SIDE) {
                    let (from, to) = at(row, column);
                    square(from, source.element, to, target.row);
                }
            }
        }
        for row in 0..rows {
            let first = if row < whole_rows { whole_columns } else { 0 };
            let (from, to) = at(row, first);
            copy_run::<T>(columns - first, (from, source.element), (to, size));
        }
    }
}

/// Transposes a square of [`SIDE`] elements: from lines so many bytes apart, to such.
type Square = unsafe fn(from: *const u8, line: isize, to: *mut u8, row: isize);

/// The processor's way to transpose squares of elements of this size, if it has one.
#[inline(always)]
fn square<T>() -> Option<Square> {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::kernel::processor::{Level, level};
        match size_of::<T>() {
            8 if level() == Level::Avx512 => return Some(x86::square_8),
            4 if level() >= Level::Avx2 => return Some(x86::square_4),
            _ => {}
        }
    }
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// 8 by 8 elements of 8 bytes.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn square_8(from: *const u8, line: isize, to: *mut u8, row: isize) {
        let line_at = |k: usize| from.wrapping_offset(k as isize * line).cast::<f64>();
        // SAFETY: the caller vouches for eight lines of eight elements.
        let lines: [__m512d; 8] = unsafe { std::array::from_fn(|k| _mm512_loadu_pd(line_at(k))) };
        // Pairs of lines to pairs of elements, then halves and quarters change places.
        let low = |k: usize| _mm512_unpacklo_pd(lines[k], lines[k + 1]);
        let high = |k: usize| _mm512_unpackhi_pd(lines[k], lines[k + 1]);
        let even = |a, b| _mm512_shuffle_f64x2::<0x88>(a, b);
        let odd = |a, b| _mm512_shuffle_f64x2::<0xdd>(a, b);
        let halves = |a: [__m512d; 4]| {
            let (p, q) = (even(a[0], a[1]), even(a[2], a[3]));
            let (r, s) = (odd(a[0], a[1]), odd(a[2], a[3]));
            [even(p, q), even(r, s), odd(p, q), odd(r, s)]
        };
        let evens = halves([low(0), low(2), low(4), low(6)]);
        let odds = halves([high(0), high(2), high(4), high(6)]);
        for k in 0..8 {
            let value = if k % 2 == 0 { evens[k / 2] } else { odds[k / 2] };
            // SAFETY: the caller vouches for eight rows of eight elements.
            unsafe { _mm512_storeu_pd(to.wrapping_offset(k as isize * row).cast(), value) };
        }
    }

    /// 8 by 8 elements of 4 bytes.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn square_4(from: *const u8, line: isize, to: *mut u8, row: isize) {
        let line_at = |k: usize| from.wrapping_offset(k as isize * line).cast::<f32>();
        // SAFETY: the caller vouches for eight lines of eight elements.
        let lines: [__m256; 8] = unsafe { std::array::from_fn(|k| _mm256_loadu_ps(line_at(k))) };
        let low = |k: usize| _mm256_castps_pd(_mm256_unpacklo_ps(lines[k], lines[k + 1]));
        let high = |k: usize| _mm256_castps_pd(_mm256_unpackhi_ps(lines[k], lines[k + 1]));
        // Elements of four lines side by side: columns k and k + 4.
        let quads = |k: usize| {
            [
                _mm256_unpacklo_pd(low(k), low(k + 2)),
                _mm256_unpackhi_pd(low(k), low(k + 2)),
                _mm256_unpacklo_pd(high(k), high(k + 2)),
                _mm256_unpackhi_pd(high(k), high(k + 2)),
            ]
        };
        let (upper, lower) = (quads(0), quads(4));
        for k in 0..8 {
            let (a, b) = (upper[k % 4], lower[k % 4]);
            let value = match k < 4 {
                true => _mm256_permute2f128_pd::<0x20>(a, b),
                false => _mm256_permute2f128_pd::<0x31>(a, b),
            };
            // SAFETY: the caller vouches for eight rows of eight elements.
            unsafe { _mm256_storeu_pd(to.wrapping_offset(k as isize * row).cast(), value) };
        }
    }
}

/// Asks for a piece's memory ahead of its use: runs too short for what the hardware foresees.
/// Addresses of no memory do no harm.
#[inline(always)]
pub(crate) fn prefetch_plane(
    itemsize: usize,
    (rows, columns): (usize, usize),
    source: Plane<*const u8>,
) {
    let size = itemsize as isize;
    let (runs, n, step) = if source.element == size {
        (rows, columns, source.row)
    } else if source.row == size {
        (columns, rows, source.element)
    } else {
        return;
    };
    if step == 0 {
        return;
    }
    for run in 0..runs as isize {
        prefetch_run(source.start.wrapping_offset(run * step), n * itemsize);
    }
}

/// Asks for the lines of so many bytes. Into the second cache: more of these may be under way at
/// once than there are ways into the first one.
#[inline(always)]
fn prefetch_run(start: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        let before = start as usize % 64;
        let first = start.wrapping_sub(before);
        for line in (0..before + bytes).step_by(64) {
            // SAFETY: a hint, which faults nowhere.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(first.wrapping_add(line).cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, bytes);
}

/// Copies bytes past the caches: to memory that nobody reads soon, which then isn't read before it
/// is written. [`settle`] before others may read it.
///
/// # Safety
/// Both sides must be valid for so many bytes, and not overlap.
pub(crate) unsafe fn stream(source: *const u8, target: *mut u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
        // Whole lines only: parts of lines would be written one by one.
        let before = target.align_offset(64).min(bytes);
        let lines = (bytes - before) / 64;
        let after = before + lines * 64;
        // SAFETY: inside of both; the lines are aligned.
        unsafe {
            target.copy_from_nonoverlapping(source, before);
            for at in (before..after).step_by(64) {
                let from = source.add(at).cast::<__m128i>();
                let to = target.add(at).cast::<__m128i>();
                for k in 0..4 {
                    _mm_stream_si128(to.add(k), _mm_loadu_si128(from.add(k)));
                }
            }
            target.add(after).copy_from_nonoverlapping(source.add(after), bytes - after);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's promise.
    unsafe {
        target.copy_from_nonoverlapping(source, bytes);
    }
}

/// Makes what was [`stream`]ed visible to others before whatever follows.
pub(crate) fn settle() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every processor of this kind has the instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements of every size, in pieces that are no multiples of the squares.
    #[test]
    fn pieces_are_transposed_whole() {
        for size in [1usize, 2, 4, 8, 16] {
            for (rows, columns) in [(8, 8), (19, 27), (3, 40), (32, 7), (1, 9), (9, 1)] {
                let line = rows + 5;
                let source: Vec<u8> =
                    (0..columns * line * size).map(|i| (i * 7 % 251) as u8).collect();
                let mut target = vec![0u8; rows * columns * size];
                let bytes = |n: usize| (n * size) as isize;
                // SAFETY: the vectors are as large as the pieces.
                unsafe {
                    let from = Plane::new(source.as_ptr(), bytes(1), bytes(line));
                    let to = Plane::new(target.as_mut_ptr(), bytes(columns), bytes(1));
                    copy_plane(size, (rows, columns), from, to);
                }
                for i in 0..rows {
                    for j in 0..columns {
                        let (from, to) = ((j * line + i) * size, (i * columns + j) * size);
                        assert_eq!(source[from..from + size], target[to..to + size]);
                    }
                }
            }
        }
    }

    #[test]
    fn streams_of_any_alignment_arrive() {
        let source: Vec<u8> = (0..1000).map(|i| (i % 251) as u8).collect();
        for (from, to, n) in [(0, 0, 1000), (3, 17, 900), (1, 64, 63), (0, 63, 1), (5, 5, 0)] {
            let mut target = vec![0u8; 1000];
            // SAFETY: inside of the vectors.
            unsafe { stream(source.as_ptr().add(from), target.as_mut_ptr().add(to), n) };
            settle();
            assert_eq!(target[to..to + n], source[from..from + n]);
            assert!(target[..to].iter().chain(&target[to + n..]).all(|&byte| byte == 0));
        }
    }

    #[test]
    fn rows_and_elements_are_repeated() {
        let source = [1u32, 2, 3];
        let mut target = [0u32; 6];
        // SAFETY: the arrays are as large as the pieces.
        unsafe {
            let to = Plane::new(target.as_mut_ptr().cast(), 12, 4);
            copy_plane(4, (2, 3), Plane::new(source.as_ptr().cast(), 0, 4), to);
        }
        assert_eq!(target, [1, 2, 3, 1, 2, 3]);
        // SAFETY: as above.
        unsafe {
            let to = Plane::new(target.as_mut_ptr().cast(), 12, 4);
            copy_plane(4, (2, 3), Plane::new(source.as_ptr().cast(), 4, 0), to);
        }
        assert_eq!(target, [1, 1, 1, 2, 2, 2]);
    }
}
