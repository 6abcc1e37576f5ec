//! Every interleaving of the local scheduler's hand-written synchronisation that loom can find.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p oxidask-runtime --release --test loom`
//!
//! The code is the real one: `crate::sync` gives it loom's locks and atomics. A lost wake-up shows
//! as a deadlock, because no wait ends by its time limit here. The number of preemptions of a run is
//! bounded, as loom's authors advise; `LOOM_MAX_PREEMPTIONS` overrides the bound.

#![cfg(loom)]

use std::sync::atomic::{AtomicUsize as Count, Ordering};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use oxidask_core::graph::{Graph, TaskGraph, TaskRef};
use oxidask_core::layer::TaskSpec;
use oxidask_core::op::{Function, Op};
use oxidask_core::value::{Native, Value};
use oxidask_runtime::local::frontier::{Class, Frontier};
use oxidask_runtime::local::{Failure, Pool, Run, RunOptions};
use oxidask_runtime::store::Budget;

/// Checks `model` in every interleaving of at most so many preemptions.
fn check(n_preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(n_preemptions);
    builder.max_branches = 100_000;
    builder.check(model);
}

fn sum() -> Arc<dyn Op> {
    Arc::new(Function::new("sum", |inputs: &mut [Value], _: &_| {
        Ok(Value::new(Native(1 + inputs.iter().map(number).sum::<u64>())))
    }))
}

fn number(value: &Value) -> u64 {
    value.downcast_ref::<Native<u64>>().expect("a number").0
}

/// The graph whose task `i` reads the tasks `inputs[i]` and adds one; the last is the output.
fn graph(inputs: &[&[u32]], op: &Arc<dyn Op>) -> TaskGraph {
    let mut graph = Graph::new();
    let task = |block: u32| TaskRef { layer: 0, block };
    for (i, inputs) in inputs.iter().enumerate() {
        let inputs = inputs.iter().map(|&block| task(block)).collect();
        graph.push_task(TaskSpec { key: (*i.to_string()).into(), op: Arc::clone(op), inputs });
    }
    Arc::new(graph).expand(&[task(inputs.len() as u32 - 1)]).expect("a whole graph")
}

/// One task, then two, then one that reads both.
const DIAMOND: [&[u32]; 4] = [&[], &[0], &[0], &[1, 2]];

/// Two roots and a reader of both.
const PAIR: [&[u32]; 3] = [&[], &[], &[0, 1]];

/// Workers that do nothing but take tasks: each task is taken once, and nobody sleeps for ever.
fn frontier_runs(inputs: &'static [&'static [u32]], n_workers: usize, n_preemptions: usize) {
    let tasks = Arc::new(graph(inputs, &sum()));
    let tasks = {
        let order = tasks.order().expect("no cycle");
        Arc::new(Arc::into_inner(tasks).expect("the only handle").renumbered(&order))
    };
    check(n_preemptions, move || {
        let frontier = Arc::new(Frontier::new(&tasks, n_workers, |_| false));
        let n_left = Arc::new(AtomicUsize::new(tasks.len()));
        let is_over = Arc::new(AtomicBool::new(false));
        let taken: Arc<Vec<Count>> = Arc::new((0..tasks.len()).map(|_| Count::new(0)).collect());
        let work = |worker: usize| {
            let (frontier, tasks, taken) =
                (Arc::clone(&frontier), Arc::clone(&tasks), Arc::clone(&taken));
            let (n_left, is_over) = (Arc::clone(&n_left), Arc::clone(&is_over));
            move || {
                while !is_over.load(Ordering::Acquire) {
                    let Some(task) = frontier.take(worker, Class::Native) else {
                        frontier.sleep_while(Duration::from_secs(1), || {
                            !is_over.load(Ordering::Acquire)
                                && frontier.best_class(worker).is_none()
                        });
                        continue;
                    };
                    taken[task as usize].fetch_add(1, Ordering::Relaxed);
                    frontier.finished(worker, tasks.dag().users.row(task));
                    if n_left.fetch_sub(1, Ordering::AcqRel) == 1 {
                        is_over.store(true, Ordering::Release);
                        frontier.wake_all();
                    }
                }
            }
        };
        let others: Vec<_> = (1..n_workers).map(|worker| thread::spawn(work(worker))).collect();
        work(0)();
        others.into_iter().for_each(|other| other.join().expect("no panic"));
        assert!(taken.iter().all(|n| n.load(Ordering::Relaxed) == 1));
    });
}

#[test]
fn two_workers_share_a_diamond() {
    frontier_runs(&DIAMOND, 2, 5);
}

#[test]
fn two_workers_share_roots() {
    frontier_runs(&PAIR, 2, 5);
}

#[test]
fn three_workers_share_a_diamond() {
    frontier_runs(&DIAMOND, 3, 2);
}

