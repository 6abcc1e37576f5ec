//! From what a user says about chunks to chunks: sizes, lists of sizes, byte limits, `auto`.
//!
//! `auto` without previous chunks makes blocks that are as nearly cubic as the shape allows and
//! fill the byte limit. With previous chunks every axis is scaled by the same factor, and sizes are
//! kept at whole multiples of the blocks that were there, so that a file's chunks are read once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::plan::chunks::{AxisChunks, Chunks, Tuple, UNKNOWN, extent};

/// What a user says about the chunks of one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AxisSpec {
    /// Blocks of this extent; the last one gets the rest.
    Size(usize),
    /// These blocks.
    Sizes(Vec<usize>),
    /// One block.
    Whole,
    /// As the byte limit allows.
    Auto,
    /// `Auto` with a limit of its own for the bytes of a block.
    Bytes(u64),
    /// As before; one block where nothing was before.
    Keep,
}

/// What a user says about the chunks of an array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ChunkSpec {
    /// The same for all axes.
    Uniform(AxisSpec),
    /// Axis by axis.
    Axes(Vec<AxisSpec>),
}

/// What the chunks are for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The array's shape.
    pub shape: &'a [usize],
    /// Bytes of an element, needed for `auto`.
    pub itemsize: Option<usize>,
    /// Most bytes of a block, if the caller has an opinion.
    pub limit_bytes: Option<u64>,
    /// Most bytes of a block, if nobody has: the configuration's `array.chunk-size`.
    pub default_bytes: u64,
    /// The chunks there are, or those of the file below.
    pub previous: Option<&'a Chunks>,
    /// By how much blocks that are already there may exceed the limit: `array.chunk-size-tolerance`.
    pub tolerance: f64,
}

impl<'a> Request<'a> {
    /// Chunks for a shape, with the defaults of the configuration.
    #[must_use]
    pub fn new(shape: &'a [usize]) -> Self {
        Self {
            shape,
            itemsize: None,
            limit_bytes: None,
            default_bytes: 128 << 20,
            previous: None,
            tolerance: 1.25,
        }
    }
}

/// The chunks of a specification.
///
/// # Errors
/// If the specification does not fit the shape, or is `auto` for an array of unknown size.
pub fn normalize(spec: &ChunkSpec, request: &Request<'_>) -> Result<Chunks> {
    let shape = request.shape;
    let axes = match spec {
        ChunkSpec::Uniform(axis) => vec![axis.clone(); shape.len()],
        ChunkSpec::Axes(axes) if axes.is_empty() && shape.iter().all(|&n| n == 0) => {
            vec![AxisSpec::Whole; shape.len()]
        }
        // A flat tuple of several sizes for one axis lists its blocks.
        ChunkSpec::Axes(axes) if shape.len() == 1 && axes.len() > 1 => {
            vec![listed(axes).ok_or_else(|| wrong_length(axes, shape))?]
        }
        ChunkSpec::Axes(axes) if axes.len() == shape.len() => axes.clone(),
        ChunkSpec::Axes(axes) => return Err(wrong_length(axes, shape)),
    };
    let matching = request.previous.map(|previous| matching(previous, shape));
    let request = &Request { previous: matching.as_ref(), ..*request };
    if let Some(previous) = request.previous
        && previous.ndim() != shape.len()
    {
        return Err(ArrayError::Value(format!(
            "Previous chunks and shape must have the same number of axes. Got \
             previous_chunks={previous}, shape={}",
            Tuple(shape)
        )));
    }
    let (limit, axes) = byte_limit(axes, request)?;
    let fixed = axes
        .iter()
        .enumerate()
        .map(|(axis, spec)| fixed_axis(spec, axis, request))
        .collect::<Result<Vec<_>>>()?;
    let chunks: Chunks = if fixed.iter().all(Option::is_some) {
        fixed.into_iter().flatten().collect()
    } else {
        auto(fixed, limit, request)?
    };
    for (axis, &n) in shape.iter().enumerate() {
        let sum = extent(&chunks[axis]);
        if sum != n && sum != UNKNOWN && n != UNKNOWN {
            return Err(ArrayError::Value(format!(
                "Chunks do not add up to shape. Got chunks={chunks}, shape={}",
                Tuple(shape)
            )));
        }
    }
    Ok(chunks)
}

