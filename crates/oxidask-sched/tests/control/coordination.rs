//! Locks, semaphores, events, queues, variables, published data sets, metadata, topics.

use oxidask_core::key::Key;
use oxidask_sched::data::{Answer, AskError, Data};
use oxidask_sched::ids::ClientId;
use oxidask_sched::message::{Event, FromClient, ToClient};
use oxidask_sched::scheduler::State;

use crate::driver::{Driver, ME, YOU, key};

fn text(value: &str) -> Data {
    value.into()
}

fn lock(id: &str, timeout_s: Option<f64>) -> Data {
    Data::map([("name", text("l")), ("id", text(id)), ("timeout_s", timeout_s.into())])
}

fn is(value: bool) -> Option<Answer> {
    Some(Ok(value.into()))
}

fn class(answer: Option<Answer>) -> String {
    match answer {
        Some(Err(AskError { class, .. })) => class.to_string(),
        other => panic!("{other:?} is no error"),
    }
}

fn answered(driver: &mut Driver, client: ClientId, request: u64) -> Option<Answer> {
    driver.answer(client, request)
}

fn now(driver: &mut Driver, client: ClientId, verb: &str, body: Data) -> Answer {
    let request = driver.ask(client, verb, body);
    answered(driver, client, request).expect("an answer at once")
}

#[test]
fn a_lock_goes_from_one_to_the_next() {
    let mut driver = Driver::new(0);
    assert_eq!(now(&mut driver, ME, "lock.acquire", lock("a", None)), Ok(true.into()));
    let waits = driver.ask(YOU, "lock.acquire", lock("b", None));
    assert_eq!(answered(&mut driver, YOU, waits), None);
    let wrong = driver.ask(YOU, "lock.release", lock("b", None));
    assert_eq!(class(answered(&mut driver, YOU, wrong)), "ValueError");
    assert_eq!(now(&mut driver, ME, "lock.release", lock("a", None)), Ok(true.into()));
    assert_eq!(answered(&mut driver, YOU, waits), is(true));
    assert_eq!(now(&mut driver, ME, "lock.locked", lock("", None)), Ok(true.into()));
    assert_eq!(now(&mut driver, YOU, "lock.release", lock("b", None)), Ok(true.into()));
    assert_eq!(now(&mut driver, ME, "lock.locked", lock("", None)), Ok(false.into()));
}

#[test]
fn who_waits_too_long_does_not_get_the_lock() {
    let mut driver = Driver::new(0);
    driver.ask(ME, "lock.acquire", lock("a", None));
    let at_once = driver.ask(YOU, "lock.acquire", lock("b", Some(0.0)));
    assert_eq!(answered(&mut driver, YOU, at_once), is(false));
    let later = driver.ask(YOU, "lock.acquire", lock("b", Some(2.0)));
    driver.pass(1.0);
    assert_eq!(answered(&mut driver, YOU, later), None);
    driver.pass(1.5);
    assert_eq!(answered(&mut driver, YOU, later), is(false));
    now(&mut driver, ME, "lock.release", lock("a", None)).expect("it is held");
    assert_eq!(now(&mut driver, ME, "lock.locked", lock("", None)), Ok(false.into()));
}

#[test]
fn a_lost_client_lets_go() {
    let mut driver = Driver::new(0);
    driver.ask(ME, "lock.acquire", lock("a", None));
    let waits = driver.ask(YOU, "lock.acquire", lock("b", None));
    let given_up = driver.ask(YOU, "lock.acquire", lock("c", None));
    driver.client(YOU, FromClient::Abandon(given_up));
    driver.event(Event::ClientLost(ME));
    assert_eq!(answered(&mut driver, YOU, waits), is(true));
    assert_eq!(answered(&mut driver, YOU, given_up), None);
}

