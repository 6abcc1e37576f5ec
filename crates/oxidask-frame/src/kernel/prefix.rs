//! Text as numbers that sort as it does: by rank, or by as much of its beginning as a number holds.

use arrow_array::{Array, StringViewArray};

use super::ids::{Text, TextIds};

/// Text of which no more than one in so many rows is new takes part by rank.
const RECURRING: usize = 16;
/// But these are always few.
const FEW: usize = 1 << 16;

/// The rank of each text among all of them, if few texts recur many times.
pub(super) fn ranks(column: &StringViewArray) -> Option<Vec<u64>> {
    let few = FEW.min(column.len() / 4 + 1);
    let mut ids = TextIds::default();
    let mut of_rows = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        of_rows.push(if column.is_null(row) { 0 } else { ids.insert(Text::of(column, row)) });
        if ids.texts().len() > few + row / RECURRING {
            return None;
        }
    }
    let texts = ids.texts();
    let mut order: Vec<u32> = (0..texts.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| texts[a as usize].compare(&texts[b as usize]));
    let mut ranks = vec![0; order.len()];
    for (rank, id) in (0_u64..).zip(order) {
        ranks[id as usize] = rank;
    }
    let rank = |id: u32| ranks.get(id as usize).copied().unwrap_or(0);
    Some(of_rows.into_iter().map(rank).collect())
}

/// A code for each text that sorts as it does, and whether texts of the same code are the same.
///
/// What all texts begin with is left out, and the bytes behind it are digits of a number in whose base there is
/// a digit for each byte that occurs at all: 18 decimal digits fit, or 13 letters of one case.
pub(super) fn codes(column: &StringViewArray) -> (Vec<u64>, bool) {
    let n_common = common_prefix(column);
    let rest = |row: usize| match column.is_null(row) {
        true => &[],
        false => &column.value(row).as_bytes()[n_common..],
    };
    let mut occurs = [false; 256];
    let mut longest = 0;
    for row in 0..column.len() {
        let rest = rest(row);
        longest = longest.max(rest.len());
        // No number holds more than 64 bytes, even of two kinds.
        rest.iter().take(64).for_each(|&byte| occurs[byte as usize] = true);
    }
    let mut digits = [0_u64; 256];
    let mut base = 1;
    for (digit, _) in digits.iter_mut().zip(occurs).filter(|(_, occurs)| *occurs) {
        *digit = base;
        base += 1;
    }
    let mut n_digits = 0;
    let mut most = 1_u64;
    while n_digits < longest.min(64)
        && let Some(more) = most.checked_mul(base)
    {
        most = more;
        n_digits += 1;
    }
    let code = |row: usize| {
        let rest = rest(row);
        let mut code = 0;
        for &byte in &rest[..rest.len().min(n_digits)] {
            code = code * base + digits[byte as usize];
        }
        (rest.len()..n_digits).fold(code, |code, _| code * base)
    };
    ((0..column.len()).map(code).collect(), longest <= n_digits)
}

/// How many bytes all texts begin with alike.
fn common_prefix(column: &StringViewArray) -> usize {
    let mut texts = column.iter().flatten().map(str::as_bytes);
    let Some(first) = texts.next() else { return 0 };
    texts.fold(first.len(), |n_common, text| {
        if text.starts_with(&first[..n_common]) {
            return n_common;
        }
        first.iter().zip(text).take_while(|(a, b)| a == b).count().min(n_common)
    })
}
