//! Attempts that are retracted, cancelled, taken over, long-running, constrained or starved.

use oxidask_sched::ids::RunId;
use oxidask_sched::message::{Blob, FromWorker, Health, ToWorker};
use oxidask_sched::worker::{Action, Event, Outcome, WorkerConfig};

use crate::driver::*;

fn retract(slot: u32) -> ToWorker {
    ToWorker::Retract { task: task(slot), run: RunId(slot) }
}

fn cancel(slot: u32) -> ToWorker {
    ToWorker::Cancel { task: task(slot), run: RunId(slot) }
}

fn again(slot: u32, run: u32) -> ToWorker {
    let mut compute = compute(slot, vec![]);
    compute.run = RunId(run);
    ToWorker::Compute(Box::new(compute))
}

fn seceded(slot: u32, run: u32) -> FromWorker {
    FromWorker::Seceded { task: task(slot), run: RunId(run) }
}

fn secede(slot: u32) -> Event {
    Event::Seceded { task: task(slot), run: RunId(slot) }
}

fn gpus(driver: &mut Driver, slot: u32, amount: f64) -> Vec<Action> {
    let mut compute = compute(slot, vec![]);
    compute.resources = vec![("GPU".into(), amount)];
    driver.tell(ToWorker::Compute(Box::new(compute)))
}

fn with_gpus(n_threads: u32, amount: f64) -> Driver {
    let mut config = WorkerConfig::new(OWN_ID, n_threads);
    config.resources = vec![("GPU".into(), amount)];
    Driver::with_config(config)
}

#[test]
fn what_has_not_started_is_given_back() {
    let mut driver = Driver::new(1);
    for (i, message) in [retract, cancel].into_iter().enumerate() {
        let (ready, waiting) = (2 * i as u32 + 1, 2 * i as u32 + 2);
        driver.compute(ready, &[]);
        driver.compute(waiting, &[input(9, &[7])]);
        assert_eq!(driver.tell(message(ready)), [retracted(ready, ready)]);
        assert_eq!(driver.tell(message(waiting)), [retracted(waiting, waiting)]);
        assert_eq!(driver.tell(message(ready)), []);
        assert_eq!(driver.next(), None);
    }
}

#[test]
fn what_has_started_is_not_given_back() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    driver.next();
    assert_eq!(driver.tell(retract(1)), []);
    assert_eq!(finished(&driver.end(1, value())).len(), 1);
    assert_eq!(driver.tell(retract(1)), []);
}

#[test]
fn a_cancelled_attempt_leaves_nothing() {
    let mut driver = Driver::new(1);
    for (slot, outcome, left) in [
        (1, value(), vec![dropped(&[1])]),
        (2, Outcome::Failed(failure(2)), vec![]),
        (3, Outcome::Reschedule, vec![]),
    ] {
        driver.compute(slot, &[]);
        driver.next();
        assert_eq!(driver.tell(cancel(slot)), []);
        assert_eq!(driver.worker.n_executing(), 1);
        let actions = driver.end(slot, outcome);
        assert_eq!(actions[0], retracted(slot, slot));
        assert_eq!(actions[1..], left);
        assert!(!driver.worker.holds(task(slot)));
    }
}

#[test]
fn a_new_run_takes_a_cancelled_attempt_over() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    driver.next();
    driver.tell(cancel(1));
    assert_eq!(driver.tell(again(1, 50)), [retracted(1, 1), started(1, 50)]);
    // Late news of the old run are of no account.
    assert_eq!(driver.tell(cancel(1)), []);
    // The thread still knows it as the old one.
    let actions = driver.end_run(1, 1, value());
    assert_eq!(finished(&actions), [(1, 50, 8, 0.5, "int")]);
    assert!(driver.worker.holds(task(1)));
}

#[test]
fn a_new_run_replaces_one_that_has_not_started() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    assert_eq!(driver.tell(again(1, 50)), [retracted(1, 1)]);
    assert_eq!(driver.next(), Some(1));
    assert_eq!(finished(&driver.end_run(1, 50, value())).len(), 1);
}