#[test]
fn several_locks_come_together_and_in_order() {
    let mut driver = Driver::new(0);
    let body = |names: &[&str], id: &str, n: i64| {
        let names: Data = names.iter().copied().collect();
        Data::map([("names", names), ("id", text(id)), ("n", n.into())])
    };
    assert_eq!(
        now(&mut driver, ME, "multilock.acquire", body(&["x", "y", "z"], "a", 2)),
        Ok(true.into())
    );
    let all = driver.ask(YOU, "multilock.acquire", body(&["x", "y", "z"], "b", 3));
    // What is free is kept for who came first.
    let late = driver.ask(YOU, "multilock.acquire", body(&["z"], "c", 1));
    let other = driver.ask(YOU, "multilock.acquire", body(&["w"], "d", 1));
    let mut told = driver.told(YOU);
    assert_eq!(told.pop(), Some(ToClient::Answer { request: other, answer: Ok(true.into()) }));
    assert!(told.is_empty());
    now(&mut driver, ME, "multilock.release", body(&[], "a", 0)).expect("it holds some");
    assert_eq!(answered(&mut driver, YOU, all), is(true));
    now(&mut driver, ME, "multilock.release", body(&[], "b", 0)).expect("it holds some");
    assert_eq!(answered(&mut driver, YOU, late), is(true));
    let none = driver.ask(ME, "multilock.release", body(&[], "b", 0));
    assert_eq!(class(answered(&mut driver, ME, none)), "ValueError");
}

#[test]
fn a_semaphore_has_so_many_leases() {
    let mut driver = Driver::new(0);
    let body = |lease: &str| {
        Data::map([
            ("name", text("s")),
            ("max_leases", 1i64.into()),
            ("lease", text(lease)),
            ("lease_timeout_s", 10.0.into()),
        ])
    };
    let unknown = driver.ask(ME, "semaphore.acquire", body("a"));
    assert_eq!(class(answered(&mut driver, ME, unknown)), "RuntimeError");
    now(&mut driver, ME, "semaphore.register", body("")).expect("registered");
    let other = Data::map([("name", text("s")), ("max_leases", 2i64.into())]);
    let inconsistent = driver.ask(ME, "semaphore.register", other);
    assert_eq!(class(answered(&mut driver, ME, inconsistent)), "ValueError");
    assert_eq!(now(&mut driver, ME, "semaphore.acquire", body("a")), Ok(true.into()));
    let second = driver.ask(YOU, "semaphore.acquire", body("b"));
    driver.pass(8.0);
    assert_eq!(now(&mut driver, ME, "semaphore.refresh", body("a")), Ok(true.into()));
    driver.pass(8.0);
    assert_eq!(answered(&mut driver, YOU, second), None);
    // Nobody refreshes it: it ends.
    driver.pass(8.0);
    assert_eq!(answered(&mut driver, YOU, second), is(true));
    assert_eq!(now(&mut driver, ME, "semaphore.refresh", body("a")), Ok(false.into()));
    assert_eq!(now(&mut driver, ME, "semaphore.release", body("a")), Ok(false.into()));
    assert_eq!(now(&mut driver, ME, "semaphore.value", body("")), Ok(1i64.into()));
    let third = driver.ask(ME, "semaphore.acquire", body("c"));
    now(&mut driver, YOU, "semaphore.close", body("")).expect("closed");
    assert_eq!(class(answered(&mut driver, ME, third)), "RuntimeError");
    assert_eq!(driver.scheduler.deadline(), None);
}

#[test]
fn an_event_wakes_all_who_wait() {
    let mut driver = Driver::new(0);
    let body = || Data::map([("name", text("e"))]);
    let soon = Data::map([("name", text("e")), ("timeout_s", 1.0.into())]);
    let short = driver.ask(ME, "event.wait", soon);
    let long = driver.ask(YOU, "event.wait", body());
    driver.pass(2.0);
    assert_eq!(answered(&mut driver, ME, short), is(false));
    now(&mut driver, ME, "event.set", body()).expect("set");
    assert_eq!(answered(&mut driver, YOU, long), is(true));
    assert_eq!(now(&mut driver, ME, "event.wait", body()), Ok(true.into()));
    now(&mut driver, ME, "event.clear", body()).expect("cleared");
    assert_eq!(now(&mut driver, ME, "event.is_set", body()), Ok(false.into()));
}

fn queue(more: &[(&str, Data)]) -> Data {
    let mut entries = vec![("name".into(), text("q"))];
    entries.extend(more.iter().map(|(name, value)| ((*name).into(), value.clone())));
    Data::Map(entries)
}

