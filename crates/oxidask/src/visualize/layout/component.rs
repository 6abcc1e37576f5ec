//! One connected component: from its nodes and edges to centres and lines.

use oxidask_core::dag::Csr;

use super::points::Points;
use super::{Arrow, Line, crossing, place, rank};

/// The least distance between two layers.
const LAYER_GAP: f32 = 34.0;
/// Where lines run far across, layers stand further apart, by this much of the distance...
const GAP_PER_ACROSS: f32 = 0.06;
/// ... but at most this far.
const MAX_LAYER_GAP: f32 = 320.0;

/// The nodes of a component (ascending) and, in places among these, who reads whom.
pub(super) struct Part {
    members: Vec<u32>,
    users: Csr,
}

/// A component with its own origin: `x` is across, `y` along the direction of the edges.
pub(super) struct Component {
    pub(super) members: Vec<u32>,
    pub(super) centres: Vec<(f32, f32)>,
    pub(super) lines: Vec<Line>,
    pub(super) across: f32,
    pub(super) along: f32,
}

/// The connected components, in the order of their first nodes; repeated edges and loops go.
pub(super) fn split(n_nodes: usize, edges: &[(u32, u32)]) -> Vec<Part> {
    let mut sorted: Vec<(u32, u32)> = edges.iter().copied().filter(|e| e.0 != e.1).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut parent: Vec<u32> = (0..n_nodes as u32).collect();
    for &(from, to) in &sorted {
        let (a, b) = (find(&mut parent, from), find(&mut parent, to));
        parent[a.max(b) as usize] = a.min(b);
    }
    let mut part_of = vec![0u32; n_nodes];
    let mut place_in = vec![0u32; n_nodes];
    let mut members: Vec<Vec<u32>> = Vec::new();
    for node in 0..n_nodes as u32 {
        // A root is the least node of its component, so it is met first.
        let root = find(&mut parent, node);
        if root == node {
            part_of[node as usize] = members.len() as u32;
            members.push(Vec::new());
        }
        let part = part_of[root as usize];
        part_of[node as usize] = part;
        place_in[node as usize] = members[part as usize].len() as u32;
        members[part as usize].push(node);
    }
    let mut parts: Vec<Part> =
        members.into_iter().map(|members| Part { members, users: Csr::default() }).collect();
    let mut rest = sorted.as_slice();
    for node in 0..n_nodes as u32 {
        let n_own = rest.partition_point(|edge| edge.0 <= node);
        let own = rest[..n_own].iter().map(|edge| place_in[edge.1 as usize]);
        parts[part_of[node as usize] as usize].users.push_row(own);
        rest = &rest[n_own..];
    }
    parts
}

/// The root of `node` in a union-find forest, halving the path to it.
fn find(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        parent[node as usize] = parent[parent[node as usize] as usize];
        node = parent[node as usize];
    }
    node
}

/// Lays out one component; `sizes` are (across, along) of all nodes of the picture.
pub(super) fn lay_out(part: Part, sizes: &[(f32, f32)]) -> Component {
    let Part { members, users } = part;
    let inputs = users.transpose();
    let ranks = rank::assign(&users, &inputs);
    let points = Points::new(&users, &ranks);
    let layers = crossing::order(&points);
    let breadth: Vec<f32> = members.iter().map(|&node| sizes[node as usize].0).collect();
    let depth: Vec<f32> = members.iter().map(|&node| sizes[node as usize].1).collect();
    let across = place::assign(&points, &layers, &breadth);

    let half = |point: usize| breadth.get(point).copied().unwrap_or(0.0) / 2.0;
    let first = (0..points.len()).map(|p| across[p] as f32 - half(p)).fold(f32::MAX, f32::min);
    let x: Vec<f32> = across.iter().map(|&at| at as f32 - first).collect();
    let width = (0..points.len()).map(|p| x[p] + half(p)).fold(0.0, f32::max);
    let (layer_at, along) = stack_layers(&points, &depth, &x);

    let centre = |point: u32| (x[point as usize], layer_at[points.rank[point as usize] as usize]);
    Component {
        centres: (0..points.n_nodes as u32).map(centre).collect(),
        lines: draw_lines(&points, &depth, &centre),
        members,
        across: width,
        along,
    }
}

/// Where the middle of each layer is along the direction, and where the last one ends.
fn stack_layers(points: &Points, depth: &[f32], x: &[f32]) -> (Vec<f32>, f32) {
    let n_layers = points.rank.iter().max().map_or(0, |&last| last as usize + 1);
    let mut thickness = vec![0.0f32; n_layers];
    for (node, &own) in depth.iter().enumerate() {
        let layer = &mut thickness[points.rank[node] as usize];
        *layer = layer.max(own);
    }
    let mut reach = vec![0.0f32; n_layers];
    for point in 0..points.len() as u32 {
        for &next in points.down.row(point) {
            let layer = &mut reach[points.rank[point as usize] as usize];
            *layer = layer.max((x[point as usize] - x[next as usize]).abs());
        }
    }
    let mut middles = Vec::with_capacity(n_layers);
    let mut end = 0.0;
    for layer in 0..n_layers {
        if layer > 0 {
            end += (reach[layer - 1] * GAP_PER_ACROSS).clamp(LAYER_GAP, MAX_LAYER_GAP);
        }
        middles.push(end + thickness[layer] / 2.0);
        end += thickness[layer];
    }
    (middles, end)
}

fn draw_lines(
    points: &Points,
    depth: &[f32],
    centre: &impl Fn(u32) -> (f32, f32),
) -> Vec<Line> {
    // Lines end at the near side of a node and in the middle of a bend.
    let half = |point: u32| depth.get(point as usize).copied().unwrap_or(0.0) / 2.0;
    let below = |point: u32| (centre(point).0, centre(point).1 + half(point));
    let above = |point: u32| (centre(point).0, centre(point).1 - half(point));
    let mut lines = Vec::with_capacity(points.down.n_edges() + points.direct.len());
    for point in 0..points.len() as u32 {
        for &next in points.down.row(point) {
            let is_node = (next as usize) < points.n_nodes;
            let arrow = if is_node { Arrow::AtEnd } else { Arrow::None };
            lines.push(Line { from: below(point), to: above(next), arrow });
        }
    }
    for &(from, to) in &points.direct {
        let (early, late, arrow) = if points.rank[from as usize] < points.rank[to as usize] {
            (from, to, Arrow::AtEnd)
        } else {
            (to, from, Arrow::AtStart)
        };
        lines.push(Line { from: below(early), to: above(late), arrow });
    }
    lines
}
