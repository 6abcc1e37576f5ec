//! How computations end that do not end well.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oxidask_core::op::TaskError;
use oxidask_core::value::{CodecError, Encoded, Family, Native, NativeFamily, Payload, Value};
use oxidask_runtime::local::{Failure, Observer, Pool, Run, run};

use crate::graphs::{Builder, compute, mix, op, options, prepared};

#[test]
fn a_failure_names_the_task_and_stops_the_rest() {
    let ran = Arc::new(AtomicUsize::new(0));
    let mut graph = Builder::default();
    let bad = graph.task("bad", op("bad", |_, _| Err(TaskError::raised(std::fmt::Error))), &[]);
    let count = Arc::clone(&ran);
    let after = op("after", move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Value::new(Native(0u64)))
    });
    let after = graph.task("after", after, &[bad]);
    match compute(graph.expand(&[after]), options(2)) {
        Err(Failure::Task { key, error: TaskError::Raised(_) }) => {
            assert_eq!(key.to_string(), "bad")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
}

#[test]
fn a_panic_is_a_failure_and_the_pool_lives_on() {
    let pool = Pool::default();
    for message in ["one", "two"] {
        let mut graph = Builder::default();
        let bad = graph.task("bad", op("bad", move |_, _| panic!("{message}")), &[]);
        let run = prepared(graph.expand(&[bad]), options(2));
        match run::compute(&run, &pool, &mut || true) {
            Err(Failure::Task { error: TaskError::Panicked(text), .. }) => {
                assert_eq!(text, message)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn giving_up_ends_the_wait_while_a_task_still_runs() {
    let mut graph = Builder::default();
    let long = op("long", |_, ctx| {
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Err(TaskError::Cancelled)
    });
    let long = graph.task("long", long, &[]);
    let run = prepared(graph.expand(&[long]), options(1));
    let outcome = run::compute(&run, &Pool::default(), &mut || false);
    assert!(matches!(outcome, Err(Failure::Cancelled)), "{outcome:?}");
}

/// Where a task's surroundings blow up.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Starting,
    Finished,
    Measured,
    Dropped,
}

/// A value or an observer that panics.
struct Bomb(When);

impl Payload for Bomb {
    fn family(&self) -> &'static dyn Family {
        &NativeFamily
    }

    fn nbytes(&self) -> u64 {
        assert_ne!(self.0, When::Measured, "measured");
        1
    }

    fn type_name(&self) -> Cow<'_, str> {
        "bomb".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        Native(()).encode()
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert_ne!(self.0, When::Dropped, "dropped");
    }
}

impl Observer for Bomb {
    fn starting(&self, _: &Run, _: u32, _: usize) -> Result<(), TaskError> {
        assert_ne!(self.0, When::Starting, "starting");
        Ok(())
    }

    fn finished(&self, _: &Run, _: u32, _: &Value, _: usize) -> Result<(), TaskError> {
        assert_ne!(self.0, When::Finished, "finished");
        Ok(())
    }
}

#[test]
fn panics_around_a_task_are_its_failure_too() {
    for (when, culprit) in [
        (When::Starting, "first"),
        (When::Finished, "first"),
        (When::Measured, "first"),
        (When::Dropped, "second"),
    ] {
        let mut graph = Builder::default();
        let first = graph.task("first", op("first", move |_, _| Ok(Value::new(Bomb(when)))), &[]);
        let second = op("second", |_, _| Ok(Value::new(Native(0u64))));
        let second = graph.task("second", second, &[first]);
        let third = graph.task("third", mix(0), &[second]);
        let observer: Option<Box<dyn Observer>> = match when {
            When::Starting | When::Finished => Some(Box::new(Bomb(when))),
            _ => None,
        };
        let run = Run::new(graph.expand(&[third]), Vec::new(), observer, options(2)).unwrap();
        // Who waits in vain gives up in the end.
        let mut patience = 500;
        let outcome = run::compute(&Arc::new(run), &Pool::default(), &mut || {
            patience -= 1;
            patience > 0
        });
        match outcome {
            Err(Failure::Task { key, error: TaskError::Panicked(text) }) => {
                assert_eq!(key.to_string(), culprit, "{when:?}");
                assert!(text.contains(&format!("{when:?}").to_lowercase()), "{text}");
            }
            other => panic!("{when:?}: {other:?}"),
        }
    }
}

#[test]
fn long_native_tasks_let_their_caller_look_around() {
    let mut graph = Builder::default();
    let roots: Vec<_> = (0..40).map(|i| graph.task(&format!("r{i}"), mix(i), &[])).collect();
    // Any task is longer than this slice.
    let mut options = options(1);
    options.slice = std::time::Duration::ZERO;
    let run = prepared(graph.expand(&roots), options);
    let mut n_polls = 0;
    run.work(0, &mut || {
        n_polls += 1;
        true
    });
    assert!(matches!(run.outcome(), Some(Ok(()))));
    assert!(n_polls >= 40, "{n_polls}");
}

#[test]
fn a_value_from_elsewhere_counts_once() {
    let mut graph = Builder::default();
    let roots = [graph.task("a", mix(1), &[]), graph.task("b", mix(2), &[])];
    let run = prepared(graph.expand(&roots), options(1));
    let (first, _) = run.take_for_elsewhere().unwrap().unwrap();
    for number in [7u64, 8] {
        run.finish(first, Value::new(Native(number)));
    }
    assert_eq!((run.n_unfinished(), run.is_over()), (1, false));
    run.cancel();
    assert!(run.take_for_elsewhere().unwrap().is_none());
}