#[test]
fn the_same_run_twice_is_one() {
    let mut driver = Driver::new(2);
    driver.compute(1, &[]);
    assert_eq!(driver.compute(1, &[]), []);
    assert_eq!((driver.next(), driver.next()), (Some(1), None));
    assert_eq!(driver.compute(1, &[]), []);
    assert_eq!(driver.next(), None);
}

#[test]
fn an_end_that_no_thread_can_know_is_ignored() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    assert_eq!(driver.end(1, value()), []);
    driver.next();
    assert_eq!(driver.end_run(1, 50, value()), []);
    assert_eq!(driver.end(1, value()).len(), 1);
    assert_eq!(driver.end(1, value()), []);
}

#[test]
fn a_task_that_secedes_leaves_its_place_to_another() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    driver.compute(2, &[]);
    driver.compute(3, &[]);
    driver.next();
    assert_eq!(driver.next(), None);
    assert_eq!(driver.handle(secede(1)), [said(seceded(1, 1)), Action::Wake(1)]);
    assert_eq!((driver.next(), driver.next()), (Some(2), None));
    // Back among the others it takes a place, though there is none.
    assert_eq!(driver.handle(Event::Rejoined { task: task(1), run: RunId(1) }), []);
    assert_eq!(driver.worker.n_executing(), 2);
    driver.end(1, value());
    assert_eq!(driver.next(), None);
    driver.end(2, value());
    assert_eq!(driver.next(), Some(3));
}

#[test]
fn a_long_running_task_ends_without_a_place() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    driver.next();
    driver.handle(secede(1));
    assert_eq!(driver.handle(secede(1)), []);
    driver.tell(cancel(1));
    let taken_over = [retracted(1, 1), started(1, 50), said(seceded(1, 50))];
    assert_eq!(driver.tell(again(1, 50)), taken_over);
    assert_eq!(finished(&driver.end(1, value())).len(), 1);
    assert_eq!(driver.worker.n_executing(), 0);
    // Its thread was one too many, and does not come back: another must be woken.
    assert_eq!(driver.compute(2, &[]), [Action::Wake(1)]);
}

#[test]
fn resources_hold_tasks_back_but_no_others() {
    let mut driver = with_gpus(4, 1.0);
    gpus(&mut driver, 1, 1.0);
    gpus(&mut driver, 2, 0.5);
    gpus(&mut driver, 3, 0.5);
    driver.compute(4, &[]);
    assert_eq!((driver.next(), driver.next(), driver.next()), (Some(1), Some(4), None));
    driver.end(1, value());
    assert_eq!((driver.next(), driver.next(), driver.next()), (Some(2), Some(3), None));
}

#[test]
fn long_running_tasks_keep_their_resources() {
    let mut driver = with_gpus(1, 1.0);
    gpus(&mut driver, 1, 1.0);
    gpus(&mut driver, 2, 1.0);
    driver.next();
    driver.handle(secede(1));
    assert_eq!(driver.next(), None);
    assert_eq!(driver.tell(retract(2)), [retracted(2, 2)]);
    gpus(&mut driver, 3, 1.0);
    assert_eq!(driver.next(), None);
    driver.end(1, Outcome::Reschedule);
    assert_eq!(driver.next(), Some(3));
}

#[test]
fn resources_that_are_never_there_are_an_error() {
    let mut driver = with_gpus(1, 1.0);
    let failure_of = |actions: &[Action]| match actions {
        [Action::Scheduler(FromWorker::Failed { failure, .. })] => failure.text.to_string(),
        other => panic!("{other:?}"),
    };
    let actions = gpus(&mut driver, 1, 2.0);
    assert!(
        failure_of(&actions).contains("it takes 2 of resource 'GPU', of which its worker has 1")
    );
    let mut compute = compute(2, vec![]);
    compute.resources = vec![("TPU".into(), 1.0)];
    let actions = driver.tell(ToWorker::Compute(Box::new(compute)));
    assert!(failure_of(&actions).contains("'TPU', of which its worker has none"));
}

