//! The static order: in which order tasks should run so that little is alive at any moment.
//!
//! [`order`] gives every task a priority; schedulers start the ready task with the lowest one.
//! The cost that is minimised is the number of values alive at the worst moment when one worker
//! runs the tasks by priority ([`replay_peak`]). Finding the best order is NP-hard (Sethi,
//! *Complete register allocation problems*, 1975), so this is a heuristic, and it must stay
//! linear: a graph of a million tasks is ordered before the first of them starts.
//!
//! # The algorithm
//!
//! **Chains** (`chain`). A task that is the sole input of its sole user gains nothing by
//! waiting, so such pairs are contracted first. Everything below sees chains as nodes.
//!
//! **Estimates** (`estimate`). Bottom-up, each node gets the number of values that computing it
//! from nothing holds at worst, as Sethi and Ullman count registers: take the inputs hardest
//! first, and while the `i`-th is computed, `i` finished ones are held. On trees this is exact
//! (Sethi & Ullman, *The generation of optimal code for arithmetic expressions*, JACM 1970; Liu,
//! *An application of generalized tree pebbling to sparse matrix factorization*, 1987). Where
//! values are shared it is too high, but still ranks siblings well. Ties go to the longer path.
//!
//! **Descent** (`descent`). Depth first from the sinks through the inputs that are missing. The
//! sinks, and the inputs of each node, are visited in one of three manners: hardest first, or last
//! or first in the order of their indices, that is of their keys.
//!
//! **Flush** (`walk`). After each step, any task whose inputs are all there and that is the last
//! user of at least two of them runs at once: it leaves less alive than before. So a reducer runs
//! the moment that its inputs are complete. A ready task that frees just one input, or that is an
//! output, gains nothing by itself; it normally waits until the descent would otherwise load
//! something new. This keeps `d[i] = f(d[i-1], b[i], c[i])` from reaching for `b[i+1]` merely
//! because it is the last user of what all `b` were made from.
//!
//! **Nearby first**. A descent may turn aside, before it loads something new, to a task that has
//! got some of its inputs and misses fewer than the one in hand. That keeps stencils and other
//! graphs of overlapping neighbours together, and hurts where every task overlaps with every
//! other (shuffles, matrix products).
//!
//! **Portfolio**. No manner wins everywhere, each costs some 10 to 50 ns per edge, and its peak
//! falls out of the walk for free. So all of `MANNERS` are tried, each given up as soon as its
//! peak exceeds the best so far. The lowest peak wins. Among equal peaks the one earlier in the
//! list wins, unless a later one holds clearly less beside outputs: a tenth less at worst, or no
//! more at worst and a quarter less on average.
//!
//! # Conventions
//!
//! Among equals, the task with the *highest* index runs first, so ten independent inputs of one
//! sink run from the last to the first, which is what Dask does. (Only where lowest first holds
//! less does that manner win.) Nothing depends on hashing, time or chance, nor on how the inputs
//! of a task are listed: the same edges always get the same order. Relabelling may change it.

mod chain;
mod descent;
mod estimate;
mod replay;
mod topology;
mod walk;

pub use replay::replay_peak;

use crate::dag::Dag;

use descent::{Manner, Visit};
use walk::{Cost, Spare, Start, Walk};

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
const MANNERS: [Manner; 8] = [
    Manner { visit: Visit::Hardest, nearby_first: false, spare: Spare::Soon },
    Manner { visit: Visit::Hardest, nearby_first: true, spare: Spare::Soon },
    Manner { visit: Visit::Last, nearby_first: false, spare: Spare::Soon },
    Manner { visit: Visit::Last, nearby_first: true, spare: Spare::Soon },
    Manner { visit: Visit::First, nearby_first: false, spare: Spare::Soon },
    Manner { visit: Visit::First, nearby_first: true, spare: Spare::Soon },
    Manner { visit: Visit::Hardest, nearby_first: false, spare: Spare::Late },
    Manner { visit: Visit::Hardest, nearby_first: false, spare: Spare::Now },
];

/// From this size on, a nearly optimal order is not bettered.
const MANY: usize = 10_000;

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

    let least = least_peak(dag);
    let start = Start::new(&chains);
    let mut best: Option<(Cost, Vec<u32>)> = None;
    for manner in MANNERS {
        let plan = descent::plan(&chains.dag, &hardness, manner.visit);
        let limit = best.as_ref().map_or(u64::MAX, |(cost, _)| cost.peak);
        let mut walk = Walk::new(&start, manner.spare, limit);
        descent::descend(&mut walk, &plan, manner.nearby_first);
        if let Some((cost, sequence)) = walk.finish()
            && best.as_ref().is_none_or(|(least, _)| cost.beats(least))
        {
            // No other manner could be better by more than a thousandth; in small graphs they
            // cost nothing and may win ties.
            let is_enough = dag.len() > MANY && cost.peak <= least + least / 1000;
            best = Some((cost, sequence));
            if is_enough {
                break;
            }
        }
    }
    let sequence = best.map(|(_, sequence)| sequence).unwrap_or_default();
    Ok(chains.priorities(&sequence))
}

/// A peak that no order can go below: all outputs are alive at the end, and all inputs of a task
/// when it runs.
fn least_peak(dag: &Dag) -> u64 {
    let tasks = 0..dag.len() as u32;
    let n_outputs = tasks.clone().filter(|&task| dag.users.row(task).is_empty()).count();
    let most_inputs = tasks.map(|task| dag.inputs.row(task).len()).max().unwrap_or(0);
    n_outputs.max(most_inputs) as u64
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
