//! A scheduler that comes back and knows only what it has written down.

use oxidask_sched::client::{Action, Client, ClientConfig, Event, FutureState};
use oxidask_sched::message::{FromClient, ToClient};

use crate::driver::*;

fn driver() -> Driver {
    Driver(Client::new(ClientConfig { resubmits: true, ..ClientConfig::default() }))
}

fn say_want(tasks: &[u32]) -> Action {
    said(FromClient::Want(keys(tasks)))
}

#[test]
fn fences_prove_submissions() {
    let mut driver = driver();
    assert_eq!(driver.submit(&[1]), [submitted(1, &[1]), fence(1)]);
    assert_eq!(driver.submit(&[2]), [short(2, &[2])]);
    // The first is proved; the second needs a fence of its own.
    assert_eq!(driver.fence_is_back(1), [fence(2)]);
    assert_eq!(driver.handle(Event::NewEpoch), [submitted(2, &[2]), say_want(&[1]), fence(4)]);
    assert_eq!(driver.fence_is_back(4), []);
    assert_eq!(driver.handle(Event::NewEpoch), [say_want(&[1, 2])]);
}

#[test]
fn only_what_is_still_wanted_is_presented() {
    let mut driver = driver();
    driver.submit(&[1, 2, 3]);
    driver.release(&[1]);
    driver.cancel(&[2]);
    driver.want(&[4, 5]);
    driver.release(&[4]);
    let mut expected = submission(1, &[1, 2, 3]);
    expected.tasks[0].wanted = false;
    expected.tasks[1].wanted = false;
    let actions = driver.handle(Event::NewEpoch);
    assert_eq!(actions[..2], [said(FromClient::Submit(expected)), say_want(&[5])]);
}

#[test]
fn values_have_to_be_confirmed() {
    let mut driver = driver();
    driver.want(&[1, 2]);
    driver.tell(ready(1));
    driver.tell(ready(2));
    let actions = driver.handle(Event::NewEpoch);
    assert_eq!(actions, [Action::Lost(key(1)), Action::Lost(key(2)), say_want(&[1, 2])]);
    assert_eq!(driver.tell(ready(1)), [finished(1)]);
    driver.tell(ToClient::Cancelled(key(2)));
    assert_eq!(driver.0.state_of(&key(2)), Some(FutureState::Cancelled));
}

#[test]
fn open_requests_are_made_again() {
    let mut driver = driver();
    driver.handle(Event::Locate { request: 3, keys: keys(&[1]) });
    let again = said(FromClient::Locate { request: 3, keys: keys(&[1]) });
    assert_eq!(driver.handle(Event::NewEpoch), [again]);
}

#[test]
fn silence_ends_with_the_epoch() {
    let mut driver = driver();
    driver.want(&[1]);
    driver.release(&[1]);
    assert_eq!(driver.handle(Event::NewEpoch), []);
    assert_eq!(driver.want(&[1]), [say_want(&[1])]);
    driver.cancel(&[1]);
    driver.want(&[1]);
    assert_eq!(driver.handle(Event::NewEpoch), [say_want(&[1])]);
    assert_eq!(driver.tell(ready(1)), [finished(1)]);
}
