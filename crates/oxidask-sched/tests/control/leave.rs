//! Workers that go and come because somebody asks for it, and values that move.

use oxidask_sched::data::{Answer, Data};
use oxidask_sched::ids::WorkerId;
use oxidask_sched::message::{
    Action, Event, FromClient, FromWorker, ToClient, ToWorker, WorkerInfo,
};
use oxidask_sched::scheduler::State;

use crate::driver::{A, B, Driver, ME, YOU, key};

fn class(answer: Option<Answer>) -> String {
    match answer {
        Some(Err(error)) => error.class.to_string(),
        other => panic!("{other:?} is no error"),
    }
}

fn named(workers: &[&str]) -> Data {
    Data::map([("workers", workers.iter().copied().collect())])
}

/// A worker answers what it is asked to copy.
fn copies(driver: &mut Driver, worker: WorkerId) -> usize {
    let mut n = 0;
    for message in driver.sent(worker) {
        if let ToWorker::Acquire(inputs) = message {
            n += inputs.len();
            let tasks = inputs.iter().map(|input| input.task).collect();
            driver.worker(worker, FromWorker::Copied(tasks));
        }
    }
    n
}

fn only_value_on_a(driver: &mut Driver, names: &[&str]) {
    for place in driver.place(ME, names, &["a"], false) {
        let task = place.expect("a place").task;
        driver.worker(A, FromWorker::Copied(vec![task]));
    }
}

#[test]
fn a_worker_retires_once_others_have_what_it_has() {
    let mut driver = Driver::new(2);
    only_value_on_a(&mut driver, &["x"]);
    let request = driver.ask(ME, "workers.retire", named(&["a"]));
    assert_eq!(driver.answer(ME, request), None);
    assert_eq!(copies(&mut driver, B), 1);
    assert!(driver.said.contains(&Action::Retired(A)));
    let answer = driver.answer(ME, request).expect("done").expect("no error");
    assert!(answer.get("tcp://a").is_some());
    driver.event(Event::WorkerLost(A, "retired".into()));
    assert_eq!(driver.scheduler.state_of(&key("x")), Some(State::Memory));
}

#[test]
fn a_copy_that_fails_is_asked_for_again() {
    let mut driver = Driver::new(2);
    only_value_on_a(&mut driver, &["x"]);
    let task = driver.scheduler.id_of(&key("x")).expect("known");
    driver.ask(ME, "workers.retire", named(&["a"]));
    driver.sent(B);
    driver.worker(B, FromWorker::Dropped(vec![task]));
    assert_eq!(copies(&mut driver, B), 1);
    assert!(driver.said.contains(&Action::Retired(A)));
}

#[test]
fn the_last_worker_stays_with_what_only_it_has() {
    let mut driver = Driver::new(1);
    only_value_on_a(&mut driver, &["x"]);
    assert_eq!(driver.learn("workers.retire", named(&["a"])), Ok(Data::Map(Vec::new())));
    driver.submit(YOU, "y", &["x"]);
    assert_eq!(driver.computes().len(), 1);
    driver.client(ME, FromClient::Release(vec![key("x")]));
}

#[test]
fn workers_that_are_closed_are_no_suspects() {
    let mut driver = Driver::new(1);
    driver.submit(ME, "x", &[]);
    for i in 0..5 {
        let (worker, compute) = driver.computes().remove(0);
        driver.worker(worker, FromWorker::Started { task: compute.task, run: compute.run });
        driver.learn("workers.close", named(&[])).expect("nobody is named");
        let told = driver.learn("workers.close", Data::Nil).expect("told");
        assert!(matches!(&told, Data::Map(told) if told.len() == 1), "{told:?}");
        assert!(matches!(driver.sent(worker).last(), Some(ToWorker::Close(_))));
        driver.event(Event::WorkerLost(worker, "closed".into()));
        driver.join(WorkerId(i + 1));
    }
    driver.run_all();
    assert_eq!(driver.scheduler.state_of(&key("x")), Some(State::Memory));
}

#[test]
fn somebody_waits_for_workers() {
    let mut driver = Driver::new(1);
    let body = |n: i64| Data::map([("n", n.into()), ("timeout_s", 5.0.into())]);
    assert_eq!(driver.learn("workers.wait", body(1)), Ok(1i64.into()));
    let two = driver.ask(ME, "workers.wait", body(2));
    let three = driver.ask(YOU, "workers.wait", body(3));
    driver.join(B);
    assert_eq!(driver.answer(ME, two), Some(Ok(2i64.into())));
    driver.pass(6.0);
    assert_eq!(class(driver.answer(YOU, three)), "TimeoutError");
}

#[test]
fn somebody_waits_for_one_of_certain_workers() {
    let mut driver = Driver::new(1);
    let body = Data::map([("n", 1i64.into()), ("workers", Data::List(vec!["b".into()]))]);
    let request = driver.ask(ME, "workers.wait", body.clone());
    driver.join(WorkerId(2));
    assert_eq!(driver.answer(ME, request), None);
    driver.join(B);
    assert_eq!(driver.answer(ME, request), Some(Ok(1i64.into())));
    assert_eq!(driver.learn("workers.wait", body), Ok(1i64.into()));
}