#[test]
fn a_paused_worker_starts_and_fetches_nothing() {
    let mut driver = Driver::new(1);
    let health = Health { paused: true, memory_bytes: 9, ..Health::default() };
    assert_eq!(driver.handle(Event::Health(health)), [said(FromWorker::Health(health))]);
    assert_eq!(driver.compute(1, &[]), []);
    assert_eq!(driver.compute(2, &[input(9, &[7])]), []);
    assert_eq!(driver.next(), None);
    let health = Health::default();
    let said_health = said(FromWorker::Health(health));
    let actions = driver.handle(Event::Health(health));
    assert_eq!(actions, [said_health, fetch(1, 7, &[9]), Action::Wake(1)]);
    assert_eq!(driver.next(), Some(1));
}

#[test]
fn shared_parts_are_there_until_they_are_dropped() {
    let mut driver = Driver::new(1);
    let blob = Blob {
        hash: oxidask_sched::ids::BlobHash(5),
        family: "python".into(),
        bytes: b"f".as_slice().into(),
    };
    assert_eq!(driver.tell(ToWorker::Blob { number: 3, blob: blob.clone() }), []);
    assert_eq!(driver.worker.blob(3), Some(&blob));
    assert_eq!(driver.tell(ToWorker::DropBlob(3)), [Action::DropBlob(3)]);
    assert_eq!(driver.worker.blob(3), None);
    assert_eq!(driver.tell(ToWorker::DropBlob(3)), []);
}

#[test]
fn values_that_the_store_has_lost_starve_who_waits_for_them() {
    let mut driver = Driver::new(1);
    driver.run(1);
    driver.compute(2, &[input(1, &[0])]);
    driver.compute(3, &[input(1, &[0]), input(9, &[7])]);
    let actions = driver.handle(Event::Lost(vec![task(1)]));
    let dropped = said(FromWorker::Dropped(vec![task(1)]));
    assert_eq!(actions, [dropped, missing(2, &[(1, &[0])]), missing(3, &[(1, &[0])])]);
    assert_eq!(driver.worker.n_attempts(), 0);
}

#[test]
fn a_thread_that_finds_inputs_lost_says_so() {
    let mut driver = Driver::new(1);
    driver.run(1);
    driver.compute(2, &[input(1, &[0])]);
    driver.next();
    let actions = driver.end(2, Outcome::InputsLost(vec![task(1)]));
    let dropped = said(FromWorker::Dropped(vec![task(1)]));
    assert_eq!(actions, [dropped, missing(2, &[(1, &[0])])]);
}

// What random events have found.

#[test]
fn freeing_what_was_lost_changes_nothing() {
    let mut driver = Driver::new(1);
    driver.run(1);
    driver.compute(2, &[input(1, &[0])]);
    driver.next();
    driver.handle(Event::Lost(vec![task(1)]));
    assert_eq!(driver.free(&[1]), []);
    assert_eq!(driver.end(2, value()).len(), 1);
}

#[test]
fn resources_left_to_an_attempt_that_is_given_back_go_to_the_next() {
    let mut driver = with_gpus(1, 1.0);
    for slot in [1, 2, 3] {
        gpus(&mut driver, slot, 1.0);
    }
    assert_eq!(driver.next(), Some(1));
    driver.handle(secede(1));
    assert_eq!(driver.next(), None);
    // Its end leaves the resource to the second, which goes: that is the third's.
    driver.end(1, value());
    assert_eq!(driver.tell(retract(2)), [retracted(2, 2)]);
    assert_eq!(driver.next(), Some(3));
}

#[test]
fn what_was_lost_and_is_read_by_a_thread_is_not_wanted_for_its_sake() {
    let mut driver = Driver::new(1);
    driver.run(1);
    driver.compute(2, &[input(1, &[0])]);
    driver.next();
    driver.handle(Event::Lost(vec![task(1)]));
    driver.handle(Event::Health(Health { paused: true, ..Health::default() }));
    driver.compute(3, &[input(1, &[6])]);
    driver.tell(retract(3));
    assert_eq!(driver.handle(Event::Health(Health::default())).len(), 1);
}
