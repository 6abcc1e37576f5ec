//! What a machine does for each tile, in order, and in which memory.
//!
//! Inputs are loaded just before they are read first, and the memory of registers that nobody reads
//! any more is used again: what a tile needs should fit the first cache.

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::cast;
use crate::kernel::program::{Program, Register, Step};
use crate::kernel::ufunc::{self, Loop};

/// One thing to do.
pub(super) enum Work {
    /// Brings an input's elements to its register.
    Load(usize),
    /// Runs a loop over registers.
    Call { run: Loop, args: SmallVec<[usize; 3]>, outs: SmallVec<[usize; 2]> },
    /// Gives a register to the sink.
    Take(usize),
}

/// The work of a tile.
pub(super) struct Schedule {
    pub(super) work: Vec<Work>,
    /// The slot of each register: those of the program, then outputs that nobody wants.
    pub(super) slots: Vec<usize>,
    /// Bytes of each slot's elements.
    pub(super) itemsizes: Vec<usize>,
}

impl Schedule {
    /// For the values of `results`, each of which the sink gets as soon as it is there.
    pub(super) fn new(program: &Program, results: &[Register]) -> Result<Self> {
        let n_inputs = program.inputs.len();
        let n_registers = n_inputs + program.steps.len();
        let mut dtypes: Vec<DType> =
            (0..n_registers).map(|register| program.dtype_of(register as Register)).collect();
        let mut work = Vec::new();
        let mut loaded = vec![false; n_inputs];
        let mut load = |register: usize, work: &mut Vec<Work>| {
            if register < n_inputs && !std::mem::replace(&mut loaded[register], true) {
                work.push(Work::Load(register));
            }
        };
        for &result in results {
            let result = result as usize;
            if result < n_inputs || is_constant(program, result) {
                load(result, &mut work);
                work.push(Work::Take(result));
            }
        }
        for (number, step) in program.steps.iter().enumerate() {
            let own = n_inputs + number;
            let Some(call) = called(step, own, &mut dtypes)? else { continue };
            if let Work::Call { args, .. } = &call {
                args.iter().for_each(|&arg| load(arg, &mut work));
            }
            work.push(call);
            if results.contains(&(own as Register)) {
                work.push(Work::Take(own));
            }
        }
        let (slots, itemsizes) = placed(program, &work, &dtypes);
        Ok(Self { work, slots, itemsizes })
    }

    /// Bytes that an element of a tile takes.
    pub(super) fn element_bytes(&self) -> usize {
        self.itemsizes.iter().sum()
    }
}

fn is_constant(program: &Program, register: usize) -> bool {
    let step = register.checked_sub(program.inputs.len()).map(|step| &program.steps[step]);
    matches!(step, Some(Step::Constant(_)))
}

/// The loop of a step whose register is `own`. Outputs that nobody wants get registers behind all
/// others.
fn called(step: &Step, own: usize, dtypes: &mut Vec<DType>) -> Result<Option<Work>> {
    Ok(Some(match step {
        Step::Constant(_) => return Ok(None),
        Step::Cast { arg, from, to } => Work::Call {
            run: cast::cast_loop(*from, *to)
                .map(|function| Loop { function, check: None })
                .ok_or_else(|| ArrayError::NoKernel(format!("cast from {from} to {to}")))?,
            args: SmallVec::from_slice(&[*arg as usize]),
            outs: SmallVec::from_slice(&[own]),
        },
        Step::Ufunc { ufunc, args, output, resolved } => {
            let found = ufunc::find(*ufunc, resolved);
            let run = found.ok_or_else(|| ArrayError::NoKernel(ufunc.name().into()))?;
            let mut outs: SmallVec<[usize; 2]> = SmallVec::new();
            for (n, &dtype) in resolved.outs.iter().enumerate() {
                if n == *output as usize {
                    outs.push(own);
                } else {
                    outs.push(dtypes.len());
                    dtypes.push(dtype);
                }
            }
            Work::Call { run, args: args.iter().map(|&arg| arg as usize).collect(), outs }
        }
    }))
}

impl Work {
    /// The registers that it reads and writes.
    fn registers(&self) -> SmallVec<[usize; 5]> {
        match self {
            Self::Load(register) | Self::Take(register) => SmallVec::from_slice(&[*register]),
            Self::Call { args, outs, .. } => args.iter().chain(outs).copied().collect(),
        }
    }
}

/// A slot for each register, and the slots' itemsizes.
fn placed(program: &Program, work: &[Work], dtypes: &[DType]) -> (Vec<usize>, Vec<usize>) {
    const NONE: usize = usize::MAX;
    let mut slots = vec![NONE; dtypes.len()];
    let mut itemsizes: Vec<usize> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut last_use = vec![0; dtypes.len()];
    for (at, work) in work.iter().enumerate() {
        work.registers().iter().for_each(|&register| last_use[register] = at);
    }
    let mut take = |register: usize, free: &mut Vec<usize>| {
        let itemsize = dtypes[register].itemsize();
        let found = free.iter().rposition(|&slot| itemsizes[slot] == itemsize);
        found.map(|at| free.swap_remove(at)).unwrap_or_else(|| {
            itemsizes.push(itemsize);
            itemsizes.len() - 1
        })
    };
    for (number, slot) in slots.iter_mut().enumerate() {
        // Constants are written once, and stay.
        if is_constant_at(program, number) {
            *slot = take(number, &mut free);
        }
    }
    for (at, work) in work.iter().enumerate() {
        let registers = work.registers();
        for &register in &registers {
            if slots[register] == NONE {
                slots[register] = take(register, &mut free);
            }
        }
        for (n, &register) in registers.iter().enumerate() {
            let is_last = last_use[register] == at && !registers[..n].contains(&register);
            if is_last && !is_constant_at(program, register) {
                free.push(slots[register]);
            }
        }
    }
    // What nobody reads is never touched either.
    slots.iter_mut().filter(|slot| **slot == NONE).for_each(|slot| *slot = 0);
    (slots, itemsizes)
}

/// As [`is_constant`], for registers behind the program's too.
fn is_constant_at(program: &Program, register: usize) -> bool {
    register < program.inputs.len() + program.steps.len() && is_constant(program, register)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::program::Input;
    use crate::kernel::ufunc::Ufunc;

    #[test]
    fn registers_that_nobody_reads_any_more_give_their_memory() {
        // ((((x + x) + x) + x) + x): the input, and two sums at a time.
        let resolved = ufunc::resolve(
            Ufunc::Add,
            &[ufunc::Operand::strong(DType::F64), ufunc::Operand::strong(DType::F64)],
        )
        .unwrap();
        let add = |other: Register| Step::Ufunc {
            ufunc: Ufunc::Add,
            args: SmallVec::from_slice(&[0, other]),
            output: 0,
            resolved: resolved.clone(),
        };
        let axes = SmallVec::from_slice(&[Some(0)]);
        let program = Program {
            ndim: 1,
            inputs: vec![Input { dtype: DType::F64, axes }],
            steps: vec![add(0), add(1), add(2), add(3)],
            result: 4,
        };
        let schedule = Schedule::new(&program, &[4]).unwrap();
        assert_eq!(schedule.element_bytes(), 3 * 8);
        assert_ne!(schedule.slots[3], schedule.slots[4]);
    }
}
