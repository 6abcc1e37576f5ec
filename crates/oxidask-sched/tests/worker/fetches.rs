//! Values that are fetched: from whom, how many at a time, and what happens when they can't be had.

use oxidask_sched::ids::{RunId, TaskId};
use oxidask_sched::message::{FromWorker, Health, Input, ToWorker};
use oxidask_sched::worker::{Action, Event, WorkerConfig};

use crate::driver::*;

fn cancel(slot: u32) -> ToWorker {
    ToWorker::Cancel { task: task(slot), run: RunId(slot) }
}

fn said_dropped(slots: &[u32]) -> Action {
    said(FromWorker::Dropped(slots.iter().map(|&slot| task(slot)).collect()))
}

#[test]
fn holders_are_asked_in_turn() {
    let mut driver = Driver::new(1);
    let holders = [6, 7, 8];
    assert_eq!(driver.compute(9, &[input(1, &holders)]), [fetch(1, 7, &[1])]);
    assert_eq!(driver.handle(Event::FetchFailed { request: 1 }), [fetch(2, 8, &[1])]);
    assert_eq!(driver.fetched(2, &[]), [fetch(3, 6, &[1])]);
    assert_eq!(driver.fetched(3, &[1]), [copied(&[1]), Action::Wake(1)]);
}

#[test]
fn inputs_that_nobody_has_are_reported_together() {
    let mut driver = Driver::new(1);
    driver.compute(8, &[input(1, &[6]), input(2, &[6]), input(3, &[6])]);
    driver.compute(9, &[input(2, &[6])]);
    let actions = driver.fetched(1, &[3]);
    let both = missing(8, &[(1, &[6]), (2, &[6])]);
    assert_eq!(actions, [both, missing(9, &[(2, &[6])]), copied(&[3])]);
    // They can be asked for again.
    assert_eq!(driver.compute(10, &[input(2, &[5])]), [fetch(2, 5, &[2])]);
}

#[test]
fn inputs_without_holders_are_missing_at_once() {
    let mut driver = Driver::new(1);
    assert_eq!(driver.compute(9, &[input(1, &[])]), [missing(9, &[(1, &[])])]);
    // It is said to be here, and is not.
    assert_eq!(driver.compute(9, &[input(1, &[0])]), [missing(9, &[(1, &[0])])]);
    // Others that were wanted on its account are not wanted any more.
    assert_eq!(driver.compute(9, &[input(2, &[6]), input(1, &[])]), [missing(9, &[(1, &[])])]);
}

#[test]
fn news_of_other_holders_count() {
    let mut driver = Driver::new(1);
    driver.compute(8, &[input(1, &[6])]);
    driver.compute(9, &[input(1, &[7])]);
    assert_eq!(driver.handle(Event::FetchFailed { request: 1 }), [fetch(2, 7, &[1])]);
}

#[test]
fn a_peer_is_asked_for_so_much_at_a_time_the_most_urgent_first() {
    let mut config = WorkerConfig::new(OWN_ID, 1);
    config.max_fetch_bytes = 250;
    config.max_fetches_per_peer = 1;
    let mut driver = Driver::with_config(config);
    assert_eq!(driver.compute(20, &[input(1, &[7])]), [fetch(1, 7, &[1])]);
    driver.compute(19, &[input(2, &[7])]);
    driver.compute(18, &[input(3, &[7]), input(4, &[7])]);
    driver.compute(17, &[input(2, &[7])]);
    assert_eq!(driver.fetched(1, &[1])[1..2], [fetch(2, 7, &[2, 3])]);
    assert_eq!(driver.fetched(2, &[2, 3])[1..2], [fetch(3, 7, &[4])]);
    // What is larger than that goes alone.
    let large = Input { task: task(5), place: input(5, &[7]).place };
    let mut larger = large.clone();
    larger.place.nbytes = 1000;
    driver.compute(16, &[larger]);
    assert_eq!(driver.fetched(3, &[4])[1..2], [fetch(4, 7, &[5])]);
}

#[test]
fn peers_that_can_be_asked_at_once_come_first() {
    let mut config = WorkerConfig::new(OWN_ID, 1);
    config.max_fetches_per_peer = 1;
    let mut driver = Driver::with_config(config);
    assert_eq!(driver.compute(20, &[input(1, &[6, 7])]), [fetch(1, 7, &[1])]);
    assert_eq!(driver.compute(19, &[input(3, &[6, 7])]), [fetch(2, 6, &[3])]);
    assert_eq!(driver.compute(18, &[input(5, &[6, 7])]), []);
}

#[test]
fn copies_are_got_without_a_task() {
    let mut driver = Driver::new(1);
    driver.run(1);
    let actions = driver.tell(ToWorker::Acquire(vec![
        input(1, &[5]),
        input(2, &[6]),
        input(3, &[6]),
        input(4, &[]),
    ]));
    assert_eq!(actions, [said_dropped(&[4]), copied(&[1]), fetch(1, 6, &[2, 3])]);
    assert_eq!(driver.fetched(1, &[2]), [said_dropped(&[3]), copied(&[2])]);
    assert!(driver.worker.holds(task(2)));
}

#[test]
fn copies_that_were_asked_for_and_freed_are_not_kept() {
    let mut driver = Driver::new(1);
    driver.tell(ToWorker::Acquire(vec![input(1, &[6]), input(2, &[6])]));
    driver.compute(9, &[input(2, &[6])]);
    assert_eq!(driver.free(&[1, 2]), []);
    assert_eq!(driver.fetched(1, &[1, 2]), [dropped(&[1]), Action::Wake(1)]);
    driver.next();
    assert_eq!(driver.end(9, value())[1..], [dropped(&[2])]);
}

