//! Chain contraction: runs of tasks that each feed only the next one become a single node.
//!
//! A task that is the only input of its only user has nothing to gain from waiting, so the pair
//! may be ordered as one. On array graphs this halves the work of everything that follows, and it
//! keeps linear chains uninterrupted whatever the search decides.

use crate::dag::{Csr, Dag};

/// The graph of chains. Chains are numbered by their last task.
#[derive(Debug)]
pub(super) struct Chains {
    /// The shape between chains; a chain reads what its first task reads, listed ascending.
    pub(super) dag: Dag,
    /// For each chain its tasks, in the order in which they run.
    pub(super) members: Csr,
}

impl Chains {
    /// The position of every task when chains run in this `sequence`.
    pub(super) fn priorities(&self, sequence: &[u32]) -> Vec<u32> {
        let mut priorities = vec![0; self.members.n_edges()];
        let tasks = sequence.iter().flat_map(|&chain| self.members.row(chain));
        for (at, &task) in (0..).zip(tasks) {
            priorities[task as usize] = at;
        }
        priorities
    }
}

/// Contracts the chains of `dag`. A ring of tasks with no other edge has no last task: its
/// tasks end up in no chain, which is how the caller learns of such a cycle.
pub(super) fn contract(dag: &Dag) -> Chains {
    let n = dag.len();
    let is_absorbed = |task: u32| match dag.users.row(task) {
        [user] => dag.inputs.row(*user).len() == 1,
        _ => false,
    };
    let mut chain_of = vec![0u32; n];
    let mut members = Csr::with_capacity(n, n);
    let mut backwards = Vec::new();
    for tail in (0..n as u32).filter(|&task| !is_absorbed(task)) {
        backwards.clear();
        let mut head = tail;
        backwards.push(head);
        while let [input] = *dag.inputs.row(head)
            && is_absorbed(input)
        {
            head = input;
            backwards.push(head);
        }
        chain_of[tail as usize] = members.len() as u32;
        members.push_row(backwards.iter().rev().copied());
    }

    let mut inputs = Csr::with_capacity(members.len(), dag.inputs.n_edges());
    let mut row: Vec<u32> = Vec::new();
    for chain in 0..members.len() as u32 {
        let head = members.row(chain)[0];
        row.clear();
        // What a head reads was not absorbed, so it is the last task of its own chain.
        row.extend(dag.inputs.row(head).iter().map(|&input| chain_of[input as usize]));
        if !row.is_sorted() {
            row.sort_unstable();
        }
        inputs.push_row(row.iter().copied());
    }
    Chains { dag: Dag::new(inputs), members }
}