#[test]
fn a_queue_keeps_its_order_and_its_size() {
    let mut driver = Driver::new(0);
    now(&mut driver, ME, "queue.create", queue(&[("maxsize", 2i64.into())])).expect("created");
    let early = driver.ask(YOU, "queue.get", queue(&[]));
    for i in 0..3i64 {
        now(&mut driver, ME, "queue.put", queue(&[("value", i.into())])).expect("room");
    }
    assert_eq!(answered(&mut driver, YOU, early), Some(Ok(0i64.into())));
    let full = driver.ask(ME, "queue.put", queue(&[("value", 3i64.into())]));
    let never =
        driver.ask(ME, "queue.put", queue(&[("value", 9i64.into()), ("timeout_s", 1.0.into())]));
    driver.pass(2.0);
    let told = driver.told(ME);
    assert!(
        matches!(&told[..], [ToClient::Answer { request, answer: Err(e) }]
            if *request == never && &*e.class == "TimeoutError"),
        "{told:?}"
    );
    assert_eq!(now(&mut driver, YOU, "queue.get", queue(&[])), Ok(1i64.into()));
    assert_eq!(answered(&mut driver, ME, full), Some(Ok(Data::Nil)));
    assert_eq!(now(&mut driver, YOU, "queue.qsize", queue(&[])), Ok(2i64.into()));
    let all = now(&mut driver, YOU, "queue.get", queue(&[("batch", true.into())]));
    assert_eq!(all, Ok([2i64, 3].into_iter().collect()));
}

#[test]
fn a_batch_comes_as_a_whole_or_stays() {
    let mut driver = Driver::new(0);
    let batch = || queue(&[("batch", 3i64.into()), ("timeout_s", 5.0.into())]);
    let late = driver.ask(YOU, "queue.get", batch());
    for i in 0..2i64 {
        now(&mut driver, ME, "queue.put", queue(&[("value", i.into())])).expect("room");
    }
    driver.pass(6.0);
    assert_eq!(class(answered(&mut driver, YOU, late)), "TimeoutError");
    let again = driver.ask(YOU, "queue.get", batch());
    now(&mut driver, ME, "queue.put", queue(&[("value", 2i64.into())])).expect("room");
    assert_eq!(answered(&mut driver, YOU, again), Some(Ok([0i64, 1, 2].into_iter().collect())));
}

#[test]
fn a_key_in_a_queue_is_held_and_handed_over() {
    let mut driver = Driver::new(1);
    driver.submit(ME, "x", &[]);
    driver.run_all();
    let value = Data::map([("key", Data::Key(key("x")))]);
    now(&mut driver, ME, "queue.put", queue(&[("value", value.clone())])).expect("room");
    driver.client(ME, FromClient::Release(vec![key("x")]));
    driver.event(Event::ClientLost(ME));
    assert_eq!(driver.scheduler.state_of(&key("x")), Some(State::Memory));
    assert_eq!(now(&mut driver, YOU, "queue.get", queue(&[])), Ok(value));
    assert_eq!(driver.scheduler.state_of(&key("x")), Some(State::Memory));
    driver.client(YOU, FromClient::Release(vec![key("x")]));
    assert_eq!(driver.scheduler.state_of(&key("x")), None);
}

#[test]
fn a_queue_goes_with_its_last_user() {
    let mut driver = Driver::new(1);
    driver.submit(ME, "x", &[]);
    driver.run_all();
    now(&mut driver, ME, "queue.create", queue(&[])).expect("created");
    let value = Data::Key(key("x"));
    now(&mut driver, ME, "queue.put", queue(&[("value", value)])).expect("room");
    driver.client(ME, FromClient::Release(vec![key("x")]));
    now(&mut driver, ME, "queue.release", queue(&[])).expect("known");
    assert_eq!(driver.scheduler.state_of(&key("x")), None);
    let mut waits = queue(&[]);
    now(&mut driver, ME, "queue.create", waits.clone()).expect("created");
    let waiting = driver.ask(YOU, "queue.get", std::mem::take(&mut waits));
    now(&mut driver, ME, "queue.release", queue(&[])).expect("known");
    assert_eq!(class(answered(&mut driver, YOU, waiting)), "RuntimeError");
}

#[test]
fn a_variable_holds_its_value() {
    let mut driver = Driver::new(1);
    let body = |value: Data| Data::map([("name", text("v")), ("value", value)]);
    let soon = Data::map([("name", text("v")), ("timeout_s", 1.0.into())]);
    let late = driver.ask(YOU, "variable.get", soon);
    driver.pass(2.0);
    assert_eq!(class(answered(&mut driver, YOU, late)), "TimeoutError");
    let waits = driver.ask(YOU, "variable.get", body(Data::Nil));
    driver.submit(ME, "x", &[]);
    now(&mut driver, ME, "variable.set", body(Data::Key(key("x")))).expect("set");
    assert_eq!(answered(&mut driver, YOU, waits), Some(Ok(Data::Key(key("x")))));
    driver.client(ME, FromClient::Release(vec![key("x")]));
    driver.client(YOU, FromClient::Release(vec![key("x")]));
    assert!(driver.scheduler.state_of(&key("x")).is_some());
    now(&mut driver, ME, "variable.set", body(5i64.into())).expect("set");
    assert_eq!(driver.scheduler.state_of(&key("x")), None);
    now(&mut driver, ME, "variable.delete", body(Data::Nil)).expect("deleted");
    driver.ask(YOU, "variable.get", body(Data::Nil));
    driver.event(Event::ClientLost(YOU));
}

