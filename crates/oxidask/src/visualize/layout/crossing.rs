//! Orders within layers, so that few edges cross: barycentre sweeps, bounded in work.
//!
//! Counting crossings exactly after each sweep and keeping the best order is after Barth, Juenger
//! and Mutzel, "Simple and efficient bilayer cross counting" (2002).

use super::points::Points;

/// Edge visits that all sweeps together may make.
const WORK: usize = 6_000_000;
const MAX_SWEEPS: usize = 24;
/// Sweeps without a better order after which it is time to stop.
const PATIENCE: usize = 4;

/// The points of each layer, from left to right.
pub(super) type Layers = Vec<Vec<u32>>;

/// Orders the layers of `points`, which are one connected component.
pub(super) fn order(points: &Points) -> Layers {
    let mut layers = depth_first(points);
    let mut position = vec![0u32; points.len()];
    layers.iter().for_each(|layer| number(layer, &mut position));
    let mut fewest = count(points, &layers, &mut position);
    let mut best = layers.clone();
    let sweeps = (WORK / (points.up.n_edges() + points.len() + 1)).clamp(2, MAX_SWEEPS);
    let mut since_best = 0;
    for sweep in 0..sweeps {
        if fewest == 0 || since_best >= PATIENCE {
            break;
        }
        sort_sweep(points, &mut layers, &mut position, sweep % 2 == 0);
        let crossings = count(points, &layers, &mut position);
        since_best += 1;
        if crossings < fewest {
            fewest = crossings;
            best.clone_from(&layers);
            since_best = 0;
        }
    }
    best
}

fn number(layer: &[u32], position: &mut [u32]) {
    for (at, &point) in (0u32..).zip(layer) {
        position[point as usize] = at;
    }
}

/// A first order in which trees do not cross: depth first from the sinks, along the inputs.
fn depth_first(points: &Points) -> Layers {
    let n_layers = points.rank.iter().max().map_or(0, |&last| last as usize + 1);
    let mut layers: Layers = vec![Vec::new(); n_layers];
    let mut seen = vec![false; points.len()];
    let mut stack: Vec<u32> = Vec::new();
    let sinks = (0..points.len() as u32).filter(|&point| points.down.row(point).is_empty());
    for sink in sinks {
        stack.push(sink);
        while let Some(point) = stack.pop() {
            if std::mem::replace(&mut seen[point as usize], true) {
                continue;
            }
            layers[points.rank[point as usize] as usize].push(point);
            stack.extend(points.up.row(point).iter().rev().filter(|&&next| !seen[next as usize]));
        }
    }
    layers
}

/// Sorts each layer by the mean position of its points' neighbours in the layer before it.
fn sort_sweep(points: &Points, layers: &mut Layers, position: &mut [u32], downwards: bool) {
    let n_layers = layers.len();
    let neighbours = if downwards { &points.up } else { &points.down };
    let mut keyed: Vec<(f32, u32)> = Vec::new();
    for step in 1..n_layers {
        let at = if downwards { step } else { n_layers - 1 - step };
        keyed.clear();
        for &point in &layers[at] {
            let row = neighbours.row(point);
            if !row.is_empty() {
                let sum: f64 = row.iter().map(|&next| f64::from(position[next as usize])).sum();
                keyed.push(((sum / row.len() as f64) as f32, point));
            }
        }
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        // A point without neighbours there keeps its place.
        let mut sorted = keyed.iter();
        for slot in &mut layers[at] {
            if !neighbours.row(*slot).is_empty()
                && let Some(&(_, point)) = sorted.next()
            {
                *slot = point;
            }
        }
        number(&layers[at], position);
    }
}

/// How many pairs of segments cross; `position` is brought up to date on the way.
fn count(points: &Points, layers: &Layers, position: &mut [u32]) -> u64 {
    layers.iter().for_each(|layer| number(layer, position));
    let mut crossings = 0u64;
    let mut ends: Vec<u32> = Vec::new();
    let mut tree: Vec<u32> = Vec::new();
    for pair in layers.windows(2) {
        ends.clear();
        for &point in &pair[0] {
            let start = ends.len();
            ends.extend(points.down.row(point).iter().map(|&next| position[next as usize]));
            ends[start..].sort_unstable();
        }
        tree.clear();
        tree.resize(pair[1].len() + 1, 0);
        for (earlier, &end) in (0u64..).zip(&ends) {
            crossings += earlier - at_most(&tree, end);
            insert(&mut tree, end);
        }
    }
    crossings
}

/// How many of the numbers in a Fenwick tree are at most `value`.
fn at_most(tree: &[u32], value: u32) -> u64 {
    let mut at = value as usize + 1;
    let mut sum = 0;
    while at > 0 {
        sum += u64::from(tree[at]);
        at &= at - 1;
    }
    sum
}

fn insert(tree: &mut [u32], value: u32) {
    let mut at = value as usize + 1;
    while at < tree.len() {
        tree[at] += 1;
        at += at & at.wrapping_neg();
    }
}
