//! Random users and a plain scheduler at the two ends of slow streams.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use oxidask_core::key::Key;
use oxidask_sched::client::{Action, Client, ClientConfig, Event, FutureState, Settlement};
use oxidask_sched::ids::Time;
use oxidask_sched::message::{FromClient, ToClient};
use proptest::prelude::*;

use crate::driver::{failed, key, keys, ready, submission};

const N_KEYS: u32 = 6;
/// Those below are held by somebody else too.
const N_SHARED: u32 = 2;

#[derive(Clone, Debug)]
enum Step {
    Submit(Vec<u32>),
    Want(Vec<u32>),
    Release(Vec<u32>),
    Cancel(Vec<u32>),
    Retry(Vec<u32>),
    /// The scheduler takes so many messages.
    Up(u8),
    /// The client takes so many messages.
    Down(u8),
    Finish(u32),
    Fail(u32),
    Lose(u32),
    /// Somebody else cancels a task.
    CancelElsewhere(u32),
    NewEpoch,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = 0..N_KEYS;
    let some = prop::collection::vec(one.clone(), 1..4);
    let step = prop_oneof![
        4 => some.clone().prop_map(Step::Submit),
        2 => some.clone().prop_map(Step::Want),
        4 => some.clone().prop_map(Step::Release),
        2 => some.clone().prop_map(Step::Cancel),
        1 => some.prop_map(Step::Retry),
        6 => (1..5_u8).prop_map(Step::Up),
        6 => (1..5_u8).prop_map(Step::Down),
        4 => one.clone().prop_map(Step::Finish),
        2 => one.clone().prop_map(Step::Fail),
        1 => one.clone().prop_map(Step::Lose),
        1 => one.prop_map(Step::CancelElsewhere),
        1 => Just(Step::NewEpoch),
    ];
    prop::collection::vec(step, 0..80)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Task {
    Open,
    Done,
    Failed,
}

/// A scheduler that runs nothing: tasks end when a step says so.
#[derive(Default)]
struct Plain {
    tasks: BTreeMap<u32, Task>,
    wanted: BTreeSet<u32>,
}

struct World {
    client: Client,
    plain: Plain,
    up: VecDeque<FromClient>,
    down: VecDeque<ToClient>,
    /// What users have, and what they last heard.
    n_held: BTreeMap<u32, u32>,
    heard: BTreeMap<u32, FutureState>,
}

fn number(key: &Key) -> u32 {
    (0..N_KEYS).find(|&i| crate::driver::key(i) == *key).expect("one of ours")
}

impl Plain {
    fn take(&mut self, message: FromClient, out: &mut VecDeque<ToClient>) {
        match message {
            FromClient::Submit(submission) => {
                for task in submission.tasks.iter().filter(|task| task.wanted) {
                    let i = number(&task.key);
                    self.tasks.entry(i).or_insert(Task::Open);
                    self.want(i, out);
                }
            }
            FromClient::Want(keys) => keys.iter().for_each(|key| self.want(number(key), out)),
            FromClient::Release(keys) => keys.iter().for_each(|key| self.unwant(number(key))),
            FromClient::Cancel { keys, .. } => {
                for key in keys {
                    self.cancel(number(&key), out);
                }
            }
            FromClient::Retry(keys) => {
                for i in keys.iter().map(number) {
                    if self.tasks.get(&i) == Some(&Task::Failed) {
                        self.set(i, Task::Open, out);
                    }
                }
            }
            FromClient::Locate { request, keys } => {
                let places = keys.iter().map(|_| None).collect();
                out.push_back(ToClient::Located { request, places });
            }
            other => panic!("{other:?}"),
        }
    }

    fn want(&mut self, i: u32, out: &mut VecDeque<ToClient>) {
        if !self.tasks.contains_key(&i) {
            out.push_back(ToClient::Cancelled(key(i)));
            return;
        }
        self.wanted.insert(i);
        self.tell(i, out);
    }

    fn tell(&self, i: u32, out: &mut VecDeque<ToClient>) {
        if self.wanted.contains(&i) {
            match self.tasks[&i] {
                Task::Open => {}
                Task::Done => out.push_back(ready(i)),
                Task::Failed => out.push_back(failed(i)),
            }
        }
    }

    fn unwant(&mut self, i: u32) {
        if self.wanted.remove(&i) && i >= N_SHARED {
            self.tasks.remove(&i);
        }
    }

    fn cancel(&mut self, i: u32, out: &mut VecDeque<ToClient>) {
        if self.wanted.contains(&i) {
            out.push_back(ToClient::Cancelled(key(i)));
            self.unwant(i);
        }
    }

