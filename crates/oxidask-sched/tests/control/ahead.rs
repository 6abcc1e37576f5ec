//! Tasks that are sent before their last input is there.

use std::sync::Arc;

use oxidask_sched::content::Content;
use oxidask_sched::ids::WorkerId;
use oxidask_sched::message::{Cause, FromClient, FromWorker, TaskFailure, ToClient, ToWorker};
use oxidask_sched::scheduler::State;

use crate::driver::{A, Driver, ME, key};

/// A scheduler that knows tasks of this kind to be short.
fn driver_of_short_tasks(n_workers: u32) -> Driver {
    let mut driver = Driver::new(n_workers);
    driver.submit(ME, "inc-0", &[]);
    let (worker, first) = driver.computes().remove(0);
    driver.finish_in(worker, first.task, first.run, 1e-5);
    driver.said.clear();
    driver
}

fn names(computes: &[(WorkerId, oxidask_sched::message::Compute)]) -> Vec<String> {
    computes.iter().map(|(_, compute)| compute.key.to_string()).collect()
}

#[test]
fn a_chain_goes_to_one_worker_at_once() {
    let mut driver = driver_of_short_tasks(2);
    driver.submit(ME, "inc-1", &[]);
    driver.submit(ME, "inc-2", &["inc-1"]);
    driver.submit(ME, "inc-3", &["inc-2", "inc-1"]);
    let sent = driver.computes();
    assert_eq!(names(&sent), ["inc-1", "inc-2"], "inc-3 lacks two inputs");
    let (worker, first) = &sent[0];
    assert_eq!(sent[1].0, *worker);
    assert_eq!(sent[1].1.inputs[0].place.holders.to_vec(), [*worker]);
    driver.finish_in(*worker, first.task, first.run, 1e-5);
    assert_eq!(names(&driver.computes()), ["inc-3"], "one input is left, and its reader is one");
    driver.finish_in(*worker, sent[1].1.task, sent[1].1.run, 1e-5);
    assert_eq!(driver.scheduler.state_of(&key("inc-2")), Some(State::Memory));
}

#[test]
fn long_tasks_and_those_with_many_readers_wait() {
    let mut driver = Driver::new(2);
    driver.submit(ME, "unknown-1", &[]);
    driver.submit(ME, "unknown-2", &["unknown-1"]);
    assert_eq!(names(&driver.computes()), ["unknown-1"]);
    let mut driver = driver_of_short_tasks(2);
    driver.submit(ME, "inc-1", &[]);
    driver.computes();
    driver.submit(ME, "inc-2", &["inc-1"]);
    driver.submit(ME, "inc-3", &["inc-1"]);
    assert_eq!(names(&driver.computes()), ["inc-2"], "the second reader may go elsewhere");
}

#[test]
fn what_went_ahead_fails_with_its_input() {
    let mut driver = driver_of_short_tasks(1);
    driver.submit(ME, "inc-1", &[]);
    driver.submit(ME, "inc-2", &["inc-1"]);
    let sent = driver.computes();
    driver.told(ME);
    let (task, run) = (sent[0].1.task, sent[0].1.run);
    driver.worker(A, FromWorker::Started { task, run });
    let failure = Arc::new(TaskFailure {
        origin: key("inc-1"),
        cause: Cause::Raised("ValueError".into()),
        text: "no".into(),
        bytes: Content::new(),
    });
    driver.worker(A, FromWorker::Failed { task, run, failure });
    let failed = |name: &str, told: &[ToClient]| {
        told.iter()
            .any(|message| matches!(message, ToClient::Failed { key: k, .. } if *k == key(name)))
    };
    let inputs = vec![(task, vec![A])];
    let (task, run) = (sent[1].1.task, sent[1].1.run);
    driver.worker(A, FromWorker::MissingInputs { task, run, inputs });
    let told = driver.told(ME);
    assert!(failed("inc-1", &told) && failed("inc-2", &told), "{told:?}");
}

#[test]
fn what_went_ahead_is_cancelled_with_its_input() {
    let mut driver = driver_of_short_tasks(1);
    driver.submit(ME, "inc-1", &[]);
    driver.submit(ME, "inc-2", &["inc-1"]);
    let sent = driver.computes();
    driver.client(ME, FromClient::Cancel { keys: vec![key("inc-1")], force: true });
    let told = driver.sent(A);
    for (_, compute) in sent {
        let cancelled = ToWorker::Cancel { task: compute.task, run: compute.run };
        assert!(told.contains(&cancelled), "{cancelled:?} is not in {told:?}");
    }
}

#[test]
fn what_went_ahead_and_came_back_is_sent_again() {
    let mut driver = driver_of_short_tasks(1);
    driver.submit(ME, "inc-1", &[]);
    driver.submit(ME, "inc-2", &["inc-1"]);
    let sent = driver.computes();
    let [(task, run), (reader, its_run)] = [0, 1].map(|i| (sent[i].1.task, sent[i].1.run));
    driver.worker(A, FromWorker::Started { task, run });
    driver.worker(A, FromWorker::Reschedule { task, run });
    let inputs = vec![(task, vec![A])];
    driver.worker(A, FromWorker::MissingInputs { task: reader, run: its_run, inputs });
    driver.run_all();
    assert_eq!(driver.scheduler.state_of(&key("inc-2")), Some(State::Memory));
}
