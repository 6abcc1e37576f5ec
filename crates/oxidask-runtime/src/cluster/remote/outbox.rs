//! Posting over a link: messages are queued at once, and written when no lock is held.

use std::sync::Arc;

use crate::cluster::link::Outbox;
use crate::cluster::turn::{Node, make_due};
use crate::wire::codec::Message;
use crate::wire::transport::Sender;

/// The way to a node of another process.
pub(super) struct Posted<T>(Arc<Flushed<T>>);

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
}

impl<T: Message + Send + Sync + 'static> Node for Flushed<T> {
    fn turn(&self) {
        self.0.flush();
    }
}
