//! Values that clients put on workers.

use oxidask_sched::ids::WorkerId;
use oxidask_sched::message::{Cause, Event, FromClient, FromWorker, Input, ToClient};
use oxidask_sched::scheduler::State;

use crate::driver::{A, B, Driver, ME, YOU, key};

fn workers(place: &Option<Input>) -> Vec<WorkerId> {
    place.as_ref().map_or_else(Vec::new, |input| input.place.holders.to_vec())
}

fn fails_as_lost(told: &[ToClient], name: &str) -> bool {
    told.iter().any(|message| match message {
        ToClient::Failed { key: failed, failure } => {
            *failed == key(name) && failure.cause == Cause::Lost
        }
        _ => false,
    })
}

#[test]
fn values_go_round() {
    let mut driver = Driver::new(2);
    let places = driver.place(ME, &["x", "y", "z", "w"], &[], false);
    let mut went: Vec<_> = places.iter().flat_map(workers).collect();
    went.sort_unstable();
    assert_eq!(went, [A, A, B, B]);
    let everywhere = driver.place(ME, &["v"], &[], true);
    assert_eq!(workers(&everywhere[0]).len(), 2);
}

#[test]
fn only_named_workers_get_values() {
    let mut driver = Driver::new(2);
    for who in ["b", "tcp://b"] {
        let places = driver.place(ME, &["x", "y"], &[who], false);
        assert!(places.iter().all(|place| workers(place) == [B]), "{who}");
    }
    let nobody = driver.place(ME, &["u"], &["c"], false);
    assert_eq!(nobody, [None]);
    assert_eq!(driver.scheduler.state_of(&key("u")), None);
    assert_eq!(Driver::new(0).place(ME, &["u"], &[], true), [None]);
}

#[test]
fn a_value_is_there_once_it_is_announced() {
    let mut driver = Driver::new(2);
    let places = driver.place(ME, &["x"], &["a"], false);
    driver.submit(YOU, "y", &["x"]);
    assert!(driver.computes().is_empty());
    assert_eq!(driver.scheduler.state_of(&key("x")), Some(State::Placed));
    let task = places[0].as_ref().expect("a place").task;
    driver.worker(A, FromWorker::Copied(vec![task]));
    let ready =
        ToClient::Ready { key: key("x"), nbytes: 10, type_name: "int".into(), inline: None };
    assert!(driver.told(ME).contains(&ready));
    assert_eq!(driver.computes().len(), 1);
}

#[test]
fn a_value_is_lost_with_all_who_were_to_have_it() {
    let mut driver = Driver::new(2);
    driver.place(ME, &["x"], &[], true);
    driver.submit(YOU, "y", &["x"]);
    driver.event(Event::WorkerLost(A, "killed".into()));
    assert!(!fails_as_lost(&driver.told(ME), "x"));
    driver.client(ME, FromClient::Unfetched(vec![(key("x"), B)]));
    assert!(fails_as_lost(&driver.told(ME), "x"));
    assert!(fails_as_lost(&driver.told(YOU), "y"));
}

#[test]
fn a_value_is_lost_with_the_client_that_was_to_bring_it() {
    let mut driver = Driver::new(1);
    driver.place(ME, &["x"], &[], false);
    driver.client(YOU, FromClient::Want(vec![key("x")]));
    driver.event(Event::ClientLost(ME));
    assert!(fails_as_lost(&driver.told(YOU), "x"));
}

#[test]
fn a_copy_that_is_lost_waits_for_those_on_their_way() {
    let mut driver = Driver::new(2);
    let places = driver.place(ME, &["x"], &[], true);
    let task = places[0].as_ref().expect("a place").task;
    driver.worker(A, FromWorker::Copied(vec![task]));
    driver.event(Event::WorkerLost(A, "killed".into()));
    assert_eq!(driver.scheduler.state_of(&key("x")), Some(State::Placed));
    driver.worker(B, FromWorker::Copied(vec![task]));
    assert_eq!(driver.scheduler.state_of(&key("x")), Some(State::Memory));
}

#[test]
fn what_is_released_before_it_comes_is_dropped() {
    let mut driver = Driver::new(1);
    let places = driver.place(ME, &["x"], &[], false);
    driver.client(ME, FromClient::Release(vec![key("x")]));
    assert_eq!(driver.scheduler.state_of(&key("x")), None);
    let task = places[0].as_ref().expect("a place").task;
    driver.worker(A, FromWorker::Copied(vec![task]));
    let sent = driver.sent(A);
    assert!(sent.contains(&oxidask_sched::message::ToWorker::Free(vec![task])), "{sent:?}");
}