#[test]
fn data_sets_stay_until_they_are_unpublished() {
    let mut driver = Driver::new(1);
    let name = Data::Key(Key::from("x"));
    let body = |replaces: bool| {
        Data::map([
            ("name", name.clone()),
            ("data", text("pickle")),
            ("keys", [Data::Key(key("x"))].into_iter().collect()),
            ("override", replaces.into()),
        ])
    };
    let missing = driver.ask(ME, "publish.get", body(false));
    assert_eq!(class(answered(&mut driver, ME, missing)), "KeyError");
    driver.submit(ME, "x", &[]);
    now(&mut driver, ME, "publish.put", body(false)).expect("published");
    let twice = driver.ask(ME, "publish.put", body(false));
    assert_eq!(class(answered(&mut driver, ME, twice)), "KeyError");
    now(&mut driver, ME, "publish.put", body(true)).expect("published again");
    driver.event(Event::ClientLost(ME));
    assert!(driver.scheduler.state_of(&key("x")).is_some());
    assert_eq!(
        now(&mut driver, YOU, "publish.list", Data::Nil),
        Ok([name.clone()].into_iter().collect())
    );
    let got = now(&mut driver, YOU, "publish.get", body(false)).expect("published");
    assert_eq!(got.get("data"), Some(&text("pickle")));
    now(&mut driver, YOU, "publish.delete", body(false)).expect("unpublished");
    driver.client(YOU, FromClient::Release(vec![key("x")]));
    assert_eq!(driver.scheduler.state_of(&key("x")), None);
}

#[test]
fn metadata_is_a_tree() {
    let mut driver = Driver::new(0);
    let path = |keys: &[&str]| -> Data { keys.iter().copied().collect() };
    let set =
        |keys: &[&str], value: i64| Data::map([("keys", path(keys)), ("value", value.into())]);
    now(&mut driver, ME, "metadata.set", set(&["a", "b"], 1)).expect("set");
    now(&mut driver, ME, "metadata.set", set(&["a", "c"], 2)).expect("set");
    let get = |keys: &[&str]| Data::map([("keys", path(keys))]);
    let tree = Data::map([("b", 1i64.into()), ("c", 2i64.into())]);
    assert_eq!(now(&mut driver, YOU, "metadata.get", get(&["a"])), Ok(tree));
    let missing = driver.ask(YOU, "metadata.get", get(&["a", "d"]));
    assert_eq!(class(answered(&mut driver, YOU, missing)), "KeyError");
    let default = Data::map([("keys", path(&["d"])), ("default", Data::Nil)]);
    assert_eq!(now(&mut driver, YOU, "metadata.get", default), Ok(Data::Nil));
}

#[test]
fn topics_tell_those_who_have_subscribed() {
    let mut driver = Driver::new(0);
    let topic = |name: &str| Data::map([("topic", text(name)), ("body", 1i64.into())]);
    now(&mut driver, YOU, "topic.subscribe", topic("t")).expect("subscribed");
    driver.pass(2.0);
    now(&mut driver, ME, "topic.log", topic("t")).expect("logged");
    let body = Data::List(vec![1002.0.into(), 1i64.into()]);
    let push = ToClient::Push { topic: "t".into(), body: body.clone() };
    assert_eq!(driver.told(YOU), [push]);
    now(&mut driver, YOU, "topic.unsubscribe", topic("t")).expect("unsubscribed");
    now(&mut driver, ME, "topic.log", topic("t")).expect("logged");
    assert_eq!(driver.told(YOU), []);
    let events = now(&mut driver, ME, "topic.events", topic("t")).expect("known");
    assert_eq!(events.items().len(), 2);
    assert_eq!(events.items()[0], body);
    let all = now(&mut driver, ME, "topic.events", Data::Nil).expect("known");
    assert!(all.get("clients").is_some_and(|events| events.items().len() == 2));
}