/// Previous chunks that a user gives as one size stand for blocks of that size.
fn matching(previous: &Chunks, shape: &[usize]) -> Chunks {
    let axis = |(i, blocks): (usize, &AxisChunks)| match shape.get(i) {
        Some(&n) if n != UNKNOWN && extent(blocks) != n && extent(blocks) != UNKNOWN => {
            split(blocks.iter().copied().max().unwrap_or(1), n)
        }
        _ => blocks.clone(),
    };
    previous.iter().enumerate().map(axis).collect()
}

fn listed(axes: &[AxisSpec]) -> Option<AxisSpec> {
    let size = |axis: &AxisSpec| match axis {
        AxisSpec::Size(n) => Some(*n),
        _ => None,
    };
    Some(AxisSpec::Sizes(axes.iter().map(size).collect::<Option<_>>()?))
}

fn wrong_length(axes: &[AxisSpec], shape: &[usize]) -> ArrayError {
    ArrayError::Value(format!(
        "Chunks and shape must be of the same length/dimension. Got chunks={axes:?} for {} axes, \
         shape={}",
        axes.len(),
        Tuple(shape)
    ))
}

/// The limit in force, with byte sizes turned to `Auto`.
fn byte_limit(axes: Vec<AxisSpec>, request: &Request<'_>) -> Result<(u64, Vec<AxisSpec>)> {
    let mut limit = request.limit_bytes;
    let mut out = Vec::with_capacity(axes.len());
    for axis in axes {
        let AxisSpec::Bytes(bytes) = axis else {
            out.push(axis);
            continue;
        };
        if let Some(other) = limit
            && other != bytes
        {
            return Err(ArrayError::Value(format!(
                "Only one consistent value of limit or chunk is allowed. Got {bytes} bytes beside \
                 {other} bytes"
            )));
        }
        limit = Some(bytes);
        out.push(AxisSpec::Auto);
    }
    Ok((limit.unwrap_or(request.default_bytes).max(1), out))
}

/// Equal blocks of an axis; the last one gets the rest.
#[must_use]
pub fn split(size: usize, extent: usize) -> AxisChunks {
    if extent == 0 {
        return Arc::from([0]);
    }
    let size = size.clamp(1, extent);
    let rest = extent % size;
    std::iter::repeat_n(size, extent / size).chain((rest > 0).then_some(rest)).collect()
}

fn fixed_axis(spec: &AxisSpec, axis: usize, request: &Request<'_>) -> Result<Option<AxisChunks>> {
    let n = request.shape[axis];
    Ok(Some(match spec {
        AxisSpec::Auto | AxisSpec::Bytes(_) => return Ok(None),
        AxisSpec::Sizes(sizes) if sizes.is_empty() && n != 0 => {
            return Err(ArrayError::Value(format!(
                "Empty tuples are not allowed in chunks. Express zero length dimensions with 0(s) \
                 in chunks; axis {axis} has length {n}"
            )));
        }
        AxisSpec::Sizes(sizes) => sizes.as_slice().into(),
        AxisSpec::Whole => Arc::from([n]),
        AxisSpec::Keep => request.previous.map_or_else(|| Arc::from([n]), |p| p[axis].clone()),
        AxisSpec::Size(_) if n == UNKNOWN => {
            return Err(ArrayError::Value(format!(
                "Arrays chunk sizes ({}) are unknown.\n\nA possible solution:\n  \
                 x.compute_chunk_sizes()",
                Tuple(request.shape)
            )));
        }
        AxisSpec::Size(0) if n > 0 => {
            return Err(ArrayError::Value(format!(
                "Chunks of size 0 can't cover axis {axis} of length {n}; use -1 for one chunk"
            )));
        }
        AxisSpec::Size(size) => split(*size, n),
    }))
}

