//! Delayed calls: right answers on every graph, clear failures, an end to everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oxidask::core::value::Value;
use oxidask::prelude::*;
use oxidask::{Error, Observer, Run, TaskError, observed};
use parking_lot::Mutex;
use proptest::prelude::*;

fn mix(seed: u64, inputs: impl IntoIterator<Item = u64>) -> u64 {
    inputs.into_iter().fold(seed, |sum, x| sum.wrapping_mul(31).wrapping_add(x))
}

/// For each task, how far back its inputs lie, and in which manner it is written.
fn graphs() -> impl Strategy<Value = Vec<(Vec<usize>, u8)>> {
    proptest::collection::vec((proptest::collection::vec(1usize..12, 0..4), 0u8..4), 1..80)
}

/// The same graph, evaluated at once.
fn directly(tasks: &[(Vec<usize>, u8)]) -> Vec<u64> {
    let mut values: Vec<u64> = Vec::new();
    for (i, (back, _)) in tasks.iter().enumerate() {
        let inputs = back.iter().filter_map(|&b| i.checked_sub(b)).map(|at| values[at]);
        values.push(mix(i as u64, inputs.collect::<Vec<_>>()));
    }
    values
}

fn in_tasks(tasks: &[(Vec<usize>, u8)]) -> Vec<Delayed<u64>> {
    let mut made: Vec<Delayed<u64>> = Vec::new();
    for (i, (back, manner)) in tasks.iter().enumerate() {
        let seed = i as u64;
        let inputs: Vec<Delayed<u64>> =
            back.iter().filter_map(|&b| i.checked_sub(b)).map(|at| made[at].clone()).collect();
        made.push(match (inputs.as_slice(), manner) {
            ([], 0) => Delayed::value(seed),
            ([], _) => delayed(move || seed),
            ([one], 0) => one.then(move |&x| mix(seed, [x])),
            ([one, two], 0) => join((one, two)).then(move |(&x, &y)| mix(seed, [x, y])),
            ([one, rest @ ..], 1) => join((one, rest)).then(move |(&x, rest)| {
                mix(seed, std::iter::once(x).chain(rest.into_iter().copied()))
            }),
            (all, 2) => join(all)
                .try_then(move |all| Ok::<_, Error>(mix(seed, all.into_iter().copied())))
                .named("fallible"),
            (all, _) => join(all).then(move |all| mix(seed, all.into_iter().copied())),
        });
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_scheduler_gives_the_answers_of_direct_evaluation(
        tasks in graphs(),
        n_workers in 1usize..5,
    ) {
        let want = directly(&tasks);
        let made = in_tasks(&tasks);
        for scheduler in [Scheduler::threads().n_workers(n_workers), Scheduler::sync()] {
            let got = scheduler.compute(&made).unwrap();
            prop_assert_eq!(got.iter().map(|x| **x).collect::<Vec<_>>(), want.clone());
        }
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_calls_is_computed_and_freed() {
    let mut tip = delayed(|| 0u64);
    for _ in 0..100_000 {
        tip = tip.then(|x| x + 1);
    }
    assert_eq!(*tip.compute().unwrap(), 100_000);
    assert_eq!(*Scheduler::sync().compute(&tip).unwrap(), 100_000);
}

#[test]
fn what_is_shared_runs_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let root = delayed(move || count.fetch_add(1, Ordering::Relaxed));
    let readers: Vec<_> = (0..20).map(|_| root.then(|x| x + 1)).collect();
    let (sum, root) =
        compute((&join(&readers).then(|r| r.into_iter().sum::<usize>()), &root)).unwrap();
    assert_eq!((*sum, *root, calls.load(Ordering::Relaxed)), (20, 0, 1));
}

#[test]
fn a_computed_value_belongs_to_its_caller() {
    let text = delayed(|| "mine".to_owned());
    for scheduler in [Scheduler::threads(), Scheduler::sync()] {
        let got = scheduler.compute((&text, &text)).unwrap();
        assert!(Arc::ptr_eq(&got.0, &got.1), "one task, one value");
        drop(got.1);
        assert_eq!(Arc::into_inner(got.0).as_deref(), Some("mine"));
    }
}

#[derive(Debug, thiserror::Error, PartialEq)]
#[error("no room for {0}")]
struct Full(u32);

#[test]
fn an_error_names_its_task_comes_back_as_it_was_and_stops_its_readers() {
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let bad = try_delayed(|| Err::<u32, _>(Full(3))).with_key("bad");
    let after = bad.then(move |_| count.fetch_add(1, Ordering::Relaxed));
    for scheduler in [Scheduler::threads(), Scheduler::sync()] {
        let error = scheduler.compute(&after).unwrap_err();
        assert_eq!(error.to_string(), "task bad failed: no room for 3");
        assert_eq!(error.cause::<Full>(), Some(&Full(3)));
        assert!(error.cause::<std::fmt::Error>().is_none());
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    let text = try_delayed(|| Err::<(), _>("a text will do")).compute().unwrap_err();
    assert!(text.to_string().ends_with("failed: a text will do"), "{text}");
}

#[test]
fn a_panic_is_a_failure_and_the_threads_live_on() {
    for i in 0..3 {
        let bad = delayed(move || -> u8 { panic!("number {i}") }).with_key("bad");
        match bad.compute().unwrap_err() {
            Error::Task { key, error: TaskError::Panicked(text) } => {
                assert_eq!((key.to_string(), text), ("bad".to_owned(), format!("number {i}")));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(*delayed(|| 1).compute().unwrap(), 1);
}

#[test]
fn a_canceller_ends_computations_before_and_while_they_run() {
    for scheduler in [Scheduler::threads().n_workers(1), Scheduler::sync()] {
        let canceller = Canceller::new();
        let ran = Arc::new(AtomicUsize::new(0));
        let (stop, count) = (canceller.clone(), Arc::clone(&ran));
        let first = delayed(move || stop.cancel());
        let second = first.then(move |()| count.fetch_add(1, Ordering::Relaxed));
        let scheduler = scheduler.cancelled_by(&canceller);
        assert!(matches!(scheduler.compute(&second), Err(Error::Cancelled)));
        assert!(matches!(scheduler.compute(&delayed(|| 1)), Err(Error::Cancelled)));
        assert_eq!(ran.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_dropped_computation_stops() {
    let canceller = Canceller::new();
    let (stop, ran) = (canceller.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&ran);
    let waits = delayed(move || {
        while !stop.is_cancelled() {
            std::thread::yield_now();
        }
    });
    let after = waits.then(move |()| count.fetch_add(1, Ordering::Relaxed));
    let computation = Scheduler::threads().start(&after).unwrap();
    assert_eq!((computation.n_tasks(), computation.n_unfinished()), (2, 2));
    drop((computation, after));
    canceller.cancel();
    // The last one to hold the tasks is the thread that was let go.
    while Arc::strong_count(&ran) > 1 {
        std::thread::yield_now();
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
}

fn square(x: &i64) -> i64 {
    x * x
}

#[test]
fn pure_calls_share_keys_as_their_functions_and_arguments_do() {
    let key = |x: &Delayed<i64>| x.key().to_string();
    let nine = delayed_pure(square, 3);
    assert!(key(&nine).starts_with("square-"));
    assert_eq!(key(&nine), key(&delayed_pure(square, 3)));
    assert_ne!(key(&nine), key(&delayed_pure(square, -3)));
    assert_ne!(key(&nine), key(&delayed_pure(|x: &i64| x * x, 3)));
    assert_eq!(key(&nine.then_pure(square)), key(&delayed_pure(square, 3).then_pure(square)));
    let sum = |x: &Delayed<i64>, y: &Delayed<i64>| join((x, y)).then_pure(|(x, y)| x - y);
    let four = delayed_pure(square, 2);
    assert_eq!(key(&sum(&nine, &four)), key(&sum(&nine, &four)));
    assert_ne!(key(&sum(&nine, &four)), key(&sum(&four, &nine)));
    assert_eq!(*sum(&nine, &four).compute().unwrap(), 5);
    assert_ne!(key(&delayed(|| 1)), key(&delayed(|| 1)));
}

#[test]
fn persisted_values_are_not_computed_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let parts: Vec<_> = (0..4u64)
        .map(|i| {
            let count = Arc::clone(&count);
            delayed(move || {
                count.fetch_add(1, Ordering::Relaxed);
                i
            })
        })
        .collect();
    let one = Delayed::value("one");
    let (kept, one) = persist((&parts, &one)).unwrap();
    assert_eq!(kept[2].key(), parts[2].key());
    let total =
        join((&kept, &one)).then(|(kept, one)| kept.into_iter().sum::<u64>() + one.len() as u64);
    assert_eq!((*total.compute().unwrap(), *total.compute().unwrap()), (9, 9));
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}

#[test]
fn values_of_two_types_under_one_key_are_refused() {
    let (a, b) = (delayed(|| 1u8).with_key("x"), delayed(|| "text").with_key("x"));
    let error = join((&a, &b)).then(|(a, b)| usize::from(*a) + b.len()).compute().unwrap_err();
    assert!(error.to_string().contains("one key"), "{error}");
    assert!(compute((&a, &b)).unwrap_err().to_string().contains("u8"));
}

/// Writes down what happens, in lines that it shares with its test.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Observer for Diary {
    fn starting(&self, run: &Run, task: u32, _: usize) -> Result<(), TaskError> {
        self.0.lock().push(format!("start {}", run.graph().key(task)));
        Ok(())
    }

    fn finished(&self, run: &Run, task: u32, value: &Value, _: usize) -> Result<(), TaskError> {
        let value = observed::<i32>(value).copied();
        self.0.lock().push(format!("end {} {value:?}", run.graph().key(task)));
        assert!(value != Some(13), "unlucky");
        Ok(())
    }
}

#[test]
fn observers_see_every_task_and_may_end_the_computation() {
    let diary = Diary::default();
    let lines = || std::mem::take(&mut *diary.0.lock());
    for scheduler in [Scheduler::threads(), Scheduler::sync()] {
        let scheduler = scheduler.observed_by(diary.clone());
        let a = delayed(|| 1).with_key("a");
        scheduler.compute(&a.then(|x| x + 1).with_key("b")).unwrap();
        assert_eq!(lines(), ["start a", "end a Some(1)", "start b", "end b Some(2)"]);
        let unlucky = scheduler.compute(&a.then(|x| x + 12)).unwrap_err();
        assert!(unlucky.to_string().contains("observer panicked"), "{unlucky}");
        lines();
    }
}

#[test]
fn a_task_may_compute() {
    let outer: Vec<_> = (0..8u64)
        .map(|i| {
            delayed(move || {
                *join(&[delayed(move || i), delayed(|| 1)])
                    .then(|both| both.into_iter().sum::<u64>())
                    .compute()
                    .unwrap()
            })
        })
        .collect();
    let got = compute(&outer).unwrap();
    assert_eq!(got.iter().map(|x| **x).collect::<Vec<_>>(), (1..9).collect::<Vec<_>>());
}

#[test]
fn nothing_to_compute_is_an_answer() {
    assert!(compute(&Vec::<Delayed<u8>>::new()).unwrap().is_empty());
    assert_eq!(*join(&[] as &[Delayed<u8>]).then(|none| none.len()).compute().unwrap(), 0);
}