/// Of two tasks that become ready at once each is in another worker's hands at the same time: the one
/// who made them ready goes on with one of them and wakes a sleeper for the other.
#[test]
fn a_sleeper_is_woken_for_the_second_task() {
    let tasks = graph(&DIAMOND, &sum());
    let order = tasks.order().expect("no cycle");
    let tasks = Arc::new(tasks.renumbered(&order));
    check(5, move || {
        let frontier = Arc::new(Frontier::new(&tasks, 2, |_| false));
        let met = Arc::new((Mutex::new(0), Condvar::new()));
        let work = |worker: usize| {
            let (frontier, tasks, met) =
                (Arc::clone(&frontier), Arc::clone(&tasks), Arc::clone(&met));
            move || {
                loop {
                    match frontier.take(worker, Class::Native) {
                        Some(0) => frontier.finished(worker, tasks.dag().users.row(0)),
                        Some(_) => break,
                        None => frontier.sleep_while(Duration::from_secs(1), || {
                            frontier.best_class(worker).is_none()
                        }),
                    }
                }
                let (n_here, changed) = &*met;
                let mut n_here = n_here.lock().expect("no panic");
                *n_here += 1;
                changed.notify_all();
                while *n_here < 2 {
                    n_here = changed.wait(n_here).expect("no panic");
                }
            }
        };
        let other = thread::spawn(work(1));
        work(0)();
        other.join().expect("no panic");
    });
}

fn unbounded(n_workers: usize) -> RunOptions {
    let budget = Budget { memory_bytes: u64::MAX, ..Budget::default() };
    // No clock decides anything.
    RunOptions { n_workers, budget, slice: Duration::MAX }
}

/// A whole run: the workers' loop, values moved to their last reader, the end that wakes the waiter.
fn run_gives(inputs: &'static [&'static [u32]], want: u64, n_preemptions: usize) {
    let op = sum();
    check(n_preemptions, move || {
        let run = Run::new(graph(inputs, &op), Vec::new(), None, unbounded(2)).expect("no cycle");
        let run = Arc::new(run);
        let others: Vec<_> = (0..2)
            .map(|worker| {
                let run = Arc::clone(&run);
                thread::spawn(move || run.work(worker, &mut || true))
            })
            .collect();
        run.wait(Duration::from_secs(1), &mut || true).expect("no task fails");
        assert_eq!(number(&run.values().expect("a value")[0]), want);
        others.into_iter().for_each(|other| other.join().expect("no panic"));
    });
}

#[test]
fn a_run_of_roots_ends() {
    run_gives(&PAIR, 3, 3);
}

#[test]
fn a_run_of_a_diamond_ends() {
    run_gives(&DIAMOND, 5, 3);
}

/// Whoever cancels finds the workers asleep, at work or about to be either: they all leave.
#[test]
fn a_cancelled_run_lets_its_workers_go() {
    let op: Arc<dyn Op> = Arc::new(Function::new("op", |_: &mut [Value], _: &_| {
        thread::yield_now();
        Ok(Value::new(Native(1u64)))
    }));
    check(4, move || {
        let run = Run::new(graph(&PAIR, &op), Vec::new(), None, unbounded(2)).expect("no cycle");
        let run = Arc::new(run);
        let others: Vec<_> = (0..2)
            .map(|worker| {
                let run = Arc::clone(&run);
                thread::spawn(move || run.work(worker, &mut || true))
            })
            .collect();
        thread::yield_now();
        run.cancel();
        let outcome = run.wait(Duration::from_secs(1), &mut || true);
        assert!(matches!(outcome, Ok(()) | Err(Failure::Cancelled)), "{outcome:?}");
        others.into_iter().for_each(|other| other.join().expect("no panic"));
    });
}

/// Threads that give up their seats as soon as they sit, while jobs come in: every job is done once,
/// and no thread stays.
#[test]
fn a_seat_that_is_given_up_takes_no_job_with_it() {
    check(5, || {
        let threads: Arc<StdMutex<Vec<thread::JoinHandle<()>>>> = Arc::default();
        let spawn = {
            let threads = Arc::clone(&threads);
            Box::new(move |body: oxidask_runtime::local::pool::Job| {
                let thread = thread::spawn(body);
                threads.lock().expect("no panic").push(thread);
                Ok(())
            })
        };
        let pool = Pool::new(spawn, Duration::ZERO);
        let n_done = Arc::new(Count::new(0));
        for _ in 0..2 {
            let n_done = Arc::clone(&n_done);
            let job = Box::new(move || {
                n_done.fetch_add(1, Ordering::Relaxed);
            });
            pool.serve(job).expect("a thread");
            thread::yield_now();
        }
        loop {
            let Some(thread) = threads.lock().expect("no panic").pop() else { break };
            thread.join().expect("no panic");
        }
        assert_eq!((n_done.load(Ordering::Relaxed), pool.n_idle()), (2, 0));
    });
}
