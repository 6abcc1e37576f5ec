//! Where everything goes: a layered layout of each connected component, and these side by side.
//!
//! [`rank`] gives layers, [`points`] splits edges where they pass layers, [`crossing`] orders
//! each layer, [`place`] gives positions along it, [`component`] puts the four together, and
//! [`pack`] the components. Inside, *along* is the direction of the edges and *across* the other.

mod component;
mod crossing;
mod pack;
mod place;
mod points;
mod rank;

use super::{Direction, Placed};

/// Blank space around the picture.
const MARGIN: f32 = 8.0;

/// How much of a line's end an arrowhead takes.
pub(super) const ARROW_LENGTH: f32 = 8.0;

/// A laid out picture.
pub(super) struct Layout {
    pub(super) nodes: Vec<Placed>,
    pub(super) lines: Vec<Line>,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// A stretch of an edge: straight along the direction of the picture from `from` to `leave`,
/// curved to `arrive`, which lies between the same two layers, and straight to `to`.
pub(super) struct Line {
    pub(super) from: (f32, f32),
    pub(super) leave: (f32, f32),
    pub(super) arrive: (f32, f32),
    pub(super) to: (f32, f32),
    pub(super) arrow: Arrow,
}

/// Which end of a line has an arrowhead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrow {
    None,
    AtStart,
    AtEnd,
}

/// Lays out nodes of the given sizes (width and height).
pub(super) fn lay_out(
    sizes: Vec<(f32, f32)>,
    edges: &[(u32, u32)],
    direction: Direction,
) -> Layout {
    let sideways = matches!(direction, Direction::LeftToRight | Direction::RightToLeft);
    let turned: Vec<(f32, f32)> =
        sizes.iter().map(|&(w, h)| if sideways { (h, w) } else { (w, h) }).collect();
    let components: Vec<_> = component::split(turned.len(), edges)
        .into_iter()
        .map(|part| component::lay_out(part, &turned))
        .collect();
    let packed = pack::pack(&components);
    let mut nodes = vec![Placed::default(); sizes.len()];
    let mut lines = Vec::with_capacity(components.iter().map(|part| part.lines.len()).sum());
    let (across, along) = (packed.across + 2.0 * MARGIN, packed.along + 2.0 * MARGIN);
    let turn = |(x, y): (f32, f32)| match direction {
        Direction::TopToBottom => (x, y),
        Direction::BottomToTop => (x, along - y),
        Direction::LeftToRight => (y, x),
        Direction::RightToLeft => (along - y, x),
    };
    for (component, &(dx, dy)) in components.iter().zip(&packed.shifts) {
        let shift = |(x, y): (f32, f32)| turn((x + dx + MARGIN, y + dy + MARGIN));
        for (&node, &centre) in component.members.iter().zip(&component.centres) {
            let (x, y) = shift(centre);
            let (width, height) = sizes[node as usize];
            nodes[node as usize] = Placed { x, y, width, height };
        }
        lines.extend(component.lines.iter().map(|line| Line {
            from: shift(line.from),
            leave: shift(line.leave),
            arrive: shift(line.arrive),
            to: shift(line.to),
            arrow: line.arrow,
        }));
    }
    let (width, height) = if sideways { (along, across) } else { (across, along) };
    Layout { nodes, lines, width, height }
}
