//! Depth first from the sinks: which task is worked on next.

use std::cmp::Reverse;

use crate::dag::{Csr, Dag};

use super::walk::Walk;

/// In which order the inputs of a task are computed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Inputs {
    /// By falling hardness, equals by falling index.
    HardestFirst,
    /// By falling index.
    LastFirst,
    /// By rising index.
    FirstFirst,
}

/// One way to descend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) inputs: Inputs,
    /// Whether to turn aside to tasks that miss fewer inputs than the one in hand.
    pub(super) nearby_first: bool,
}

/// The inputs of each task in the order in which they are to be computed.
pub(super) fn plan(dag: &Dag, hardness: &[u64], inputs: Inputs) -> Csr {
    let mut plan = Csr::with_capacity(dag.len(), dag.inputs.n_edges());
    let mut sorted = Vec::new();
    for task in 0..dag.len() as u32 {
        let row = dag.inputs.row(task);
        let hardness_of = |input: u32| hardness[input as usize];
        match inputs {
            Inputs::FirstFirst => plan.push_row(row.iter().copied()),
            Inputs::HardestFirst
                if row.windows(2).any(|pair| hardness_of(pair[0]) != hardness_of(pair[1])) =>
            {
                sorted.clear();
                sorted.extend_from_slice(row);
                sorted.sort_unstable_by_key(|&input| Reverse((hardness_of(input), input)));
                plan.push_row(sorted.iter().copied());
            }
            Inputs::HardestFirst | Inputs::LastFirst => plan.push_row(row.iter().rev().copied()),
        }
    }
    plan
}

/// Runs everything that the `sinks` need, or stops where the walk gives up.
pub(super) fn descend(walk: &mut Walk<'_>, plan: &Csr, sinks: &[u32], manner: Manner) {
    let n = plan.len();
    // How far into its planned inputs each task has got. Kept per task and not per visit: a task
    // may be on the stack twice after turning aside, and its inputs are still scanned once.
    let mut cursors = vec![0u32; n];
    let mut is_open = vec![false; n];
    let mut stack: Vec<u32> = Vec::new();
    for &sink in sinks {
        stack.push(sink);
        while let Some(&task) = stack.last() {
            if walk.gave_up() {
                return;
            }
            if walk.is_done(task) {
                stack.pop();
                continue;
            }
            is_open[task as usize] = true;
            let inputs = plan.row(task);
            let cursor = &mut cursors[task as usize];
            while inputs.get(*cursor as usize).is_some_and(|&input| walk.is_done(input)) {
                *cursor += 1;
            }
            let Some(&next) = inputs.get(*cursor as usize) else {
                walk.run(task);
                continue;
            };
            let n_inputs = plan.row(next).len();
            if walk.missing(next) == 0 && n_inputs > 0 {
                walk.run(next);
                continue;
            }
            // From here on something new has to be loaded, so first do what costs nothing.
            if walk.run_idle() {
                continue;
            }
            let is_fresh = walk.missing(next) as usize == n_inputs;
            if manner.nearby_first
                && is_fresh
                && let Some(nearby) = walk.take_nearby(walk.missing(task))
                && !is_open[nearby as usize]
            {
                stack.push(nearby);
                continue;
            }
            stack.push(next);
        }
        while walk.run_idle() {}
    }
}
