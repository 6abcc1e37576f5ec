//! One connected component: from its nodes and edges to centres and lines.

use oxidask_core::dag::Csr;

use super::points::Points;
use super::{ARROW_LENGTH, Arrow, Line, crossing, place, rank};

/// The least distance between two layers.
const LAYER_GAP: f32 = 36.0;
/// Where lines run far across, layers stand further apart, by this much of the distance...
const GAP_PER_ACROSS: f32 = 0.08;
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
    let layers = stack_layers(&points, &depth, &x);

    let centre =
        |point: u32| (x[point as usize], layers[points.rank[point as usize] as usize].middle());
    Component {
        centres: (0..points.n_nodes as u32).map(centre).collect(),
        lines: draw_lines(&points, &depth, &x, &layers),
        members,
        across: width,
        along: layers.last().map_or(0.0, |last| last.end),
    }
}

/// From where to where a layer goes along the direction.
#[derive(Clone, Copy, Default)]
struct Span {
    start: f32,
    end: f32,
}

impl Span {
    fn middle(self) -> f32 {
        (self.start + self.end) / 2.0
    }
}

fn stack_layers(points: &Points, depth: &[f32], x: &[f32]) -> Vec<Span> {
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
    let mut end = 0.0;
    let stack = thickness.iter().enumerate().map(|(layer, own)| {
        if layer > 0 {
            end += (reach[layer - 1] * GAP_PER_ACROSS).clamp(LAYER_GAP, MAX_LAYER_GAP);
        }
        let start = end;
        end += own;
        Span { start, end }
    });
    stack.collect()
}

/// Lines are straight within layers, so that they keep off the nodes beside them.
fn draw_lines(points: &Points, depth: &[f32], x: &[f32], layers: &[Span]) -> Vec<Line> {
    let layer = |point: u32| layers[points.rank[point as usize] as usize];
    let line = |early: u32, late: u32, arrow: Arrow| {
        let (x_early, x_late) = (x[early as usize], x[late as usize]);
        // A line leaves a node at its near side, and a bend where the line before it ended.
        let from = match depth.get(early as usize) {
            Some(own) => layer(early).middle() + own / 2.0,
            None => layer(early).start,
        };
        let to = match depth.get(late as usize) {
            Some(own) => layer(late).middle() - own / 2.0,
            None => layer(late).start,
        };
        Line {
            from: (x_early, from),
            leave: (x_early, layer(early).end),
            arrive: (x_late, layer(late).start),
            to: (x_late, to),
            arrow,
        }
    };
    let mut lines = Vec::with_capacity(points.down.n_edges() + points.direct.len());
    // What several lines have in common, the stretch inside a layer and the arrowhead, is drawn
    // with the first of them: soft edges drawn twice are not soft.
    let mut has_head = vec![false; points.n_nodes];
    for point in 0..points.len() as u32 {
        for (nth, &next) in points.down.row(point).iter().enumerate() {
            let head = has_head.get_mut(next as usize).map(|has| std::mem::replace(has, true));
            let mut drawn = line(
                point,
                next,
                match head {
                    Some(false) => Arrow::AtEnd,
                    Some(true) | None => Arrow::None,
                },
            );
            if nth > 0 {
                drawn.from = drawn.leave;
            }
            if head == Some(true) {
                drawn.to.1 = drawn.arrive.1.min(drawn.to.1 - ARROW_LENGTH);
            }
            lines.push(drawn);
        }
    }
    for &(from, to) in &points.direct {
        lines.push(if points.rank[from as usize] < points.rank[to as usize] {
            line(from, to, Arrow::AtEnd)
        } else {
            line(to, from, Arrow::AtStart)
        });
    }
    lines
}
