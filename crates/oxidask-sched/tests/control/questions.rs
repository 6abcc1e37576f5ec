//! Questions that go to workers or to the host.

use oxidask_sched::data::{AskError, Data};
use oxidask_sched::ids::ClientId;
use oxidask_sched::message::{Action, Event, FromClient, FromWorker, ToClient, ToWorker};

use crate::driver::{A, B, Driver, ME};

fn ask() -> Data {
    Data::map([("verb", "worker.memory".into()), ("body", 5i64.into())])
}

fn number(sent: &[ToWorker]) -> u64 {
    match sent {
        [ToWorker::Ask { request, verb, body }] => {
            assert_eq!((&**verb, body), ("worker.memory", &Data::Int(5)));
            *request
        }
        _ => panic!("{sent:?}"),
    }
}

fn the_answer(told: &[ToClient]) -> Data {
    match told {
        [ToClient::Answer { answer, .. }] => answer.clone().expect("no error"),
        _ => panic!("{told:?}"),
    }
}

#[test]
fn all_workers_are_asked_and_answer() {
    let mut driver = Driver::new(2);
    driver.ask(ME, "workers.ask", ask());
    let request = number(&driver.sent(A));
    assert_eq!(number(&driver.sent(B)), request);
    driver.worker(B, FromWorker::Answer { request, answer: Ok(1i64.into()) });
    assert_eq!(driver.told(ME), []);
    let error = AskError::new("ValueError", "no");
    driver.worker(A, FromWorker::Answer { request, answer: Err(error) });
    let answer = the_answer(&driver.told(ME));
    assert_eq!(answer.get("tcp://b").and_then(|b| b.get("ok")), Some(&1i64.into()));
    let error = answer.get("tcp://a").and_then(|a| a.get("error")).expect("an error");
    assert_eq!(error.get("class"), Some(&"ValueError".into()));
}

#[test]
fn a_worker_that_dies_has_an_error_for_an_answer() {
    let mut driver = Driver::new(2);
    let mut body = ask();
    if let Data::Map(entries) = &mut body {
        entries.push(("workers".into(), ["a"].into_iter().collect()));
    }
    driver.ask(ME, "workers.ask", body);
    number(&driver.sent(A));
    assert_eq!(driver.sent(B), []);
    driver.event(Event::WorkerLost(A, "killed".into()));
    let answer = the_answer(&driver.told(ME));
    let error = answer.get("tcp://a").and_then(|a| a.get("error")).expect("an error");
    assert_eq!(error.get("class"), Some(&"CommClosedError".into()));
}

#[test]
fn those_who_hang_are_not_waited_for() {
    let mut driver = Driver::new(1);
    let mut body = ask();
    if let Data::Map(entries) = &mut body {
        entries.push(("timeout_s".into(), 1.0.into()));
    }
    driver.ask(ME, "workers.ask", body);
    let request = number(&driver.sent(A));
    driver.pass(2.0);
    let answer = the_answer(&driver.told(ME));
    let error = answer.get("tcp://a").and_then(|a| a.get("error")).expect("an error");
    assert_eq!(error.get("class"), Some(&"TimeoutError".into()));
    driver.worker(A, FromWorker::Answer { request, answer: Ok(Data::Nil) });
    assert_eq!(driver.told(ME), []);
}

#[test]
fn nobody_is_told_what_was_abandoned() {
    let mut driver = Driver::new(1);
    let asked = driver.ask(ME, "workers.ask", ask());
    let request = number(&driver.sent(A));
    driver.client(ME, FromClient::Abandon(asked));
    driver.worker(A, FromWorker::Answer { request, answer: Ok(Data::Nil) });
    assert_eq!(driver.told(ME), []);
    driver.ask(ME, "workers.ask", ask());
    driver.event(Event::ClientLost(ME));
    driver.event(Event::WorkerLost(A, "killed".into()));
    assert_eq!(driver.told(ME), []);
}

#[test]
fn a_cluster_without_workers_answers_at_once() {
    let mut driver = Driver::new(0);
    driver.ask(ME, "workers.ask", ask());
    assert_eq!(the_answer(&driver.told(ME)), Data::Map(Vec::new()));
}

#[test]
fn what_is_not_known_here_goes_to_the_host() {
    let mut driver = Driver::new(0);
    for client in [ME, ClientId::PROCESS] {
        let request = driver.ask(client, "scheduler.run", 1i64.into());
        let asked =
            Action::Ask { client, request, verb: "scheduler.run".into(), body: 1i64.into() };
        assert!(driver.said.contains(&asked));
        driver.event(Event::Answered(client, request, Ok(2i64.into())));
        assert_eq!(the_answer(&driver.told(client)), 2i64.into());
    }
}

#[test]
fn the_process_asks_as_clients_do() {
    let mut driver = Driver::new(1);
    driver.ask(ClientId::PROCESS, "workers.ask", ask());
    let request = number(&driver.sent(A));
    driver.worker(A, FromWorker::Answer { request, answer: Ok(1i64.into()) });
    assert!(the_answer(&driver.told(ClientId::PROCESS)).get("tcp://a").is_some());
}
