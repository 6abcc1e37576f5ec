//! What the simulated tasks do, and what running them one after the other gives.

use oxidask_core::key::Key;

/// A task's program.
#[derive(Clone, Default, Debug)]
pub(super) struct Program {
    /// The tasks whose values it takes, in order.
    pub(super) inputs: Vec<usize>,
    /// Raises each time.
    pub(super) raises: bool,
    /// Raises the first so many times.
    pub(super) raises_first: u32,
    /// Further attempts that it has.
    pub(super) retries: u32,
    /// Attempts may take too long, which uses those up.
    pub(super) has_timeout: bool,
}

/// All tasks ever submitted: number `n` is called `f<n>`.
#[derive(Default, Debug)]
pub(super) struct Programs(Vec<Program>);

/// What a future must come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    Value(u64),
    /// It, or something that it reads, raises.
    Failure,
    /// It raises at first, and has a value if a user retries it.
    Either(u64),
}

impl Programs {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, program: Program) {
        self.0.push(program);
    }

    pub(super) fn get(&self, number: usize) -> &Program {
        &self.0[number]
    }

    /// What the task makes of its inputs' values.
    pub(super) fn value(&self, number: usize, inputs: &[u64]) -> u64 {
        let mut hash = number as u64 + 1;
        for input in inputs {
            hash = (hash.rotate_left(13) ^ input).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        hash
    }

    /// The sequential model: what the task must come to.
    pub(super) fn expected(&self) -> Vec<Expected> {
        let mut expected: Vec<Expected> = Vec::with_capacity(self.0.len());
        for (number, program) in self.0.iter().enumerate() {
            let mut inputs = Vec::with_capacity(program.inputs.len());
            let used_up = program.has_timeout && program.raises_first > 0;
            let mut certain = program.raises_first <= program.retries && !used_up;
            let mut fails = program.raises;
            for &input in &program.inputs {
                match expected[input] {
                    Expected::Failure => fails = true,
                    Expected::Value(value) => inputs.push(value),
                    Expected::Either(value) => {
                        inputs.push(value);
                        certain = false;
                    }
                }
            }
            let value = self.value(number, &inputs);
            expected.push(match (fails, certain) {
                (true, _) => Expected::Failure,
                (false, true) => Expected::Value(value),
                (false, false) => Expected::Either(value),
            });
        }
        expected
    }
}

/// The name of a task.
pub(super) fn key(number: usize) -> Key {
    Key::from(format!("f{number}").as_str())
}

/// The task of a name.
pub(super) fn number(key: &Key) -> Option<usize> {
    key.to_string().strip_prefix('f')?.parse().ok()
}
