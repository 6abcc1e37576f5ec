//! Submissions that are taken in a few tasks at a time.

use oxidask_core::key::{Group, Key};
use oxidask_sched::content::Content;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{
    Blob, Cause, FromClient, InputRef, NewTask, RunSpec, Submission, ToClient, ToWorker,
};

use crate::driver::{A, Driver, ME, key};

fn task(name: &str, inputs: Vec<InputRef>, wanted: bool) -> NewTask {
    let run = RunSpec { blob: 0, block: 0, payload: Content::new() };
    NewTask { key: key(name), run, inputs, wanted, annotations: 0 }
}

fn submission(tasks: Vec<NewTask>) -> FromClient {
    let blob = Blob { hash: BlobHash(1), family: "test".into(), bytes: vec![1].into() };
    FromClient::Submit(Submission { blobs: vec![blob], tasks, ..Submission::default() })
}

#[test]
fn what_fails_at_once_is_there_for_those_who_read_it_later() {
    let mut driver = Driver::new(1);
    let mut tasks = vec![task("bad", vec![InputRef::Known(key("nobody"))], false)];
    for i in 0..1000 {
        tasks.push(task(&format!("t{i}"), vec![], true));
    }
    tasks.push(task("late", vec![InputRef::Local(0)], true));
    driver.client(ME, submission(tasks));
    let failed: Vec<_> = driver
        .told(ME)
        .into_iter()
        .filter_map(|message| match message {
            ToClient::Failed { key, failure } => Some((key, failure)),
            _ => None,
        })
        .collect();
    let [(failed, failure)] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!((failed, &failure.origin), (&key("late"), &key("bad")));
    assert_eq!(failure.cause, Cause::UnknownInput(key("nobody")));
}

#[test]
fn what_nobody_needs_is_forgotten() {
    let mut driver = Driver::new(1);
    let tasks = vec![
        task("a", vec![], false),
        task("b", vec![InputRef::Local(0)], false),
        task("c", vec![], true),
    ];
    driver.client(ME, submission(tasks));
    assert_eq!(driver.scheduler.counts().tasks, 1);
}

#[test]
fn only_those_who_were_sent_a_blob_are_told_to_drop_it() {
    let mut driver = Driver::new(2);
    driver.client(ME, submission(vec![task("a", vec![], true)]));
    driver.run_all();
    driver.client(ME, FromClient::DropBlobs(vec![BlobHash(1)]));
    driver.said.clear();
    driver.client(ME, FromClient::Release(vec![key("a")]));
    let dropped = |driver: &mut Driver, id| {
        driver.sent(id).iter().filter(|m| matches!(m, ToWorker::DropBlob(_))).count()
    };
    let n = [A, crate::driver::B].map(|id| dropped(&mut driver, id));
    assert_eq!(n.iter().sum::<usize>(), 1, "{n:?}");
}

#[test]
fn tasks_are_charged_what_is_known_when_they_are_sent() {
    let mut driver = Driver::new(1);
    let group = Group::new("f");
    let tasks = (0..10)
        .map(|i| NewTask { key: Key::with_token(group.clone(), i), ..task("", vec![], true) });
    driver.client(ME, submission(tasks.collect()));
    // Nothing is known of f at first: one runs and one is sent ahead.
    for _ in 0..2 {
        let (worker, compute) = driver.computes().remove(0);
        driver.finish_in(worker, compute.task, compute.run, 1e-6);
    }
    // A millisecond of work is sent ahead: with a microsecond each, that is all.
    assert_eq!(driver.computes().len(), 8);
}