#[test]
fn a_restart_forgets_all_tasks_and_waits_for_workers_with_a_nanny() {
    let mut driver = Driver::new(1);
    let info = || WorkerInfo {
        address: "tcp://n".into(),
        n_threads: 1,
        extra: Data::map([("nanny", "tcp://nanny".into())]),
        ..WorkerInfo::default()
    };
    driver.event(Event::WorkerJoined(B, info()));
    driver.submit(ME, "x", &[]);
    driver.submit(YOU, "y", &["x"]);
    let request = driver.ask(ME, "workers.restart", Data::map([("timeout_s", 9.0.into())]));
    assert!(driver.told(YOU).contains(&ToClient::Cancelled(key("y"))));
    assert_eq!(driver.scheduler.counts().tasks, 0);
    for worker in [A, B] {
        let sent = driver.sent(worker);
        assert!(sent.contains(&ToWorker::Close("restart".into())), "{sent:?}");
        driver.event(Event::WorkerLost(worker, "restart".into()));
    }
    assert_eq!(driver.answer(ME, request), None);
    driver.event(Event::WorkerJoined(WorkerId(2), info()));
    assert_eq!(driver.answer(ME, request), Some(Ok(1i64.into())));
    let stuck = driver.ask(ME, "workers.restart", Data::map([("timeout_s", 1.0.into())]));
    driver.pass(2.0);
    assert_eq!(class(driver.answer(ME, stuck)), "TimeoutError");
}

#[test]
fn values_move_to_those_who_hold_less() {
    let mut driver = Driver::new(2);
    only_value_on_a(&mut driver, &["x", "y", "z", "w"]);
    let request = driver.ask(ME, "data.rebalance", Data::Nil);
    assert_eq!(driver.answer(ME, request), None);
    assert_eq!(copies(&mut driver, B), 2);
    let done = driver.answer(ME, request).expect("done").expect("no error");
    assert_eq!(done, Data::map([("status", "OK".into()), ("moved", 2i64.into())]));
    let sent = driver.sent(A);
    assert!(sent.iter().filter(|m| matches!(m, ToWorker::Free(_))).count() > 0, "{sent:?}");
    let what = driver.learn("info.has_what", Data::Nil).expect("known");
    for worker in ["tcp://a", "tcp://b"] {
        assert_eq!(what.get(worker).map(|keys| keys.items().len()), Some(2), "{worker}");
    }
    let again = driver.learn("data.rebalance", Data::Nil).expect("nothing to do");
    assert_eq!(again.get("moved"), Some(&0i64.into()));
}

#[test]
fn a_move_that_fails_is_said() {
    let mut driver = Driver::new(2);
    only_value_on_a(&mut driver, &["x", "y"]);
    let request = driver.ask(ME, "data.rebalance", Data::Nil);
    driver.event(Event::WorkerLost(B, "killed".into()));
    let done = driver.answer(ME, request).expect("done").expect("no error");
    assert_eq!(done.get("status"), Some(&"partial-fail".into()));
}

fn replicated(names: &[&str], n: Data, workers: &[&str]) -> Data {
    let keys = names.iter().map(|name| key(name)).collect();
    let workers = match workers {
        [] => Data::Nil,
        some => some.iter().copied().collect(),
    };
    Data::map([("keys", keys), ("n", n), ("workers", workers)])
}

fn holders(driver: &mut Driver, name: &str) -> Vec<WorkerId> {
    let mut holders = driver.scheduler.locate(&key(name)).unwrap_or_default().holders.to_vec();
    holders.sort_unstable();
    holders
}

#[test]
fn copies_go_to_the_workers_that_are_named() {
    let mut driver = Driver::new(3);
    only_value_on_a(&mut driver, &["x"]);
    let request = driver.ask(ME, "data.replicate", replicated(&["x"], Data::Nil, &["a", "b"]));
    assert_eq!(driver.answer(ME, request), None);
    assert_eq!(copies(&mut driver, WorkerId(2)), 0);
    assert_eq!(copies(&mut driver, B), 1);
    let done = driver.answer(ME, request).expect("done").expect("no error");
    assert_eq!(done.get("status"), Some(&"OK".into()));
    assert_eq!(holders(&mut driver, "x"), [A, B]);
}

#[test]
fn copies_beyond_their_number_go() {
    let mut driver = Driver::new(3);
    only_value_on_a(&mut driver, &["x"]);
    let all = driver.ask(ME, "data.replicate", replicated(&["x"], Data::Nil, &[]));
    assert_eq!((copies(&mut driver, B), copies(&mut driver, WorkerId(2))), (1, 1));
    assert!(driver.answer(ME, all).is_some());
    driver.learn("data.replicate", replicated(&["x"], 1i64.into(), &[])).expect("at once");
    assert_eq!(holders(&mut driver, "x").len(), 1);
    let error = driver.learn("data.replicate", replicated(&["x"], 0i64.into(), &[]));
    assert_eq!(class(Some(error)), "ValueError");
    let error = driver.learn("data.replicate", replicated(&["x"], Data::Nil, &["nobody"]));
    assert_eq!(class(Some(error)), "ValueError");
}

#[test]
fn nobody_waits_for_copies_of_what_is_released() {
    let mut driver = Driver::new(2);
    only_value_on_a(&mut driver, &["x"]);
    let request = driver.ask(YOU, "data.replicate", replicated(&["x"], Data::Nil, &[]));
    assert_eq!(driver.answer(YOU, request), None);
    driver.client(ME, FromClient::Release(vec![key("x")]));
    let done = driver.answer(YOU, request).expect("done").expect("no error");
    assert_eq!(done.get("status"), Some(&"partial-fail".into()));
}
