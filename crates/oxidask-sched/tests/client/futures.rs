//! Futures: held, settled, lost, cancelled, released, and held again.

use oxidask_sched::client::{Action, Client, ClientConfig, Event, FutureState, Settlement};
use oxidask_sched::data::Data;
use oxidask_sched::ids::{BlobHash, WorkerId};
use oxidask_sched::message::{FromClient, Inline, Location, ToClient};

use crate::driver::*;

fn cancelled(i: u32) -> Action {
    settled(i, Settlement::Cancelled)
}

fn say_cancel(tasks: &[u32]) -> Action {
    said(FromClient::Cancel { keys: keys(tasks), force: false })
}

fn say_release(tasks: &[u32]) -> Action {
    said(FromClient::Release(keys(tasks)))
}

#[test]
fn a_future_is_submitted_settled_and_released() {
    let mut driver = Driver::new();
    assert_eq!(driver.submit(&[1]), [submitted(1, &[1])]);
    assert_eq!(driver.0.state_of(&key(1)), Some(FutureState::Pending));
    let inline = Some(Inline { family: "python".into(), bytes: b"42".as_slice().into() });
    let type_name = std::sync::Arc::<str>::from("int");
    let news = ToClient::Ready {
        key: key(1),
        nbytes: 28,
        type_name: type_name.clone(),
        inline: inline.clone(),
    };
    let settlement = Settlement::Finished { nbytes: 28, type_name, inline };
    assert_eq!(driver.tell(news.clone()), [settled(1, settlement)]);
    assert_eq!(driver.tell(news), []);
    assert_eq!(driver.0.state_of(&key(1)), Some(FutureState::Finished));
    assert_eq!(driver.release(&[1]), [say_release(&[1])]);
    assert_eq!(driver.0.state_of(&key(1)), None);
    assert_eq!(driver.0.n_futures(), 0);
}

#[test]
fn the_scheduler_hears_of_the_first_and_the_last_future_of_a_key() {
    let mut driver = Driver::new();
    assert_eq!(driver.submit(&[1, 2]), [submitted(1, &[1, 2])]);
    assert_eq!(driver.want(&[1]), []);
    assert_eq!(driver.submit(&[1]), []);
    assert_eq!(driver.0.n_held(&key(1)), 3);
    assert_eq!(driver.release(&[1, 1]), []);
    assert_eq!(driver.release(&[2, 1]), [say_release(&[2, 1])]);
    // Nobody has these.
    assert_eq!(driver.release(&[1, 7]), []);
}

#[test]
fn failures_settle_and_retries_open_again() {
    let mut driver = Driver::new();
    driver.submit(&[1, 2]);
    let no = Settlement::Failed(failure(1));
    assert_eq!(driver.tell(failed(1)), [settled(1, no.clone())]);
    assert_eq!(driver.tell(failed(1)), []);
    let retry = Event::Retry(keys(&[1, 2, 3]));
    assert_eq!(driver.handle(retry), [said(FromClient::Retry(keys(&[1])))]);
    assert_eq!(driver.0.state_of(&key(1)), Some(FutureState::Pending));
    assert_eq!(driver.tell(failed(1)), [settled(1, no)]);
    // Another client may ask for it as well.
    assert_eq!(driver.tell(ToClient::Lost(key(1))), [Action::Lost(key(1))]);
    assert_eq!(driver.tell(ready(1)), [finished(1)]);
}

#[test]
fn lost_values_are_settled_anew() {
    let mut driver = Driver::new();
    driver.submit(&[1]);
    assert_eq!(driver.tell(ToClient::Lost(key(1))), []);
    driver.tell(ready(1));
    assert_eq!(driver.tell(ToClient::Lost(key(1))), [Action::Lost(key(1))]);
    assert_eq!(driver.0.state_of(&key(1)), Some(FutureState::Lost));
    assert_eq!(driver.tell(ready(1)), [finished(1)]);
}

#[test]
fn a_cancel_takes_effect_at_once() {
    let mut driver = Driver::new();
    driver.submit(&[1, 2]);
    assert_eq!(driver.cancel(&[1]), [cancelled(1), say_cancel(&[1])]);
    assert_eq!(driver.0.state_of(&key(1)), Some(FutureState::Cancelled));
    assert_eq!(driver.tell(ready(1)), []);
    assert_eq!(driver.tell(ToClient::Cancelled(key(1))), []);
    // Somebody else has cancelled this one. Should it have been submitted again, nobody holds it.
    assert_eq!(driver.tell(ToClient::Cancelled(key(2))), [say_release(&[2]), cancelled(2)]);
    assert_eq!(driver.release(&[1, 2]), []);
}

#[test]
fn news_of_a_former_life_are_not_heard() {
    let mut driver = Driver::new();
    driver.submit(&[1]);
    driver.release(&[1]);
    assert_eq!(driver.tell(ready(1)), []);
    assert_eq!(driver.submit(&[1]), [fence(1), short(2, &[1])]);
    assert_eq!(driver.tell(failed(1)), []);
    assert_eq!(driver.0.state_of(&key(1)), Some(FutureState::Pending));
    assert_eq!(driver.fence_is_back(1), []);
    assert_eq!(driver.tell(ready(1)), [finished(1)]);
}

#[test]
fn a_cancelled_key_that_is_held_anew_is_not_cancelled_by_the_answer() {
    let mut driver = Driver::new();
    driver.submit(&[1, 2]);
    driver.cancel(&[1, 2]);
    // One fence serves both.
    let actions = driver.want(&[1, 2]);
    assert_eq!(actions, [fence(1), said(FromClient::Want(keys(&[1, 2])))]);
    assert_eq!(driver.tell(ToClient::Cancelled(key(1))), []);
    driver.fence_is_back(1);
    assert_eq!(driver.tell(ready(1)), [finished(1)]);
}

