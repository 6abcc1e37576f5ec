//! The distinct elements of a chunk.

use super::order::Sortable;
use crate::dispatch_sortable;
use crate::error::Result;
use crate::kernel::Chunk;

/// Distinct elements, rising, with what is known of each.
pub struct Unique {
    /// The elements; NaNs count as one.
    pub values: Chunk,
    /// Where each is first, as `int64`.
    pub index: Chunk,
    /// How many there are of each, as `int64`.
    pub counts: Chunk,
}

/// The distinct elements of a flattened chunk, rising.
///
/// # Errors
/// If there is not enough memory.
pub fn values(chunk: &Chunk) -> Result<Chunk> {
    dispatch_sortable!(chunk.dtype(), T => {
        let mut elements = chunk.elements::<T>()?.into_owned();
        T::sort(&mut elements);
        elements.dedup_by_key(|x| x.key());
        let n = elements.len();
        Ok(Chunk::from_slice(&elements, &[n])?.reinterpreted(chunk.dtype()))
    })
}

/// The distinct elements of a flattened chunk with first places and counts.
///
/// # Errors
/// If there is not enough memory.
pub fn unique(chunk: &Chunk) -> Result<Unique> {
    let n = chunk.len();
    let indices: Vec<i64> = (0..n as i64).collect();
    merged(chunk, &Chunk::from_slice(&indices, &[n])?, &Chunk::from_slice(&vec![1i64; n], &[n])?)
}

/// Elements with places and counts, the equal ones put together: the least place, the sum of counts.
///
/// # Errors
/// If there is not enough memory.
pub fn merged(values: &Chunk, index: &Chunk, counts: &Chunk) -> Result<Unique> {
    let dtype = values.dtype();
    let (index, counts) = (index.elements::<i64>()?, counts.elements::<i64>()?);
    dispatch_sortable!(dtype, T => {
        let elements = values.elements::<T>()?;
        let mut keyed: Vec<(<T as Sortable>::Key, i64, i64, u32)> = (0..elements.len())
            .map(|i| (elements[i].key(), index[i], counts[i], i as u32))
            .collect();
        keyed.sort_unstable();
        keyed.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.2 += later.2;
            }
            same
        });
        let n = keyed.len();
        let distinct: Vec<T> = keyed.iter().map(|&(.., i)| elements[i as usize]).collect();
        let index: Vec<i64> = keyed.iter().map(|&(_, index, ..)| index).collect();
        let counts: Vec<i64> = keyed.iter().map(|&(_, _, count, _)| count).collect();
        Ok(Unique {
            values: Chunk::from_slice(&distinct, &[n])?.reinterpreted(dtype),
            index: Chunk::from_slice(&index, &[n])?,
            counts: Chunk::from_slice(&counts, &[n])?,
        })
    })
}