fn auto(fixed: Vec<Option<AxisChunks>>, limit_bytes: u64, request: &Request<'_>) -> Result<Chunks> {
    let itemsize = request
        .itemsize
        .ok_or_else(|| ArrayError::Type("dtype must be known for auto-chunking".into()))?;
    let known = |axis: usize| {
        request.shape[axis] != UNKNOWN
            && fixed[axis].as_ref().is_none_or(|blocks| !blocks.contains(&UNKNOWN))
    };
    if !(0..fixed.len()).all(known) {
        return Err(ArrayError::Value(
            "Can not perform automatic rechunking ('auto') with unknown (nan) chunk sizes. A \
             possible solution is with x.compute_chunk_sizes()"
                .into(),
        ));
    }
    let largest = |blocks: &AxisChunks| blocks.iter().copied().max().unwrap_or(0).max(1) as f64;
    let per_element: f64 = fixed.iter().flatten().map(largest).product();
    let room = limit_bytes as f64 / itemsize.max(1) as f64 / per_element;
    let free: Vec<usize> = (0..fixed.len()).filter(|&axis| fixed[axis].is_none()).collect();
    let chosen = match request.previous {
        Some(previous) => scaled(&free, room, previous, request),
        None => cubic(&free, room, request.shape),
    };
    let mut chosen = chosen.into_iter();
    Ok(fixed.into_iter().map(|axis| axis.or_else(|| chosen.next()).unwrap_or_default()).collect())
}

/// Blocks of `room` elements over the free axes, as nearly cubic as their extents allow.
fn cubic(free: &[usize], mut room: f64, shape: &[usize]) -> Vec<AxisChunks> {
    let mut left = free.to_vec();
    let side = loop {
        let side = room.powf(1.0 / left.len().max(1) as f64);
        let small = |&axis: &usize| (shape[axis] as f64) < side;
        let whole: f64 =
            left.iter().copied().filter(|a| small(a)).map(|a| shape[a].max(1) as f64).product();
        let before = left.len();
        left.retain(|axis| !small(axis));
        if left.len() == before {
            break side;
        }
        room /= whole;
    };
    let blocks = |&axis: &usize| match left.contains(&axis) {
        true => split(rounded(side, shape[axis]), shape[axis]),
        false => split(shape[axis], shape[axis]),
    };
    free.iter().map(blocks).collect()
}

/// At most `size`: a whole number, and a multiple of `unit` if it is larger than that.
fn rounded(size: f64, unit: usize) -> usize {
    let size = size.max(1.0) as usize;
    if size <= unit { size } else { size - size % unit.max(1) }
}

/// One free axis on its way to its blocks.
struct Scaling {
    size: f64,
    /// Sizes above this are multiples of it.
    unit: usize,
    blocks: AxisChunks,
    whole: bool,
}

/// Blocks of `room` elements over the free axes, all scaled alike from the previous ones.
fn scaled(
    free: &[usize],
    mut room: f64,
    previous: &Chunks,
    request: &Request<'_>,
) -> Vec<AxisChunks> {
    let mut axes: Vec<Scaling> = free
        .iter()
        .map(|&axis| Scaling {
            size: median(&previous[axis]).max(1.0),
            unit: usual(&previous[axis], request.shape[axis]),
            blocks: previous[axis].clone(),
            whole: false,
        })
        .collect();
    let mut growth = room / axes.iter().map(|axis| axis.size).product::<f64>();
    let growing = growth >= 1.0;
    // Every rounding leaves room that the other axes can use, so this goes on until nothing changes;
    // it comes to rest after a few rounds.
    for _ in 0..64 {
        let n_left = axes.iter().filter(|axis| !axis.whole).count();
        if n_left == 0 {
            break;
        }
        let factor = growth.powf(1.0 / n_left as f64);
        for (scaling, &axis) in axes.iter_mut().zip(free).filter(|(scaling, _)| !scaling.whole) {
            let n = request.shape[axis];
            let aim = scaling.size * factor;
            if aim > n as f64 {
                scaling.whole = true;
                scaling.blocks = split(n, n);
                room /= n.max(1) as f64;
                continue;
            }
            let merged = growing.then(|| merge(&previous[axis], aim, request.tolerance)).flatten();
            scaling.blocks = merged.unwrap_or_else(|| split(rounded(aim, scaling.unit), n));
            scaling.size = scaling.blocks.iter().copied().max().unwrap_or(1).max(1) as f64;
        }
        let taken: f64 = axes.iter().filter(|a| !a.whole).map(|axis| axis.size).product();
        let left = axes.iter().filter(|axis| !axis.whole).count();
        if room / taken == growth && left == n_left {
            break;
        }
        growth = room / taken;
    }
    axes.into_iter().map(|axis| axis.blocks).collect()
}

