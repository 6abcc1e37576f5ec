//! The ways that attempts and values usually go.

use oxidask_sched::message::{FromWorker, ToWorker};
use oxidask_sched::worker::{Action, Outcome};

use crate::driver::*;

#[test]
fn a_task_runs_and_its_value_stays_until_it_is_freed() {
    let mut driver = Driver::new(1);
    assert_eq!(driver.compute(1, &[]), [Action::Wake(1)]);
    assert_eq!(driver.next(), Some(1));
    assert_eq!(driver.worker.n_executing(), 1);
    let actions = driver.end(1, value());
    assert_eq!(finished(&actions), [(1, 1, 8, 0.5, "int")]);
    assert_eq!(actions.len(), 1);
    assert_eq!(driver.worker.n_attempts(), 0);
    assert!(driver.worker.holds(task(1)));
    assert_eq!(driver.free(&[1]), [dropped(&[1])]);
    assert!(!driver.worker.holds(task(1)));
    assert_eq!(driver.free(&[1]), []);
}

#[test]
fn threads_take_the_most_urgent_and_no_more_than_their_number() {
    let mut driver = Driver::new(2);
    for slot in [5, 3, 4] {
        driver.compute(slot, &[]);
    }
    assert_eq!((driver.next(), driver.next(), driver.next()), (Some(3), Some(4), None));
    // The thread that reports an end comes for more: nobody else is woken.
    assert!(!driver.end(3, value()).iter().any(|action| matches!(action, Action::Wake(_))));
    assert_eq!((driver.next(), driver.next()), (Some(5), None));
}

#[test]
fn failures_and_wishes_to_go_elsewhere_are_reported() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    driver.compute(2, &[]);
    driver.next();
    let (failure, id) = (failure(1), task(1));
    let said_failed = FromWorker::Failed { task: id, run: compute(1, vec![]).run, failure };
    let FromWorker::Failed { failure, .. } = said_failed.clone() else { unreachable!() };
    assert_eq!(driver.end(1, Outcome::Failed(failure)), [said(said_failed)]);
    assert!(!driver.worker.holds(id));
    assert_eq!(driver.next(), Some(2));
    let elsewhere = FromWorker::Reschedule { task: task(2), run: compute(2, vec![]).run };
    assert_eq!(driver.end(2, Outcome::Reschedule), [said(elsewhere)]);
    assert_eq!(driver.worker.n_attempts(), 0);
}

#[test]
fn inputs_that_are_here_count_at_once() {
    let mut driver = Driver::new(1);
    driver.run(1);
    assert_eq!(driver.compute(2, &[input(1, &[0]), input(1, &[0])]), [Action::Wake(1)]);
    assert_eq!(driver.next(), Some(2));
}

#[test]
fn what_reads_a_value_to_come_here_waits_for_its_attempt() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    assert_eq!(driver.compute(2, &[input(1, &[0])]), []);
    assert_eq!((driver.next(), driver.next()), (Some(1), None));
    assert_eq!(finished(&driver.end(1, value())).len(), 1);
    assert_eq!(driver.next(), Some(2));
}

#[test]
fn what_reads_a_value_that_did_not_come_says_so() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    driver.compute(2, &[input(1, &[0])]);
    driver.compute(3, &[input(2, &[0])]);
    driver.next();
    let actions = driver.end(1, Outcome::Failed(failure(1)));
    let starved = |of: u32, input: u32| {
        let run = compute(of, vec![]).run;
        let inputs = vec![(task(input), vec![OWN_ID])];
        said(FromWorker::MissingInputs { task: task(of), run, inputs })
    };
    assert_eq!(actions[1..], [starved(2, 1), starved(3, 2)]);
    assert_eq!(driver.worker.n_attempts(), 0);
}

#[test]
fn inputs_elsewhere_are_fetched_together_and_announced() {
    let mut driver = Driver::new(1);
    let actions = driver.compute(9, &[input(1, &[7]), input(2, &[7]), input(3, &[8])]);
    assert_eq!(actions, [fetch(1, 7, &[1, 2]), fetch(2, 8, &[3])]);
    assert_eq!(driver.next(), None);
    assert_eq!(driver.fetched(1, &[1, 2]), [copied(&[1, 2])]);
    assert_eq!(driver.next(), None);
    assert_eq!(driver.fetched(2, &[3]), [copied(&[3]), Action::Wake(1)]);
    assert_eq!(driver.next(), Some(9));
    // Copies are the scheduler's to free.
    assert_eq!(driver.end(9, value()).len(), 1);
    assert!(driver.worker.holds(task(1)));
    assert_eq!(driver.free(&[1, 2, 3]), [dropped(&[1, 2, 3])]);
}

#[test]
fn tasks_with_the_same_input_share_a_flight() {
    let mut driver = Driver::new(2);
    assert_eq!(driver.compute(8, &[input(1, &[7])]), [fetch(1, 7, &[1])]);
    assert_eq!(driver.compute(9, &[input(1, &[7])]), []);
    assert_eq!(driver.fetched(1, &[1]), [copied(&[1]), Action::Wake(2)]);
    assert_eq!((driver.next(), driver.next()), (Some(8), Some(9)));
}

#[test]
fn a_value_that_is_in_use_is_freed_afterwards() {
    let mut driver = Driver::new(1);
    driver.run(1);
    driver.compute(2, &[input(1, &[0])]);
    driver.next();
    assert_eq!(driver.free(&[1]), []);
    let actions = driver.end(2, value());
    assert_eq!(actions[1..], [dropped(&[1])]);
}

#[test]
fn a_task_whose_value_is_here_is_answered_at_once() {
    let mut driver = Driver::new(1);
    driver.run(1);
    let mut again = compute(1, vec![]);
    again.run.0 = 50;
    let actions = driver.tell(ToWorker::Compute(Box::new(again)));
    assert_eq!(finished(&actions), [(1, 50, 8, 0.0, "int")]);
    assert_eq!(driver.next(), None);
}
