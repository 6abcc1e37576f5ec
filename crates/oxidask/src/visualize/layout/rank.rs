//! Ranks: which layer each node is in, so that every edge goes to a later layer.

use oxidask_core::dag::Csr;

/// The ranks of the nodes of `users`, and a list of nodes in which every kept edge goes forward.
pub(super) struct Ranks {
    /// The layer of each node, from 0.
    pub(super) of: Vec<u32>,
    /// Where each node stands in an order in which inputs come before users; an edge of a cycle
    /// that goes backward in it has to be turned round.
    pub(super) position: Vec<u32>,
}

/// Longest paths from the roots, then nodes that would have only long edges move to their users.
pub(super) fn assign(users: &Csr, inputs: &Csr) -> Ranks {
    let order = topological(users, inputs);
    let mut position = vec![0u32; order.len()];
    for (at, &node) in (0u32..).zip(&order) {
        position[node as usize] = at;
    }
    let forward = |from: u32, to: u32| position[from as usize] < position[to as usize];
    let mut of = vec![0u32; order.len()];
    for &node in &order {
        let before = inputs.row(node).iter().filter(|&&input| forward(input, node));
        let turned = users.row(node).iter().filter(|&&user| forward(user, node));
        of[node as usize] =
            before.chain(turned).map(|&other| of[other as usize] + 1).max().unwrap_or(0);
    }
    // A node with fewer inputs than users shortens edges by moving; with as many, it lengthens
    // none and lets its own inputs move after it.
    for &node in order.iter().rev() {
        let after = users.row(node).iter().filter(|&&user| forward(node, user));
        let turned = inputs.row(node).iter().filter(|&&input| forward(node, input));
        let latest = after.chain(turned).map(|&other| of[other as usize] - 1).min();
        if let Some(latest) = latest
            && inputs.row(node).len() <= users.row(node).len()
        {
            of[node as usize] = latest;
        }
    }
    let first = of.iter().copied().min().unwrap_or(0);
    of.iter_mut().for_each(|rank| *rank -= first);
    Ranks { of, position }
}

/// Inputs before users, as far as cycles allow: where nothing is ready, the first node left is.
fn topological(users: &Csr, inputs: &Csr) -> Vec<u32> {
    let n = users.len();
    let mut waiting: Vec<u32> = (0..n as u32).map(|node| inputs.row(node).len() as u32).collect();
    let mut order: Vec<u32> = (0..n as u32).filter(|&node| waiting[node as usize] == 0).collect();
    let mut listed = vec![false; n];
    order.iter().for_each(|&node| listed[node as usize] = true);
    let mut next = 0;
    let mut first_left = 0;
    while order.len() < n || next < n {
        if next == order.len() {
            while listed[first_left] {
                first_left += 1;
            }
            listed[first_left] = true;
            order.push(first_left as u32);
        }
        let node = order[next];
        next += 1;
        for &user in users.row(node) {
            waiting[user as usize] -= 1;
            if waiting[user as usize] == 0 && !listed[user as usize] {
                listed[user as usize] = true;
                order.push(user);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(n: u32, edges: &[(u32, u32)]) -> Vec<u32> {
        let mut users = Csr::default();
        for node in 0..n {
            users.push_row(edges.iter().filter(|edge| edge.0 == node).map(|edge| edge.1));
        }
        assign(&users, &users.transpose()).of
    }

    #[test]
    fn an_early_root_of_a_late_task_moves_next_to_it() {
        assert_eq!(ranks(5, &[(0, 1), (1, 2), (2, 3), (4, 3)]), [0, 1, 2, 3, 2]);
    }

    #[test]
    fn a_cycle_is_cut_at_its_first_node() {
        assert_eq!(ranks(3, &[(0, 1), (1, 2), (2, 0)]), [0, 1, 2]);
        assert_eq!(ranks(2, &[(0, 1), (1, 0)]), [0, 1]);
    }

    #[test]
    fn a_side_chain_hangs_from_its_reader_with_its_root() {
        // 0 1 2 3 4 is the trunk; 5 -> 6 -> 4 hangs from its end.
        let edges = [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 4)];
        assert_eq!(ranks(7, &edges), [0, 1, 2, 3, 4, 2, 3]);
    }
}