fn median(blocks: &[usize]) -> f64 {
    let mut sorted = blocks.to_vec();
    sorted.sort_unstable();
    let at = |i: usize| sorted.get(i).copied().unwrap_or(0) as f64;
    (at((sorted.len() - 1) / 2) + at(sorted.len() / 2)) / 2.0
}

/// The extent that at least half of the blocks have, if there is one above 1; else the axis.
fn usual(blocks: &[usize], extent: usize) -> usize {
    let mut sorted = blocks.to_vec();
    sorted.sort_unstable();
    let mode = sorted.chunk_by(|a, b| a == b).max_by_key(|run| run.len());
    match mode {
        Some(run) if run[0] > 1 && run.len() * 2 >= blocks.len() => run[0],
        _ => extent,
    }
}

/// Neighbouring blocks merged up to `aim`; `None` if one alone exceeds it by more than `tolerance`.
fn merge(blocks: &[usize], aim: f64, tolerance: f64) -> Option<AxisChunks> {
    let mut merged = Vec::new();
    let mut current = 0;
    for &block in blocks {
        if block as f64 > aim * tolerance {
            return None;
        }
        if current > 0 && (current + block) as f64 > aim {
            merged.push(current);
            current = 0;
        }
        current += block;
    }
    merged.push(current);
    Some(merged.into())
}

#[cfg(test)]
mod tests {
    use super::AxisSpec::{Auto, Bytes, Keep, Size, Sizes, Whole};
    use super::*;

    fn axes(specs: &[AxisSpec]) -> ChunkSpec {
        ChunkSpec::Axes(specs.to_vec())
    }

    fn shown(spec: &ChunkSpec, request: &Request<'_>) -> String {
        match normalize(spec, request) {
            Ok(chunks) => chunks.to_string(),
            Err(error) => error.to_string(),
        }
    }

    fn plain(spec: &ChunkSpec, shape: &[usize]) -> String {
        shown(spec, &Request { itemsize: Some(8), ..Request::new(shape) })
    }

    fn limited(shape: &[usize], limit: u64, previous: Option<&[&[usize]]>) -> String {
        let previous = previous.map(|p| p.iter().copied().collect::<Chunks>());
        let request = Request {
            itemsize: Some(1),
            limit_bytes: Some(limit),
            previous: previous.as_ref(),
            ..Request::new(shape)
        };
        shown(&ChunkSpec::Uniform(Auto), &request)
    }

    #[test]
    fn sizes_and_lists() {
        assert_eq!(plain(&ChunkSpec::Uniform(Size(3)), &[4, 6]), "((3, 1), (3, 3))");
        assert_eq!(plain(&axes(&[Size(4), Size(5)]), &[9]), "((4, 5),)");
        assert_eq!(plain(&axes(&[Size(4), Size(5)]), &[9, 9]), "((4, 4, 1), (5, 4))");
        assert_eq!(plain(&axes(&[Size(3), Whole]), &[5, 5]), "((3, 2), (5,))");
        assert_eq!(plain(&axes(&[Size(3), Keep]), &[5, 5]), "((3, 2), (5,))");
        assert_eq!(plain(&axes(&[]), &[0, 0]), "((0,), (0,))");
        assert_eq!(plain(&ChunkSpec::Uniform(Whole), &[0, 3]), "((0,), (3,))");
        assert_eq!(plain(&axes(&[Sizes(vec![2, 3]), Size(9)]), &[5, 5]), "((2, 3), (5,))");
        assert_eq!(plain(&axes(&[Sizes(vec![UNKNOWN])]), &[UNKNOWN]), "((nan,),)");
    }

