//! The static order: in which order tasks should run so that little is alive at any moment.
//!
//! [`order`] gives every task a priority; schedulers start the ready task with the lowest one.
//! The cost that is minimised is the number of values alive at the worst moment when one worker
//! runs the tasks by priority ([`replay_peak`]). Finding the best order is PSPACE-hard in general
//! and NP-hard for one pebble per value, so this is a heuristic, and it must stay linear: a graph
//! of a million tasks is ordered before the first of them starts.
//!
//! # The algorithm
//!
//! **Chains** ([`chain`]). A task that is the sole input of its sole user gains nothing by
//! waiting, so such pairs are contracted first. Everything below sees chains as nodes.
//!
//! **Estimates** ([`estimate`]). Bottom-up, each node gets the number of values that computing it
//! from nothing holds at worst, as Sethi and Ullman count registers: take the inputs hardest
//! first, and while the `i`-th is computed, `i` finished ones are held. On trees this is exact
//! (Sethi & Ullman, *The generation of optimal code for arithmetic expressions*, JACM 1970; Liu,
//! *An application of generalized tree pebbling to sparse matrix factorization*, 1987). Where
//! values are shared it is too high, but still ranks siblings well. Ties go to the longer path.
//!
//! **Descent** ([`descent`]). Depth first from the sinks through the inputs that are missing. A
//! node's inputs are visited in one of three manners: hardest first, last first, first first (by
//! index, that is by key). Sinks are taken hardest first.
//!
//! **Flush** ([`walk`]). After each step, any task whose inputs are all there and that is the last
//! user of at least two of them runs at once: it leaves less alive than before. So a reducer runs
//! the moment that its inputs are complete. A ready task that frees just one input, or that is an
//! output, leaves no more than the final amount, but gains nothing by itself; it waits until the
//! descent would otherwise load something new. This keeps `d[i] = f(d[i-1], b[i], c[i])` from
//! reaching for `b[i+1]` merely because it is the last user of their common source.
//!
//! **Nearby first**. A descent optionally turns aside, before it loads something new, to a task
//! that has already got some of its inputs and misses fewer than the one in hand. That keeps
//! stencils and other graphs of overlapping neighbours together, and hurts where every task
//! overlaps with every other (shuffles, matrix products).
//!
//! **Portfolio**. No manner wins everywhere, each costs some 30 ns per edge, and its peak falls
//! out of the walk for free. So all are tried, each given up as soon as its peak exceeds the best
//! so far, and the lowest peak wins; among equal peaks the one that holds least beside outputs;
//! among those the one earlier in the list unless a later one holds a quarter less on average.
//!
//! # Conventions
//!
//! Among equals, the task with the *highest* index runs first, so ten independent inputs of one
//! sink run from the last to the first, which is what Dask does. Nothing depends on hashing,
//! time or chance: the same [`Dag`] always gets the same order. Relabelling tasks may change it.

mod chain;
mod descent;
mod estimate;
mod replay;
mod topology;
mod walk;

pub use replay::replay_peak;

use crate::dag::Dag;

use chain::Chains;
use descent::{Inputs, Manner};
use walk::{Cost, Start, Walk};

/// The graph has a cycle, so no order exists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} tasks wait for each other in a cycle ({}); remove one of these dependencies",
    tasks.len(),
    abridged(tasks)
)]
pub struct Cycle {
    /// The tasks of one cycle, each followed by one that reads it, the last by the first.
    pub tasks: Vec<u32>,
}

/// The manners that are tried, in the order in which they win ties.
const MANNERS: [Manner; 6] = [
    Manner { inputs: Inputs::HardestFirst, nearby_first: false },
    Manner { inputs: Inputs::HardestFirst, nearby_first: true },
    Manner { inputs: Inputs::LastFirst, nearby_first: false },
    Manner { inputs: Inputs::LastFirst, nearby_first: true },
    Manner { inputs: Inputs::FirstFirst, nearby_first: false },
    Manner { inputs: Inputs::FirstFirst, nearby_first: true },
];

/// The priority of each task: a permutation of `0..n` in which inputs come before their users and
/// 0 runs first. See the [module](self) for what it minimises and how ties fall.
///
/// Time and memory are linear in tasks and edges, but for sorting the inputs of each task.
///
/// # Errors
/// [`Cycle`] names one cycle if there is any.
pub fn order(dag: &Dag) -> Result<Vec<u32>, Cycle> {
    let chains = chain::contract(dag);
    let sorted = topology::sort(&chains.dag);
    let n_sorted: usize = sorted.iter().map(|&chain| chains.members.row(chain).len()).sum();
    if n_sorted < dag.len() {
        return Err(Cycle { tasks: topology::find_cycle(dag) });
    }
    let hardness = estimate::hardness(&chains, &sorted);
    drop(sorted);
    let sinks = sinks_hardest_first(&chains, &hardness);

    let start = Start::new(&chains);
    let mut best: Option<(Cost, Vec<u32>)> = None;
    for manner in MANNERS {
        let plan = descent::plan(&chains.dag, &hardness, manner.inputs);
        let limit = best.as_ref().map_or(u32::MAX, |(cost, _)| cost.peak);
        let mut walk = Walk::new(&start, limit);
        descent::descend(&mut walk, &plan, &sinks, manner);
        if let Some((cost, sequence)) = walk.finish()
            && best.as_ref().is_none_or(|(least, _)| cost.beats(least))
        {
            best = Some((cost, sequence));
        }
    }
    let sequence = best.map(|(_, sequence)| sequence).unwrap_or_default();
    Ok(chains.priorities(&sequence))
}

fn sinks_hardest_first(chains: &Chains, hardness: &[u64]) -> Vec<u32> {
    let is_sink = |&chain: &u32| chains.dag.users.row(chain).is_empty();
    let mut sinks: Vec<u32> = (0..chains.dag.len() as u32).filter(is_sink).collect();
    sinks.sort_unstable_by_key(|&sink| std::cmp::Reverse((hardness[sink as usize], sink)));
    sinks
}

fn abridged(tasks: &[u32]) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<String> = tasks.iter().take(SHOWN).map(u32::to_string).collect();
    if tasks.len() > SHOWN {
        names.push("...".to_owned());
    }
    names.extend(tasks.first().map(u32::to_string));
    names.join(" -> ")
}
