//! What the later phases work on: nodes and, where an edge passes a layer, the bends of its line.

use oxidask_core::dag::Csr;

use super::rank::Ranks;

/// Bends allowed for each node, and for the component as a whole.
const BENDS_PER_NODE: usize = 3;
const BENDS: usize = 20_000;

/// Nodes `0..n_nodes`, then bends; each with a rank, and segments between neighbouring ranks.
pub(super) struct Points {
    pub(super) n_nodes: usize,
    pub(super) rank: Vec<u32>,
    /// For each point, its neighbours one rank earlier.
    pub(super) up: Csr,
    /// For each point, its neighbours one rank later.
    pub(super) down: Csr,
    /// Edges (from, to) drawn in one stroke across layers: those of cycles that go backward, and
    /// those beyond the budget of bends.
    pub(super) direct: Vec<(u32, u32)>,
}

impl Points {
    pub(super) fn len(&self) -> usize {
        self.rank.len()
    }

    /// Splits the edges of `users` into segments.
    ///
    /// Long edges of one node share their bends up to where they part, so the lines of a value
    /// that is read in many layers are one line with branches, and bends grow with the nodes'
    /// lives rather than with the edges' lengths. Where even that is too much, the longest
    /// lines go without bends.
    pub(super) fn new(users: &Csr, ranks: &Ranks) -> Self {
        let n_nodes = users.len();
        let mut rank = ranks.of.clone();
        let forward =
            |from: u32, to: u32| ranks.position[from as usize] < ranks.position[to as usize];
        let bent = choose_bent(users, ranks);
        let mut segments: Vec<(u32, u32)> = Vec::with_capacity(users.n_edges());
        let mut direct = Vec::new();
        for node in 0..n_nodes as u32 {
            let from_rank = rank[node as usize];
            // Bend number k of this node is at rank `from_rank + 1 + k`.
            let first_bend = rank.len() as u32;
            let mut n_bends = 0;
            for &user in users.row(node) {
                let to_rank = ranks.of[user as usize];
                if !forward(node, user) {
                    direct.push((node, user));
                } else if to_rank == from_rank + 1 {
                    segments.push((node, user));
                } else if !bent[node as usize] {
                    direct.push((node, user));
                } else {
                    let needed = to_rank - from_rank - 1;
                    while n_bends < needed {
                        let bend = first_bend + n_bends;
                        let before = if n_bends == 0 { node } else { bend - 1 };
                        rank.push(from_rank + 1 + n_bends);
                        segments.push((before, bend));
                        n_bends += 1;
                    }
                    segments.push((first_bend + needed - 1, user));
                }
            }
        }
        segments.sort_unstable();
        segments.dedup();
        let mut down = Csr::with_capacity(rank.len(), segments.len());
        let mut rest = segments.as_slice();
        for point in 0..rank.len() as u32 {
            let n_own = rest.partition_point(|segment| segment.0 <= point);
            down.push_row(rest[..n_own].iter().map(|segment| segment.1));
            rest = &rest[n_own..];
        }
        let up = down.transpose();
        Self { n_nodes, rank, up, down, direct }
    }
}

/// For each node whether its long edges may have bends: the shortest lives first, in budget.
fn choose_bent(users: &Csr, ranks: &Ranks) -> Vec<bool> {
    let n_nodes = users.len();
    let mut lives: Vec<(u32, u32)> = Vec::new();
    for node in 0..n_nodes as u32 {
        let end = users.row(node).iter().map(|&user| ranks.of[user as usize]).max();
        let life = end.map_or(0, |end| end.saturating_sub(ranks.of[node as usize]));
        if life > 1 {
            lives.push((life, node));
        }
    }
    lives.sort_unstable();
    let mut bent = vec![false; n_nodes];
    let mut left = BENDS_PER_NODE * n_nodes + BENDS;
    for (life, node) in lives {
        let Some(rest) = left.checked_sub(life as usize - 1) else { break };
        left = rest;
        bent[node as usize] = true;
    }
    bent
}
