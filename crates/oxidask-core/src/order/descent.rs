//! Depth first from the sinks: which task is worked on next.

use std::cmp::Reverse;

use crate::dag::{Csr, Dag};

use super::walk::{Spare, Walk};

/// Which of the sinks, and of the inputs of a task, is computed first.
#[derive(Debug, Clone, Copy)]
pub(super) enum Visit {
    /// The hardest; among equals the last.
    Hardest,
    /// That with the highest index.
    Last,
    /// That with the lowest index.
    First,
}

impl Visit {
    /// Brings ascending `tasks` into this order.
    fn arrange(self, tasks: &mut [u32], hardness: &[u64]) {
        let hardness_of = |task: u32| hardness[task as usize];
        match self {
            Self::First => {}
            Self::Hardest
                if tasks.windows(2).any(|pair| hardness_of(pair[0]) != hardness_of(pair[1])) =>
            {
                tasks.sort_unstable_by_key(|&task| Reverse((hardness_of(task), task)));
            }
            Self::Hardest | Self::Last => tasks.reverse(),
        }
    }
}

/// One way to descend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) visit: Visit,
    /// Whether to turn aside to tasks that miss fewer inputs than the one in hand.
    pub(super) nearby_first: bool,
    pub(super) spare: Spare,
}

/// Everything in the order in which it is to be computed, as far as it is missing.
#[derive(Debug)]
pub(super) struct Plan {
    sinks: Vec<u32>,
    inputs: Csr,
}

/// Lays out the sinks of `dag` and the inputs of each task for `visit`.
pub(super) fn plan(dag: &Dag, hardness: &[u64], visit: Visit) -> Plan {
    let tasks = 0..dag.len() as u32;
    let mut sinks: Vec<u32> =
        tasks.clone().filter(|&task| dag.users.row(task).is_empty()).collect();
    visit.arrange(&mut sinks, hardness);
    let mut inputs = Csr::with_capacity(dag.len(), dag.inputs.n_edges());
    let mut row = Vec::new();
    for task in tasks {
        row.clear();
        row.extend_from_slice(dag.inputs.row(task));
        visit.arrange(&mut row, hardness);
        inputs.push_row(row.iter().copied());
    }
    Plan { sinks, inputs }
}

/// Runs everything, or stops where the walk gives up.
pub(super) fn descend(walk: &mut Walk<'_>, plan: &Plan, nearby_first: bool) {
    let n = plan.inputs.len();
    // How far into its planned inputs each task has got. Kept per task and not per visit: a task
    // may be on the stack twice after turning aside, and its inputs are still scanned once.
    let mut cursors = vec![0u32; n];
    let mut is_open = vec![false; n];
    let mut stack: Vec<u32> = Vec::new();
    for &sink in &plan.sinks {
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
            let inputs = plan.inputs.row(task);
            let cursor = &mut cursors[task as usize];
            while inputs.get(*cursor as usize).is_some_and(|&input| walk.is_done(input)) {
                *cursor += 1;
            }
            let Some(&next) = inputs.get(*cursor as usize) else {
                walk.run(task);
                continue;
            };
            let n_inputs = plan.inputs.row(next).len();
            if walk.missing(next) == 0 && n_inputs > 0 {
                walk.run(next);
                continue;
            }
            // From here on something new has to be loaded, so first do what costs nothing.
            if walk.run_idle() {
                continue;
            }
            let is_fresh = walk.missing(next) as usize == n_inputs;
            if nearby_first
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
