//! The state of a half-built order: what has run, what is alive, and what runs by itself.
//!
//! A task is *waiting* while inputs are missing, *ready* when none is, *done* once in the
//! sequence. Becoming ready, or becoming the last user of an input, may put it in one of two queues
//! (entries are never taken out early; one that is done when its turn comes is skipped):
//!
//! | queue | holds ready tasks that | served |
//! |---|---|---|
//! | `flush` | free two inputs or more | before [`Walk::run`] returns |
//! | `idle` | free one, or are outputs (but see [`Spare`]) | when the descent asks |
//!
//! `nearby` holds waiting tasks that got an input, by how many they still miss. Its entries go
//! stale when another input arrives, and each arrival adds an entry, so it is linear in edges.

use crate::dag::Dag;

use super::chain::Chains;

/// Marks a task that has run, in place of its count of missing inputs.
const DONE: u32 = u32::MAX;

/// Tasks that miss as many inputs or more are not nearby to anything.
const NEARBY: usize = u64::BITS as usize;

/// When ready tasks run that gain nothing by themselves: they free just one input, or none and
/// are outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spare {
    /// What frees one input runs at once; outputs before something new is loaded.
    Now,
    /// Before something new is loaded.
    Soon,
    /// What frees one input before something new is loaded; outputs when asked for as sinks.
    Late,
}

#[derive(Debug, Clone, Copy)]
struct Task {
    /// Inputs that have not run, or [`DONE`].
    missing: u32,
    /// Users that have not run.
    users_left: u32,
    /// Exclusive or of the users that have not run: when one is left, this names it.
    users_xor: u32,
    /// Inputs whose last user this is, that is what its run will free.
    frees: u32,
}

/// What an order costs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// Values alive at the worst moment.
    pub(super) peak: u64,
    /// The same without outputs, which stay whatever the order.
    pub(super) passing_peak: u64,
    /// Values alive that are no outputs, summed over all steps.
    pub(super) passing_sum: u64,
}

impl Cost {
    /// Whether this is better. Beside the peak, only what is clearly better counts.
    pub(super) fn beats(&self, other: &Self) -> bool {
        let holds_less = self.passing_peak * 10 < other.passing_peak * 9;
        let holds_shorter = self.passing_peak <= other.passing_peak
            && self.passing_sum < other.passing_sum - other.passing_sum / 4;
        self.peak < other.peak || self.peak == other.peak && (holds_less || holds_shorter)
    }
}

/// Every task before anything has run: made once, copied for every walk.
#[derive(Debug)]
pub(super) struct Start<'a> {
    chains: &'a Chains,
    tasks: Vec<Task>,
}

impl<'a> Start<'a> {
    pub(super) fn new(chains: &'a Chains) -> Self {
        let dag = &chains.dag;
        let mut tasks: Vec<Task> = (0..dag.len() as u32)
            .map(|task| Task {
                missing: dag.inputs.row(task).len() as u32,
                users_left: dag.users.row(task).len() as u32,
                users_xor: dag.users.row(task).iter().fold(0, |all, user| all ^ user),
                frees: 0,
            })
            .collect();
        for task in 0..tasks.len() {
            if let Task { users_left: 1, users_xor: user, .. } = tasks[task] {
                tasks[user as usize].frees += 1;
            }
        }
        Self { chains, tasks }
    }
}

/// An order under construction.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    chains: &'a Chains,
    dag: &'a Dag,
    tasks: Vec<Task>,
    sequence: Vec<u32>,
    alive: u64,
    n_outputs: u64,
    cost: Cost,
    spare: Spare,
    /// A peak above this is of no interest.
    limit: u64,
    flush: Vec<u32>,
    idle: Vec<u32>,
    nearby: Vec<Vec<u32>>,
    /// One bit for each bucket of `nearby` that may hold something.
    occupied: u64,
}

impl<'a> Walk<'a> {
    /// Nothing has run yet; a walk whose peak exceeds `limit` gives up.
    pub(super) fn new(start: &Start<'a>, spare: Spare, limit: u64) -> Self {
        Self {
            chains: start.chains,
            dag: &start.chains.dag,
            tasks: start.tasks.clone(),
            sequence: Vec::with_capacity(start.tasks.len()),
            alive: 0,
            n_outputs: 0,
            cost: Cost { peak: 0, passing_peak: 0, passing_sum: 0 },
            spare,
            limit,
            flush: Vec::new(),
            idle: Vec::new(),
            nearby: vec![Vec::new(); NEARBY],
            occupied: 0,
        }
    }