#[test]
fn what_was_fetched_for_cancelled_tasks_alone_is_dropped() {
    let mut driver = Driver::new(1);
    driver.compute(8, &[input(1, &[6]), input(2, &[6])]);
    driver.compute(9, &[input(2, &[6])]);
    assert_eq!(driver.tell(cancel(8)), [retracted(8, 8)]);
    assert_eq!(driver.fetched(1, &[1, 2]), [copied(&[2]), dropped(&[1]), Action::Wake(1)]);
}

#[test]
fn a_flight_that_was_cancelled_is_not_repeated() {
    let mut driver = Driver::new(1);
    driver.compute(8, &[input(1, &[6])]);
    driver.tell(cancel(8));
    assert_eq!(driver.compute(9, &[input(1, &[6])]), []);
    assert_eq!(driver.fetched(1, &[1]), [copied(&[1]), Action::Wake(1)]);
}

#[test]
fn a_queued_fetch_that_nobody_needs_is_not_made() {
    let mut driver = Driver::new(1);
    driver.handle(Event::Health(Health { paused: true, ..Health::default() }));
    driver.compute(8, &[input(1, &[6])]);
    driver.tell(cancel(8));
    let actions = driver.handle(Event::Health(Health::default()));
    assert_eq!(actions, [said(FromWorker::Health(Health::default()))]);
}

#[test]
fn a_freed_value_that_is_still_here_serves_again() {
    let mut driver = Driver::new(1);
    driver.run(1);
    driver.compute(8, &[input(1, &[0])]);
    driver.next();
    driver.free(&[1]);
    // The scheduler does not think so, and hears of it.
    assert_eq!(driver.compute(9, &[input(1, &[6])]), [copied(&[1])]);
    assert_eq!(driver.end(8, value()).len(), 1);
    assert!(driver.worker.holds(task(1)));
}

#[test]
fn a_copy_that_comes_answers_for_the_task() {
    let mut driver = Driver::new(1);
    driver.compute(9, &[input(1, &[6])]);
    driver.compute(1, &[]);
    let actions = driver.fetched(1, &[1]);
    assert_eq!(finished(&actions), [(1, 1, 100, 0.0, "array")]);
    assert_eq!((driver.next(), driver.next()), (Some(9), None));
}

#[test]
fn a_result_that_comes_before_the_copy_serves_those_who_wait() {
    let mut driver = Driver::new(2);
    driver.compute(1, &[]);
    driver.next();
    driver.compute(9, &[input(1, &[6])]);
    assert_eq!(finished(&driver.end(1, value())).len(), 1);
    assert_eq!(driver.next(), Some(9));
    // What comes now is what is here.
    assert_eq!(driver.fetched(1, &[1]), []);
    assert!(driver.worker.holds(task(1)));
}

#[test]
fn a_value_is_dropped_after_the_flight_that_brings_it_again() {
    let mut driver = Driver::new(2);
    driver.compute(1, &[]);
    driver.next();
    driver.tell(ToWorker::Acquire(vec![input(1, &[6])]));
    driver.end(1, value());
    assert_eq!(driver.free(&[1]), []);
    assert!(!driver.worker.holds(task(1)));
    assert_eq!(driver.handle(Event::FetchFailed { request: 1 }), [dropped(&[1])]);
}

#[test]
fn a_freed_copy_is_dropped_when_the_attempt_at_it_has_ended() {
    for (cancels, left) in [(false, vec![]), (true, vec![dropped(&[1])])] {
        let mut driver = Driver::new(1);
        driver.tell(ToWorker::Acquire(vec![input(1, &[6])]));
        driver.compute(1, &[]);
        driver.next();
        driver.fetched(1, &[1]);
        // The thread may have put its own value there by now.
        assert_eq!(driver.free(&[1]), []);
        if cancels {
            driver.tell(cancel(1));
        }
        assert_eq!(driver.end(1, value())[1..], left);
        assert_eq!(driver.worker.holds(task(1)), !cancels);
    }
}

#[test]
fn a_cancelled_result_serves_those_who_wait_for_a_copy() {
    let mut driver = Driver::new(1);
    driver.compute(1, &[]);
    driver.next();
    driver.compute(9, &[input(1, &[6])]);
    driver.tell(cancel(1));
    assert_eq!(driver.end(1, value()), [retracted(1, 1), copied(&[1])]);
    assert_eq!(driver.next(), Some(9));
}

#[test]
fn the_bandwidth_of_fetches_is_measured() {
    let mut driver = Driver::new(1);
    driver.compute(9, &[input(1, &[6])]);
    driver.fetched(1, &[1]);
    let actions = driver.handle(Event::Health(Health::default()));
    let [Action::Scheduler(FromWorker::Health(health)), ..] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert!((health.bandwidth - 100.0 / 1e-3).abs() < 1.0, "{health:?}");
}

#[test]
fn a_slot_that_is_used_again_is_another_task() {
    let mut driver = Driver::new(1);
    driver.run(1);
    let newer = TaskId { slot: 1, generation: 1 };
    let mut reads = input(1, &[6]);
    reads.task = newer;
    let [Action::Fetch { tasks, .. }] = &driver.compute(9, &[reads])[..] else {
        panic!("it is not here")
    };
    assert_eq!(*tasks, [newer]);
}
