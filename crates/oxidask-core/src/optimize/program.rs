//! Several ops run as one.

use std::borrow::Cow;
use std::sync::Arc;

use crate::op::{Lane, Op, TaskContext, TaskError};
use crate::value::Value;

/// Where a step takes an argument from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
/// A step's value is dropped, or handed over to be changed in place, with its last use.
pub struct Program {
    steps: Vec<Step>,
    /// For each step the last step that reads it.
    last_use: Vec<u32>,
    /// Index of the last step that reads each input.
    input_last_use: Vec<u32>,
}

impl Program {
    /// A program of these steps.
    ///
    /// # Panics
    /// If there are no steps, or one reads a later one.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Self {
        assert!(!steps.is_empty(), "a program has at least one step");
        let mut last_use = vec![0; steps.len()];
        let mut input_last_use = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            for arg in &step.args {
                match *arg {
                    Operand::Step(earlier) => {
                        assert!((earlier as usize) < number, "a step reads only earlier ones");
                        last_use[earlier as usize] = number as u32;
                    }
                    Operand::Input(input) => {
                        if input_last_use.len() <= input as usize {
                            input_last_use.resize(input as usize + 1, 0);
                        }
                        input_last_use[input as usize] = number as u32;
                    }
                }
            }
        }
        Self { steps, last_use, input_last_use }
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
        let mut inputs: Vec<Option<Value>> = inputs.iter().cloned().map(Some).collect();
        let mut values: Vec<Option<Value>> = vec![None; self.steps.len()];
        let mut args = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            args.clear();
            for (at, arg) in step.args.iter().enumerate() {
                let again = step.args[at + 1..].contains(arg);
                let (slot, last_use) = match *arg {
                    Operand::Input(i) => (&mut inputs[i as usize], self.input_last_use[i as usize]),
                    Operand::Step(i) => (&mut values[i as usize], self.last_use[i as usize]),
                };
                let last = last_use as usize == number && !again;
                let value = if last { slot.take() } else { slot.clone() };
                args.extend(value);
            }
            debug_assert_eq!(args.len(), step.args.len());
            values[number] = Some(step.op.call(&mut args, ctx)?);
        }
        values.pop().flatten().ok_or(TaskError::Cancelled)
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
