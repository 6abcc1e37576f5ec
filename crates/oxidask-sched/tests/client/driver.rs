//! A client, what happens to it, and what it says.

use std::sync::Arc;

use oxidask_core::key::{Group, Key};
use oxidask_sched::client::{Action, Client, ClientConfig, Event, Settlement};
use oxidask_sched::content::Content;
use oxidask_sched::ids::{BlobHash, Time};
use oxidask_sched::message::{
    Blob, Cause, FromClient, NewTask, RunSpec, Submission, TaskFailure, ToClient,
};

pub(crate) fn key(i: u32) -> Key {
    Key::block(Group::new("x"), &[i64::from(i)])
}

pub(crate) fn keys(numbers: &[u32]) -> Vec<Key> {
    numbers.iter().map(|&i| key(i)).collect()
}

pub(crate) fn blob(i: u128, n_bytes: usize) -> Blob {
    Blob { hash: BlobHash(i), family: "python".into(), bytes: vec![1; n_bytes].into() }
}

/// A submission of tasks that are all wanted, and run one function.
pub(crate) fn submission(number: u64, tasks: &[u32]) -> Submission {
    let tasks = tasks.iter().map(|&i| NewTask {
        key: key(i),
        run: RunSpec::default(),
        inputs: Vec::new(),
        wanted: true,
        annotations: 0,
    });
    Submission { number, blobs: vec![blob(1, 10)], annotations: Vec::new(), tasks: tasks.collect() }
}

/// As the scheduler gets it when it has the function.
pub(crate) fn short(number: u64, tasks: &[u32]) -> Action {
    let mut submission = submission(number, tasks);
    submission.blobs[0].bytes = Content::new();
    said(FromClient::Submit(submission))
}

pub(crate) fn submitted(number: u64, tasks: &[u32]) -> Action {
    said(FromClient::Submit(submission(number, tasks)))
}

pub(crate) fn said(message: FromClient) -> Action {
    Action::Scheduler(message)
}

pub(crate) fn fence(number: u64) -> Action {
    said(FromClient::Locate { request: 1 << 63 | number, keys: vec![] })
}

pub(crate) fn ready(i: u32) -> ToClient {
    ToClient::Ready { key: key(i), nbytes: 8, type_name: "int".into(), inline: None }
}

pub(crate) fn failure(i: u32) -> Arc<TaskFailure> {
    let cause = Cause::Raised("builtins.ValueError".into());
    Arc::new(TaskFailure { origin: key(i), cause, text: "no".into(), bytes: Content::new() })
}

pub(crate) fn failed(i: u32) -> ToClient {
    ToClient::Failed { key: key(i), failure: failure(i) }
}

pub(crate) fn settled(i: u32, settlement: Settlement) -> Action {
    Action::Settled { key: key(i), settlement }
}

pub(crate) fn finished(i: u32) -> Action {
    settled(i, Settlement::Finished { nbytes: 8, type_name: "int".into(), inline: None })
}

pub(crate) struct Driver(pub(crate) Client);

impl Driver {
    pub(crate) fn new() -> Self {
        Self(Client::new(ClientConfig::default()))
    }

    pub(crate) fn handle(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.0.handle(Time(0), event, &mut actions);
        assert_eq!(self.0.check_invariants(), Ok(()));
        actions
    }

    pub(crate) fn submit(&mut self, tasks: &[u32]) -> Vec<Action> {
        self.handle(Event::Submit(submission(0, tasks)))
    }

    pub(crate) fn want(&mut self, tasks: &[u32]) -> Vec<Action> {
        self.handle(Event::Want(keys(tasks)))
    }

    pub(crate) fn release(&mut self, tasks: &[u32]) -> Vec<Action> {
        self.handle(Event::Release(keys(tasks)))
    }

    pub(crate) fn cancel(&mut self, tasks: &[u32]) -> Vec<Action> {
        self.handle(Event::Cancel { keys: keys(tasks), force: false })
    }

    pub(crate) fn tell(&mut self, message: ToClient) -> Vec<Action> {
        self.handle(Event::Scheduler(message))
    }

    /// The answer to a fence.
    pub(crate) fn fence_is_back(&mut self, number: u64) -> Vec<Action> {
        self.tell(ToClient::Located { request: 1 << 63 | number, places: vec![] })
    }
}
