//! A scheduler that workers and clients of other processes join.

use std::sync::Arc;

use oxidask_sched::ids::{ClientId, WorkerId};
use oxidask_sched::message::{Event, FromClient, FromWorker};

use super::outbox::{Posted, ToClientElsewhere, ToWorkerElsewhere};
use crate::cluster::scheduler::SchedulerNode;
use crate::wire::greeting::RefusalCode;
use crate::wire::transport::{End, Inbox, Incoming, Listener};

/// Lets in who comes to the listener, until that is gone. Runs within the listener's event loop.
pub async fn serve(scheduler: Arc<SchedulerNode>, mut listener: Listener, epoch: u64) {
    while let Some(incoming) = listener.accept().await {
        match incoming {
            Incoming::Worker(info, offer) => {
                let id = scheduler.next_worker();
                let node = scheduler.clone();
                let sender = offer.accept(id.0, epoch, |_| FromRemoteWorker { id, node });
                let (way, weak) = (Posted::new(sender), Arc::downgrade(&scheduler));
                let outbox = ToWorkerElsewhere { id, scheduler: weak, way };
                scheduler.join(id, info, Arc::new(outbox));
            }
            Incoming::Client(info, offer) => {
                let id = scheduler.next_client();
                let node = scheduler.clone();
                let sender = offer.accept(id.0, epoch, |_| FromRemoteClient { id, node });
                scheduler.client_came(id, info, Arc::new(ToClientElsewhere(Posted::new(sender))));
            }
            Incoming::Peer(_, offer) => {
                offer.refuse(RefusalCode::Role, "this is a scheduler: values are with workers");
            }
        }
    }
}

fn how(end: End) -> Arc<str> {
    match end {
        End::Closed => "it left".into(),
        End::Lost(reason) => reason,
    }
}

struct FromRemoteWorker {
    id: WorkerId,
    node: Arc<SchedulerNode>,
}

impl Inbox<FromWorker> for FromRemoteWorker {
    fn deliver(&mut self, messages: &mut Vec<FromWorker>) {
        self.node.heard_worker(self.id, messages.drain(..));
    }

    fn ended(&mut self, end: End) {
        self.node.happened(Event::WorkerLost(self.id, how(end)));
    }
}

struct FromRemoteClient {
    id: ClientId,
    node: Arc<SchedulerNode>,
}

impl Inbox<FromClient> for FromRemoteClient {
    fn deliver(&mut self, messages: &mut Vec<FromClient>) {
        self.node.heard_client(self.id, messages.drain(..));
    }

    fn ended(&mut self, _: End) {
        self.node.happened(Event::ClientLost(self.id));
    }
}