    /// Whether this walk has become worse than what is known.
    #[inline]
    pub(super) fn gave_up(&self) -> bool {
        self.cost.peak > self.limit
    }

    #[inline]
    pub(super) fn is_done(&self, task: u32) -> bool {
        self.missing(task) == DONE
    }

    /// How many inputs of `task` have not run; meaningless once it is done.
    #[inline]
    pub(super) fn missing(&self, task: u32) -> u32 {
        self.tasks[task as usize].missing
    }

    /// The cost and the sequence, if all tasks have run.
    pub(super) fn finish(self) -> Option<(Cost, Vec<u32>)> {
        (!self.gave_up() && self.sequence.len() == self.tasks.len())
            .then_some((self.cost, self.sequence))
    }

    /// Runs the ready `task`, then everything that frees two inputs or more.
    pub(super) fn run(&mut self, task: u32) {
        self.flush.push(task);
        while let Some(task) = self.flush.pop() {
            if !self.is_done(task) {
                self.step(task);
            }
        }
    }

    /// Runs one of the ready tasks that leave no more alive than they found; false if none.
    pub(super) fn run_idle(&mut self) -> bool {
        while let Some(task) = self.idle.pop() {
            if !self.is_done(task) {
                self.run(task);
                return true;
            }
        }
        false
    }

    /// The last touched of the waiting tasks that miss fewest inputs, fewer than `missing`.
    pub(super) fn take_nearby(&mut self, missing: u32) -> Option<u32> {
        loop {
            let fewest = self.occupied.trailing_zeros();
            if fewest >= missing.min(u64::BITS) {
                return None;
            }
            let bucket = &mut self.nearby[fewest as usize];
            while let Some(task) = bucket.pop() {
                if self.tasks[task as usize].missing == fewest {
                    return Some(task);
                }
            }
            self.occupied &= !(1 << fewest);
        }
    }

    fn step(&mut self, task: u32) {
        let dag = self.dag;
        self.tasks[task as usize].missing = DONE;
        self.sequence.push(task);
        self.alive += 1;
        self.note_peak(self.alive);
        for &input in dag.inputs.row(task) {
            let Task { users_left, users_xor, .. } = &mut self.tasks[input as usize];
            *users_left -= 1;
            *users_xor ^= task;
            match *users_left {
                0 => self.alive -= 1,
                1 => {
                    let last_user = *users_xor;
                    self.tasks[last_user as usize].frees += 1;
                    self.enqueue(last_user);
                }
                _ => {}
            }
        }
        if self.chains.members.row(task).len() > 1 {
            // Within a chain, two of its own values are alive once its inputs have gone.
            self.note_peak(self.alive + 1);
        }
        self.n_outputs += u64::from(dag.users.row(task).is_empty());
        self.cost.passing_sum += self.alive - self.n_outputs;
        for &user in dag.users.row(task) {
            self.tasks[user as usize].missing -= 1;
            if self.enqueue(user) {
                continue;
            }
            let missing = self.missing(user) as usize;
            if let Some(bucket) = self.nearby.get_mut(missing) {
                bucket.push(user);
                self.occupied |= 1 << missing;
            }
        }
    }

    fn note_peak(&mut self, alive: u64) {
        self.cost.peak = self.cost.peak.max(alive);
        self.cost.passing_peak = self.cost.passing_peak.max(alive - self.n_outputs);
    }

    /// Queues `task` if it is ready and worth running without being asked for.
    fn enqueue(&mut self, task: u32) -> bool {
        let Task { missing, frees, users_left, .. } = self.tasks[task as usize];
        let is_output = users_left == 0;
        if missing != 0 {
            return false;
        }
        match (frees, self.spare) {
            (0, Spare::Now | Spare::Soon) if is_output => self.idle.push(task),
            (0, _) => return false,
            (1, Spare::Soon | Spare::Late) => self.idle.push(task),
            _ => self.flush.push(task),
        }
        true
    }
}
