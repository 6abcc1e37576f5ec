//! What tasks run, and tasks that run though nobody waits.

use oxidask_sched::data::Data;
use oxidask_sched::message::{Cause, Event, FromClient, FromWorker, TaskFailure};
use oxidask_sched::scheduler::State;

use crate::driver::{Driver, ME, YOU, key};

fn about(name: &str) -> Data {
    Data::map([("key", key(name).into())])
}

fn keys(names: &[&str]) -> Data {
    Data::map([("keys", names.iter().map(|name| key(name)).collect())])
}

#[test]
fn what_a_task_runs_is_told() {
    let mut driver = Driver::new(1);
    driver.submit(ME, "x", &[]);
    driver.submit(ME, "y", &["x", "x"]);
    driver.run_all();
    let spec = driver.learn("tasks.spec", about("y")).expect("known");
    assert_eq!(spec.get("family"), Some(&"test".into()));
    assert_eq!(spec.get("blob"), Some(&Data::Bytes(vec![1].into())));
    assert_eq!(spec.get("inputs"), Some(&[key("x"), key("x")].into_iter().collect()));
}

#[test]
fn who_failed_first_is_told() {
    let mut driver = Driver::new(1);
    driver.submit(ME, "x", &[]);
    driver.submit(ME, "y", &["x"]);
    let (worker, compute) = driver.computes().remove(0);
    let failure = TaskFailure {
        origin: key("x"),
        cause: Cause::Raised("builtins.ValueError".into()),
        text: "no".into(),
        bytes: Vec::new().into(),
    };
    let (task, run) = (compute.task, compute.run);
    driver.worker(worker, FromWorker::Failed { task, run, failure: failure.into() });
    let spec = driver.learn("info.task", about("y")).expect("known");
    assert_eq!(spec.get("failed_first"), Some(&key("x").into()));
}

#[test]
fn values_from_outside_and_strangers_run_nothing() {
    let mut driver = Driver::new(1);
    driver.place(ME, &["v"], &[], false);
    let class = |answer: Result<Data, oxidask_sched::data::AskError>| answer.map_err(|e| e.class);
    assert_eq!(class(driver.learn("tasks.spec", about("v"))), Err("ValueError".into()));
    assert_eq!(class(driver.learn("tasks.spec", about("w"))), Err("KeyError".into()));
}

#[test]
fn kept_tasks_run_though_their_client_is_gone() {
    let mut driver = Driver::new(1);
    driver.submit(ME, "x", &[]);
    driver.submit(ME, "y", &["x"]);
    driver.learn("tasks.keep", keys(&["y", "stranger"])).expect("kept");
    driver.event(Event::ClientLost(ME));
    assert_eq!(driver.scheduler.state_of(&key("y")), Some(State::Waiting));
    driver.run_all();
    // Both have run, and nothing is left of them.
    assert_eq!(driver.scheduler.state_of(&key("y")), None);
    assert_eq!(driver.scheduler.counts().tasks, 0);
}

#[test]
fn what_has_ended_is_not_kept() {
    let mut driver = Driver::new(1);
    driver.submit(YOU, "x", &[]);
    driver.run_all();
    driver.learn("tasks.keep", keys(&["x"])).expect("nothing to keep");
    assert_eq!(driver.scheduler.state_of(&key("x")), Some(State::Memory));
    driver.client(YOU, FromClient::Release(vec![key("x")]));
    assert_eq!(driver.scheduler.counts().tasks, 0);
}

#[test]
fn kept_tasks_that_fail_are_forgotten() {
    let mut driver = Driver::new(1);
    driver.submit(ME, "x", &[]);
    driver.learn("tasks.keep", keys(&["x"])).expect("kept");
    driver.client(ME, FromClient::Release(vec![key("x")]));
    let (worker, compute) = driver.computes().remove(0);
    let failure = TaskFailure {
        origin: key("x"),
        cause: Cause::TimedOut,
        text: "late".into(),
        bytes: Vec::new().into(),
    };
    let (task, run) = (compute.task, compute.run);
    driver.worker(worker, FromWorker::Failed { task, run, failure: failure.into() });
    assert_eq!(driver.scheduler.counts().tasks, 0);
}