    #[test]
    fn what_does_not_fit_is_named_with_the_shape() {
        let error = plain(&axes(&[Sizes(vec![10])]), &[11]);
        assert_eq!(error, "Chunks do not add up to shape. Got chunks=((10,),), shape=(11,)");
        let error = plain(&axes(&[Size(1), Size(2), Size(3)]), &[4, 5]);
        assert!(error.contains("same length/dimension") && error.contains("(4, 5)"), "{error}");
        assert!(plain(&axes(&[Size(0)]), &[4]).contains("-1"));
        assert!(plain(&axes(&[Auto]), &[UNKNOWN]).contains("auto"));
        let untyped = Request::new(&[5]);
        assert!(matches!(normalize(&ChunkSpec::Uniform(Auto), &untyped), Err(ArrayError::Type(_))));
        let two = plain(&axes(&[Bytes(10), Bytes(100)]), &[4, 4]);
        assert!(two.contains("consistent"), "{two}");
    }

    #[test]
    fn auto_is_cubic_within_the_limit() {
        assert_eq!(limited(&[23], 5, None), "((5, 5, 5, 5, 3),)");
        assert_eq!(limited(&[1, 20], 10, None), "((1,), (10, 10))");
        assert_eq!(limited(&[4, 4, 4], 8, None), "((2, 2), (2, 2), (2, 2))");
        assert_eq!(plain(&axes(&[Bytes(200), Bytes(200)]), &[10, 10]), "((5, 5), (5, 5))");
        let request =
            Request { itemsize: Some(1), limit_bytes: Some(20), ..Request::new(&[20, 20]) };
        let two = axes(&[Auto, Sizes(vec![2, 2, 2, 2, 2, 5, 5])]);
        assert_eq!(shown(&two, &request), "((4, 4, 4, 4, 4), (2, 2, 2, 2, 2, 5, 5))");
        // An empty axis is no reason to give up on the others.
        assert_eq!(limited(&[0, 24], 8, None), "((0,), (8, 8, 8))");
    }

    #[test]
    fn auto_keeps_to_multiples_of_the_previous_blocks() {
        let previous: &[&[usize]] = &[&[512, 512, 512, 464]];
        assert_eq!(limited(&[2000], 600, Some(previous)), "((512, 512, 512, 464),)");
        assert_eq!(limited(&[2000], 1200, Some(previous)), "((1024, 976),)");
        let equal = [100; 10];
        let square: &[&[usize]] = &[&equal, &equal];
        assert_eq!(
            limited(&[1000, 1000], 100_000, Some(square)),
            "((300, 300, 300, 100), (300, 300, 300, 100))"
        );
        assert_eq!(limited(&[48], 30, Some(&[&[36, 12]])), "((36, 12),)");
        assert_eq!(limited(&[48], 28, Some(&[&[36, 12]])), "((28, 20),)");
        assert_eq!(limited(&[200], 70, Some(&[&[10, 20, 30, 40, 50, 50]])), "((60, 40, 50, 50),)");
        assert_eq!(limited(&[38], 5, Some(&[&[10, 18, 10]])), "((5, 5, 5, 5, 5, 5, 5, 3),)");
    }

    #[test]
    fn room_that_rounding_leaves_goes_to_the_other_axes() {
        let ones = [10; 10];
        let request = Request {
            itemsize: Some(1),
            limit_bytes: Some(1 << 20),
            previous: Some(&[&ones[..], &[1000], &[1000]].into_iter().collect()),
            ..Request::new(&[100, 1000, 1000])
        };
        let chunks = normalize(&ChunkSpec::Uniform(Auto), &request).unwrap();
        assert_eq!(&*chunks[0], [4; 25]);
        assert_eq!(&*chunks[1], [511, 489]);
    }
}
