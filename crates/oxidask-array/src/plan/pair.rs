//! Finds reductions of programs that read an array and its transpose, and plans them in pairs of
//! blocks: see [`crate::ops::pair`].

use crate::kernel::program::{Program, Register, Step};
use crate::kernel::reduce::Reducer;
use crate::ops::pair::PairedPartial;
use crate::ops::reduce::Partial;
use crate::plan::array::Array;
use crate::plan::chunks::Chunks;

/// Programs of more steps compute more than they read.
const MOST_STEPS: usize = 24;

/// A reduction in pairs of blocks.
pub(super) struct Paired {
    /// What tasks run.
    pub(super) op: PairedPartial,
    /// One for each input of the op's program.
    pub(super) inputs: Vec<Array>,
}

/// The reduction `partial` of blocks of `chunks`, whose program reads `inputs`, in pairs of blocks,
/// if those read the same.
pub(super) fn paired(partial: &Partial, inputs: &[Array], chunks: &Chunks) -> Option<Paired> {
    let program = &partial.elements.program;
    let is_arg = matches!(partial.reduction.reducer, Reducer::ArgMin | Reducer::ArgMax);
    if is_arg || !partial.elements.made.is_empty() || program.steps.len() > MOST_STEPS {
        return None;
    }
    let (a, b) = turned_axes(program, inputs, chunks)?;
    let fits = partial.reduced[a] && partial.reduced[b];
    let is_square = chunks.axis_known(a) && chunks[a] == chunks[b] && chunks[a].len() > 1;
    if !fits || !is_square {
        return None;
    }
    let mut order: Vec<u8> = (0..program.ndim as u8).collect();
    order.swap(a, b);
    let below = program.reordered(&order);
    let mut arrays = inputs.to_vec();
    let mut merged = program.clone();
    let mut twins: Vec<u32> = Vec::new();
    for (input, array) in below.inputs.iter().zip(inputs) {
        let known = arrays.iter().zip(&merged.inputs);
        let mut known = known.map(|(other, axes)| other.name() == array.name() && axes == input);
        let at = known.position(|is_same| is_same).unwrap_or_else(|| {
            arrays.push(array.clone());
            merged.inputs.push(input.clone());
            arrays.len() - 1
        });
        twins.push(at as u32);
    }
    let n_inputs = merged.inputs.len();
    let n_own = program.inputs.len();
    // Steps lie behind all inputs; those of the block below, behind the others.
    let above_at =
        |at: Register| if (at as usize) < n_own { at } else { at + (n_inputs - n_own) as Register };
    let below_at = |at: Register| match twins.get(at as usize) {
        Some(&input) => input,
        None => at + (n_inputs - n_own + program.steps.len()) as Register,
    };
    let above = program.steps.iter().map(|step| renumbered(step, above_at));
    let under = below.steps.iter().map(|step| renumbered(step, below_at));
    merged.steps = above.chain(under).collect();
    let results = [above_at(program.result), below_at(below.result)];
    merged.result = results[0];
    let op =
        PairedPartial { partial: partial.clone(), axes: (a, b), program: merged, results, twins };
    Some(Paired { op, inputs: arrays })
}

/// Two axes under which, one for the other, an array of the program's whole shape is read twice.
fn turned_axes(program: &Program, inputs: &[Array], chunks: &Chunks) -> Option<(usize, usize)> {
    let reads = || program.inputs.iter().zip(inputs);
    let is_whole = |array: &Array| array.chunks().n_elements() == chunks.n_elements();
    reads().filter(|(_, array)| is_whole(array)).find_map(|(input, array)| {
        let others = reads().filter(|(_, other)| other.name() == array.name());
        others.filter(|(other, _)| other.axes.len() == input.axes.len()).find_map(|(other, _)| {
            let differ = input.axes.iter().zip(&other.axes).filter(|(x, y)| x != y);
            let differ: Vec<_> = differ
                .map(|(x, y)| Some((usize::from((*x)?), usize::from((*y)?))))
                .collect::<Option<_>>()?;
            match differ[..] {
                [(a, b), (c, d)] if a == d && b == c => Some((a.min(b), a.max(b))),
                _ => None,
            }
        })
    })
}

/// A step that reads other registers.
fn renumbered(step: &Step, at: impl Fn(Register) -> Register) -> Step {
    let mut step = step.clone();
    match &mut step {
        Step::Ufunc { args, .. } => args.iter_mut().for_each(|arg| *arg = at(*arg)),
        Step::Cast { arg, .. } => *arg = at(*arg),
        Step::Constant(_) => {}
    }
    step
}
