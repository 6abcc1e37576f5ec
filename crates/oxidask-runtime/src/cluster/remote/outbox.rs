//! Posting over a link: messages are queued at once, and written when no lock is held.

use std::sync::{Arc, Weak};

use oxidask_sched::content::Content;
use oxidask_sched::ids::WorkerId;
use oxidask_sched::message::{Cause, Compute, Event, FromWorker, TaskFailure, ToClient, ToWorker};

use crate::cluster::link::Outbox;
use crate::cluster::scheduler::SchedulerNode;
use crate::cluster::turn::{Node, make_due};
use crate::wire::codec::Message;
use crate::wire::transport::Sender;

/// The way to a node of another process.
pub(super) struct Posted<T>(Arc<Flushed<T>>);

impl<T> Clone for Posted<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Flushed<T>(Sender<T>);

impl<T: Message + Send + Sync + 'static> Posted<T> {
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self(Arc::new(Flushed(sender)))
    }
}

impl<T: Message + Send + Sync + 'static> Outbox<T> for Posted<T> {
    fn post(&self, messages: Vec<T>) {
        for message in messages {
            // A link that has ended tells its inbox, which knows what follows from it.
            drop(self.0.0.push(message));
        }
        make_due(self.0.clone());
    }

    fn post_later(&self, messages: Vec<T>) {
        for message in messages {
            // As above.
            drop(self.0.0.push(message));
        }
        self.0.0.flush_later();
    }

    fn flush(&self) {
        self.0.0.flush();
    }

    fn close(&self) {
        self.0.0.flush();
        self.0.0.close();
    }
}

impl<T: Message + Send + Sync + 'static> Node for Flushed<T> {
    fn turn(&self) {
        self.0.flush();
    }
}

/// The way to a client of another process: values that come as objects of this one stay behind, and are fetched.
pub(super) struct ToClientElsewhere(pub(super) Posted<ToClient>);

impl Outbox<ToClient> for ToClientElsewhere {
    fn post(&self, mut messages: Vec<ToClient>) {
        for message in &mut messages {
            if let ToClient::Ready { inline, .. } = message
                && inline.as_ref().is_some_and(|inline| inline.bytes.as_bytes().is_none())
            {
                *inline = None;
            }
        }
        self.0.post(messages);
    }

    fn close(&self) {
        self.0.close();
    }
}

/// The way to a worker of another process: tasks that are objects of this one can't go there, and fail.
pub(super) struct ToWorkerElsewhere {
    pub(super) id: WorkerId,
    pub(super) scheduler: Weak<SchedulerNode>,
    pub(super) way: Posted<ToWorker>,
}

impl Outbox<ToWorker> for ToWorkerElsewhere {
    fn post(&self, mut messages: Vec<ToWorker>) {
        messages.retain(|message| match message {
            ToWorker::Blob { blob, .. } => blob.bytes.as_bytes().is_some(),
            ToWorker::Compute(compute) if compute.spec.payload.as_bytes().is_none() => {
                self.refuse(compute);
                false
            }
            _ => true,
        });
        self.way.post(messages);
    }

    fn close(&self) {
        self.way.close();
    }
}

impl ToWorkerElsewhere {
    fn refuse(&self, compute: &Compute) {
        let text = "its function is an object of the client's process, and a worker of another one was to run \
                    it; connect the client over the wire";
        let (task, run) = (compute.task, compute.run);
        let failure = TaskFailure {
            origin: compute.key.clone(),
            cause: Cause::Codec,
            text: text.into(),
            bytes: Content::new(),
        };
        let failed = FromWorker::Failed { task, run, failure: Arc::new(failure) };
        if let Some(scheduler) = self.scheduler.upgrade() {
            scheduler.happened(Event::Worker(self.id, failed));
        }
    }
}