#[test]
fn a_key_that_the_scheduler_did_not_know_is_submitted_all_the_same() {
    let mut driver = Driver::new();
    driver.want(&[1]);
    assert_eq!(driver.submit(&[1]), [fence(1), submitted(1, &[1])]);
    // That was the answer to the wish.
    assert_eq!(driver.tell(ToClient::Cancelled(key(1))), []);
    driver.fence_is_back(1);
    assert_eq!(driver.tell(ready(1)), [finished(1)]);
}

#[test]
fn released_keys_are_forgotten_now_and_then() {
    let config = ClientConfig { max_silent: 2, ..ClientConfig::default() };
    let mut driver = Driver(Client::new(config));
    driver.want(&[1, 2, 3, 4]);
    driver.release(&[1]);
    driver.release(&[2]);
    assert_eq!(driver.release(&[3]), [say_release(&[3]), fence(1)]);
    assert_eq!(driver.release(&[4]), [say_release(&[4])]);
    assert_eq!(driver.fence_is_back(1), []);
    // These are new, and this is known still.
    assert_eq!(driver.want(&[1, 2, 3]), [said(FromClient::Want(keys(&[1, 2, 3])))]);
    assert_eq!(driver.want(&[4]), [fence(2), said(FromClient::Want(keys(&[4])))]);
}

#[test]
fn a_refused_submission_fails_what_it_was_to_make() {
    let mut driver = Driver::new();
    driver.submit(&[1]);
    driver.submit(&[1, 2, 3]);
    driver.release(&[3]);
    let reason = std::sync::Arc::<str>::from("no such blob");
    let actions = driver.tell(ToClient::Refused { submission: 2, reason: reason.clone() });
    let [Action::Settled { key: of, settlement: Settlement::Failed(failure) }] = &actions[..]
    else {
        panic!("{actions:?}")
    };
    assert_eq!((of, &failure.text), (&key(2), &reason));
    assert_eq!(driver.0.state_of(&key(1)), Some(FutureState::Pending));
    // The function may be what was wanting.
    assert_eq!(driver.submit(&[4]), [submitted(3, &[4])]);
}

#[test]
fn shared_parts_are_sent_once_and_the_least_used_go() {
    let config = ClientConfig { max_blobs: 2, max_blob_bytes: 100, ..ClientConfig::default() };
    let mut driver = Driver(Client::new(config));
    let mut task = 0;
    let mut sent = |id: u128, n_bytes: usize| {
        task += 1;
        let mut submission = submission(0, &[task]);
        submission.blobs = vec![blob(id, n_bytes)];
        let actions = driver.handle(Event::Submit(submission));
        let mut actions = actions.into_iter();
        let Some(Action::Scheduler(FromClient::Submit(submission))) = actions.next() else {
            panic!("nothing was submitted")
        };
        let dropped = actions.next().map(|action| match action {
            Action::Scheduler(FromClient::DropBlobs(hashes)) => hashes,
            other => panic!("{other:?}"),
        });
        (!submission.blobs[0].bytes.is_empty(), dropped.unwrap_or_default())
    };
    assert_eq!(sent(1, 10), (true, vec![]));
    assert_eq!(sent(2, 10), (true, vec![]));
    assert_eq!(sent(1, 10), (false, vec![]));
    assert_eq!(sent(3, 10), (true, vec![BlobHash(2)]));
    assert_eq!(sent(2, 95), (true, vec![BlobHash(1), BlobHash(3)]));
    // One that is too large by itself is kept while it is in use.
    assert_eq!(sent(4, 500), (true, vec![BlobHash(2)]));
    assert_eq!(sent(4, 500), (false, vec![]));
}

#[test]
fn requests_are_passed_on_and_answered() {
    let mut driver = Driver::new();
    let request = Event::Locate { request: 5, keys: keys(&[1]) };
    let asked = said(FromClient::Locate { request: 5, keys: keys(&[1]) });
    assert_eq!(driver.handle(request), [asked]);
    let answer = ToClient::Located { request: 5, places: vec![None] };
    let places = vec![None];
    assert_eq!(driver.tell(answer.clone()), [Action::Located { request: 5, places }]);
    assert_eq!(driver.tell(answer), []);
    let values = vec![(key(7), Location { holders: vec![WorkerId(1)].into(), nbytes: 8 })];
    let scattered = said(FromClient::Scattered(values.clone()));
    assert_eq!(driver.handle(Event::Scattered(values)), [scattered]);
    assert_eq!(driver.tell(ready(7)), [finished(7)]);
}

#[test]
fn what_is_given_to_nobody_is_let_go_of() {
    let mut driver = Driver::new();
    let answered = |request| {
        let value = Data::map([("key", key(1).into()), ("other", key(2).into())]);
        ToClient::Answer { request, answer: Ok(value) }
    };
    let ask = |request| Event::Ask { request, verb: "queue.get".into(), body: Data::Nil };
    driver.handle(ask(5));
    assert!(matches!(driver.tell(answered(5))[..], [Action::Answer { request: 5, .. }]));
    driver.handle(ask(6));
    assert_eq!(driver.handle(Event::Abandon(6)), [said(FromClient::Abandon(6))]);
    // It was on its way.
    driver.want(&[2]);
    assert_eq!(driver.tell(answered(6)), [say_release(&[1])]);
}
