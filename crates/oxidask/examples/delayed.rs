//! Functions put off, brought together and computed in parallel, with errors and progress.
//!
//! `cargo run --release -p oxidask --example delayed`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oxidask::core::value::Value;
use oxidask::prelude::*;
use oxidask::{Error, Observer, Run, TaskError};

/// Stands for a file that is slow to read.
fn load(month: &u32) -> Vec<f64> {
    (0..1000).map(|day| f64::from(month * 1000 + day)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Counts finished tasks; a progress bar would draw here.
struct Progress(Arc<AtomicUsize>);

impl Observer for Progress {
    fn starting(&self, _: &Run, _: u32, _: usize) -> Result<(), TaskError> {
        Ok(())
    }

    fn finished(&self, _: &Run, _: u32, _: &Value, _: usize) -> Result<(), TaskError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    // Pure calls with equal arguments are one task: January is loaded once for both readers.
    let months: Vec<Delayed<Vec<f64>>> = (1..=12).map(|month| delayed_pure(load, month)).collect();
    let means: Vec<Delayed<f64>> =
        months.iter().map(|month| month.then(|month| mean(month)).named("mean")).collect();
    let january = delayed_pure(load, 1).then(|january| january[0]);
    let year = join(&means).then(|means| means.into_iter().sum::<f64>() / 12.0).named("year");
    let change = join((&year, &january)).then(|(year, january)| year - january);

    let n_finished = Arc::new(AtomicUsize::new(0));
    let scheduler = Scheduler::threads().observed_by(Progress(Arc::clone(&n_finished)));
    let (year, change) = scheduler.compute((&year, &change))?;
    assert_eq!((*year, *change), (6999.5, 5999.5));
    assert_eq!(n_finished.load(Ordering::Relaxed), 12 + 12 + 1 + 1 + 1);

    // A failure names its task and keeps its own error.
    let number = delayed(|| "4z").named("read").try_then(|text| text.parse::<i32>()).named("parse");
    let Err(error) = number.compute() else { unreachable!("4z is no number") };
    assert!(error.to_string().starts_with("task parse-"));
    assert!(error.cause::<std::num::ParseIntError>().is_some());
    Ok(())
}