    fn set(&mut self, i: u32, to: Task, out: &mut VecDeque<ToClient>) {
        let Some(task) = self.tasks.get_mut(&i) else { return };
        let before = std::mem::replace(task, to);
        if to == Task::Open && before != Task::Open && self.wanted.contains(&i) {
            out.push_back(ToClient::Lost(key(i)));
        }
        if before == Task::Open {
            self.tell(i, out);
        }
    }
}

impl World {
    fn new() -> Self {
        let config = ClientConfig { resubmits: true, max_silent: 3, ..ClientConfig::default() };
        let mut plain = Plain::default();
        (0..N_SHARED).for_each(|i| _ = plain.tasks.insert(i, Task::Open));
        Self {
            client: Client::new(config),
            plain,
            up: VecDeque::new(),
            down: VecDeque::new(),
            n_held: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Submit(mut tasks) => {
                tasks.sort_unstable();
                tasks.dedup();
                self.hold(&tasks);
                self.handle(Event::Submit(submission(0, &tasks)));
            }
            Step::Want(tasks) => {
                self.hold(&tasks);
                self.handle(Event::Want(keys(&tasks)));
            }
            Step::Release(mut tasks) => {
                tasks.retain(|i| {
                    let n = self.n_held.entry(*i).or_default();
                    let had = *n > 0;
                    *n -= u32::from(had);
                    if *n == 0 {
                        self.heard.remove(i);
                    }
                    had
                });
                self.handle(Event::Release(keys(&tasks)));
            }
            Step::Cancel(tasks) => {
                self.handle(Event::Cancel { keys: keys(&tasks), force: false });
            }
            Step::Retry(tasks) => {
                for i in &tasks {
                    if self.heard.get(i) == Some(&FutureState::Error) {
                        self.heard.insert(*i, FutureState::Pending);
                    }
                }
                self.handle(Event::Retry(keys(&tasks)));
            }
            Step::Up(n) => {
                for message in self.up.drain(..self.up.len().min(n.into())) {
                    self.plain.take(message, &mut self.down);
                }
            }
            Step::Down(n) => {
                for _ in 0..n {
                    let Some(message) = self.down.pop_front() else { break };
                    self.handle(Event::Scheduler(message));
                }
            }
            Step::Finish(i) => self.end(i, Task::Done),
            Step::Fail(i) => self.end(i, Task::Failed),
            Step::Lose(i) => {
                if self.plain.tasks.get(&i) == Some(&Task::Done) {
                    self.plain.set(i, Task::Open, &mut self.down);
                }
            }
            Step::CancelElsewhere(i) => self.plain.cancel(i, &mut self.down),
            Step::NewEpoch => {
                // What it has taken in it has written down, but for who wants what.
                self.up.clear();
                self.down.clear();
                self.plain.wanted.clear();
                self.handle(Event::NewEpoch);
            }
        }
    }

    fn hold(&mut self, tasks: &[u32]) {
        for &i in tasks {
            *self.n_held.entry(i).or_default() += 1;
            let heard = self.heard.entry(i).or_insert(FutureState::Pending);
            if *heard == FutureState::Cancelled {
                *heard = FutureState::Pending;
            }
        }
    }

    fn end(&mut self, i: u32, to: Task) {
        if self.plain.tasks.get(&i) == Some(&Task::Open) {
            self.plain.set(i, to, &mut self.down);
        }
    }

    fn handle(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.client.handle(Time(0), event, &mut actions);
        assert_eq!(self.client.check_invariants(), Ok(()));
        for action in actions {
            let (i, state) = match action {
                Action::Scheduler(message) => {
                    self.up.push_back(message);
                    continue;
                }
                Action::Settled { key, settlement } => match settlement {
                    Settlement::Finished { .. } => (number(&key), FutureState::Finished),
                    Settlement::Failed(_) => (number(&key), FutureState::Error),
                    Settlement::Cancelled => (number(&key), FutureState::Cancelled),
                },
                Action::Lost(key) => (number(&key), FutureState::Lost),
                Action::Located { .. }
                | Action::Peer { .. }
                | Action::Answer { .. }
                | Action::Push { .. } => unreachable!("nobody asks"),
            };
            let before = self.heard.insert(i, state);
            assert!(before.is_some(), "news of key {i}, which nobody has");
            assert_ne!(before, Some(state), "key {i} is {state:?} twice");
        }
        for i in 0..N_KEYS {
            let n_held = self.n_held.get(&i).copied().unwrap_or(0);
            assert_eq!(self.client.n_held(&key(i)), n_held);
            assert_eq!(self.client.state_of(&key(i)), self.heard.get(&i).copied());
        }
    }

    /// Lets all messages arrive and all tasks end: then both ends must agree.
    fn settle(&mut self) {
        while !self.up.is_empty() || !self.down.is_empty() {
            self.take(Step::Up(u8::MAX));
            self.take(Step::Down(u8::MAX));
        }
        (0..N_KEYS).for_each(|i| self.take(Step::Finish(i)));
        while let Some(message) = self.down.pop_front() {
            self.handle(Event::Scheduler(message));
        }
        assert_eq!(self.up.len(), 0);
        for (i, state) in &self.heard {
            let at_scheduler =
                if self.plain.wanted.contains(i) { self.plain.tasks.get(i) } else { None };
            let expected = match at_scheduler {
                Some(Task::Done) => FutureState::Finished,
                Some(Task::Failed) => FutureState::Error,
                Some(Task::Open) => FutureState::Pending,
                None => FutureState::Cancelled,
            };
            assert_eq!(*state, expected, "key {i}");
        }
        let unheld = self.plain.wanted.iter().find(|i| !self.heard.contains_key(i));
        assert_eq!(unheld, None, "held at the scheduler, and by no user");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn both_ends_agree_when_all_is_said(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.settle();
    }
}
