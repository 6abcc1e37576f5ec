//! Several ops run as one.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::op::{Lane, Op, TaskContext, TaskError};
use crate::value::{Native, Value};

/// Where a step takes an argument from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// The fused task's own input.
    Input(u32),
    /// The value of an earlier step.
    Step(u32),
}

/// One op of a program.
#[derive(Clone)]
pub struct Step {
    /// What it runs.
    pub op: Arc<dyn Op>,
    /// Its arguments, in the op's order.
    pub args: Box<[Operand]>,
}

/// Steps that run one after the other; the last one's value is the program's.
///
/// An input's or a step's value is handed over, to be changed in place or dropped, with its last
/// use.
pub struct Program {
    steps: Vec<Step>,
    /// For each argument of each step, whether nothing reads that value afterwards.
    is_last_use: Vec<Box<[bool]>>,
}

impl Program {
    /// A program of these steps.
    ///
    /// # Panics
    /// If there are no steps, or one reads a later one.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Self {
        assert!(!steps.is_empty(), "a program has at least one step");
        let mut read_later: FxHashSet<Operand> = FxHashSet::default();
        let mut is_last_use = vec![Box::default(); steps.len()];
        for (number, step) in steps.iter().enumerate().rev() {
            let mut last: Box<[bool]> = vec![false; step.args.len()].into();
            for (arg, last) in step.args.iter().zip(&mut last).rev() {
                let earlier = !matches!(*arg, Operand::Step(at) if at as usize >= number);
                assert!(earlier, "a step reads only earlier ones");
                *last = read_later.insert(*arg);
            }
            is_last_use[number] = last;
        }
        Self { steps, is_last_use }
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps of `op`: a program's own, or the op alone with `n_args` inputs.
    #[must_use]
    pub fn steps_of(op: &Arc<dyn Op>, n_args: u32) -> Vec<Step> {
        match op.as_program() {
            Some(program) => program.steps.clone(),
            None => {
                vec![Step { op: Arc::clone(op), args: (0..n_args).map(Operand::Input).collect() }]
            }
        }
    }
}

impl Op for Program {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        let spent = Value::new(Native(()));
        let mut values: Vec<Value> = Vec::with_capacity(self.steps.len());
        let mut args = Vec::new();
        for (step, is_last_use) in self.steps.iter().zip(&self.is_last_use) {
            args.clear();
            for (arg, &last) in step.args.iter().zip(is_last_use) {
                let value = match *arg {
                    Operand::Input(at) => &mut inputs[at as usize],
                    Operand::Step(at) => &mut values[at as usize],
                };
                args.push(if last { mem::replace(value, spent.clone()) } else { value.clone() });
            }
            values.push(step.op.call(&mut args, ctx)?);
        }
        Ok(values.pop().unwrap_or(spent))
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        self.steps.iter().find_map(|step| step.op.lane())
    }

    fn name(&self) -> Cow<'_, str> {
        let names: Vec<_> = self.steps.iter().map(|step| step.op.name()).collect();
        names.join("-").into()
    }

    fn as_program(&self) -> Option<&Program> {
        Some(self)
    }
}

/// Whether ops of these lanes may run as one: they need the same interpreter.
pub(super) fn same_lane(a: &dyn Op, b: &dyn Op) -> bool {
    a.lane().map(Lane::id) == b.lane().map(Lane::id)
}
