//! Clients that outlive their scheduler: they join the one that listens at its address by then.
//!
//! A link goes on over other connections as long as the scheduler knows it. When it does not, it is another scheduler
//! (a new *epoch*): the client greets it as a new one, and its machine presents what it has.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use oxidask_sched::message::{ClientInfo, FromClient, ToClient};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::join::Joining;
use super::outbox::Posted;
use crate::cluster::client::ClientNode;
use crate::cluster::link::Outbox;
use crate::wire::transport::{AsClient, ConnectError, End, Inbox, Sender, connect};

/// The way to the scheduler that there is.
pub(super) struct Way(Mutex<Posted<FromClient>>);

impl Way {
    fn set(&self, sender: Sender<FromClient>) {
        *self.0.lock() = Posted::new(sender);
    }

    fn now(&self) -> Posted<FromClient> {
        self.0.lock().clone()
    }
}

/// [`Way`] as a node has it.
pub(super) struct To(pub(super) Arc<Way>);

impl Outbox<FromClient> for To {
    fn post(&self, messages: Vec<FromClient>) {
        self.0.now().post(messages);
    }

    fn post_later(&self, messages: Vec<FromClient>) {
        self.0.now().post_later(messages);
    }

    fn flush(&self) {
        self.0.now().flush();
    }

    fn close(&self) {
        self.0.now().close();
    }
}

/// The client's end of its link.
#[derive(Clone)]
pub(super) struct Returning {
    joining: Joining,
    name: Arc<str>,
    io: Handle,
    node: Weak<ClientNode>,
    /// Empty until the first link.
    way: Arc<Mutex<Weak<Way>>>,
}

/// Waits between attempts grow from this to a second.
const FIRST_WAIT: Duration = Duration::from_millis(10);

impl Returning {
    /// Joins for the first time: the way to the scheduler, and the client's number.
    pub(super) async fn join(
        node: &Arc<ClientNode>,
        io: Handle,
        joining: Joining,
        name: Arc<str>,
    ) -> Result<(Arc<Way>, u32), ConnectError> {
        let way = Arc::default();
        let this = Self { joining, name, io, node: Arc::downgrade(node), way };
        let (sender, number) = this.connect().await?;
        let way = Arc::new(Way(Mutex::new(Posted::new(sender))));
        *this.way.lock() = Arc::downgrade(&way);
        Ok((way, number))
    }

    async fn connect(&self) -> Result<(Sender<FromClient>, u32), ConnectError> {
        let Joining { scheduler, options, security, .. } = self.joining.clone();
        let role = AsClient(ClientInfo { name: self.name.clone() });
        let link = connect(&scheduler, role, options, security, |_| self.clone()).await?;
        Ok((link.sender, link.number))
    }

    /// Joins the next scheduler. If none comes in time, or it doesn't want this client, the client is closed.
    async fn again(self) {
        let end = Instant::now() + self.joining.options.linger;
        let mut wait = FIRST_WAIT;
        loop {
            let Some(node) = self.node.upgrade().filter(|node| !node.is_closed()) else { return };
            node.forget_peers();
            match self.connect().await {
                Ok((sender, _)) => {
                    let way = self.way.lock().upgrade().filter(|_| !node.is_closed());
                    let Some(way) = way else {
                        sender.close();
                        return node.close();
                    };
                    return node.new_epoch(|| way.set(sender));
                }
                Err(error) if error.may_pass() && Instant::now() < end => {
                    drop(node);
                    sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(1));
                }
                Err(_) => return node.close(),
            }
        }
    }
}

impl Inbox<ToClient> for Returning {
    fn deliver(&mut self, messages: &mut Vec<ToClient>) {
        if let Some(node) = self.node.upgrade() {
            node.told(messages.drain(..));
        }
    }

    fn ended(&mut self, end: End) {
        let Some(node) = self.node.upgrade() else { return };
        match end {
            End::Closed => node.close(),
            End::Lost(_) => {
                let again: Pin<Box<dyn Future<Output = ()> + Send>> =
                    Box::pin(self.clone().again());
                self.io.spawn(again);
            }
        }
    }
}
