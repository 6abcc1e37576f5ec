//! Positions along the layers: each point as near to its neighbours as the others let it.
//!
//! One layer at a time, given its neighbours: the positions that minimise the weighted sum of
//! squared distances to the neighbours' mean, in the given order and with the gaps kept. In
//! positions minus the gaps before them that is isotonic regression, which pooling adjacent
//! violators solves exactly in linear time (Barlow et al., 1972). Sweeps down and up alternate.

use super::crossing::Layers;
use super::points::Points;

/// Between two nodes of a layer.
const NODE_GAP: f64 = 18.0;
/// Beside a bend.
const BEND_GAP: f64 = 10.0;
/// A line between two bends is straightened this much more eagerly than one between nodes.
const BEND_WEIGHT: f64 = 16.0;
/// And so is a line between nodes that have no other on that side.
const CHAIN_WEIGHT: f64 = 6.0;
/// How strongly a point without neighbours in the layer before stays where it is.
const STAY_WEIGHT: f64 = 0.05;
const WORK: usize = 8_000_000;
const MAX_SWEEPS: usize = 96;
/// The last sweeps heed the layers on both sides.
const BOTH_SIDES: usize = 8;

/// The centre of each point along its layer; `breadth` is the size of each node along it.
pub(super) fn assign(points: &Points, layers: &Layers, breadth: &[f32]) -> Vec<f64> {
    let half = |point: u32| breadth.get(point as usize).map_or(0.0, |&b| f64::from(b) / 2.0);
    let gap = |point: u32| if (point as usize) < points.n_nodes { NODE_GAP } else { BEND_GAP };
    let mut offsets: Vec<Vec<f64>> = Vec::with_capacity(layers.len());
    let mut at = vec![0.0; points.len()];
    for layer in layers {
        let mut offset = 0.0;
        let mut row = Vec::with_capacity(layer.len());
        for (i, &point) in layer.iter().enumerate() {
            if i > 0 {
                let before = layer[i - 1];
                offset += half(before) + half(point) + gap(before).min(gap(point));
            }
            row.push(offset);
        }
        for (&point, own) in layer.iter().zip(&row) {
            at[point as usize] = own - offset / 2.0;
        }
        offsets.push(row);
    }
    let sweeps = (WORK / (points.up.n_edges() + points.len() + 1)).clamp(4, MAX_SWEEPS);
    let mut pools = Vec::new();
    for sweep in 0..sweeps {
        let last = sweep + BOTH_SIDES.min(sweeps / 2) >= sweeps;
        let n_layers = layers.len();
        for step in 0..n_layers {
            let layer = if sweep % 2 == 0 { step } else { n_layers - 1 - step };
            let wish = |point: u32| wish(points, &at, point, sweep % 2 == 0, last);
            pool(&layers[layer], &offsets[layer], wish, &mut pools);
            settle(&layers[layer], &offsets[layer], &pools, &mut at);
        }
    }
    at
}

/// Where `point` would like to be, and how much.
fn wish(points: &Points, at: &[f64], point: u32, downwards: bool, both: bool) -> (f64, f64) {
    let (mut sum, mut weight) = (0.0, 0.0);
    let is_bend = |point: u32| point as usize >= points.n_nodes;
    let mut add = |next: u32, early: u32, late: u32| {
        let own = if is_bend(early) && is_bend(late) {
            BEND_WEIGHT
        } else if points.down.row(early).len() == 1 && points.up.row(late).len() == 1 {
            CHAIN_WEIGHT
        } else {
            1.0
        };
        sum += own * at[next as usize];
        weight += own;
    };
    if downwards || both {
        points.up.row(point).iter().for_each(|&next| add(next, next, point));
    }
    if !downwards || both {
        points.down.row(point).iter().for_each(|&next| add(next, point, next));
    }
    if weight == 0.0 { (at[point as usize], STAY_WEIGHT) } else { (sum / weight, weight) }
}

/// Points that end up side by side: what they want together, and how many they are.
struct Pool {
    mean: f64,
    weight: f64,
    n_points: usize,
}

fn pool(layer: &[u32], offsets: &[f64], wish: impl Fn(u32) -> (f64, f64), pools: &mut Vec<Pool>) {
    pools.clear();
    for (&point, offset) in layer.iter().zip(offsets) {
        let (wanted, weight) = wish(point);
        let mut new = Pool { mean: wanted - offset, weight, n_points: 1 };
        while let Some(before) = pools.pop_if(|before| before.mean >= new.mean) {
            let weight = before.weight + new.weight;
            new.mean = (before.mean * before.weight + new.mean * new.weight) / weight;
            new.weight = weight;
            new.n_points += before.n_points;
        }
        pools.push(new);
    }
}

fn settle(layer: &[u32], offsets: &[f64], pools: &[Pool], at: &mut [f64]) {
    let mut rest = layer.iter().zip(offsets);
    for pool in pools {
        for (&point, offset) in rest.by_ref().take(pool.n_points) {
            at[point as usize] = pool.mean + offset;
        }
    }
}
