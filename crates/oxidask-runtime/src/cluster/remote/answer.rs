//! Answering those who ask a worker for its values, or bring some.

use std::fs::File;
use std::sync::{Arc, Weak};

use oxidask_core::value::Encoded;
use oxidask_sched::ids::TaskId;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::memory_file;
use crate::cluster::here::CLOSED;
use crate::cluster::inline::Families;
use crate::cluster::worker::WorkerNode;
use crate::wire::peer::{Parcel, PeerReply, PeerRequest, Shared, ValueName};
use crate::wire::transport::{End, Inbox, SendError, Sender};

/// So many bytes may wait for a peer before the next value is encoded.
const QUEUED_BYTES: usize = 64 << 20;

/// What one peer hears of a worker.
#[derive(Clone)]
pub(super) struct ToPeer {
    worker: Weak<WorkerNode>,
    families: Families,
    sender: Sender<PeerReply>,
    /// Shared memory that the peer has not mapped yet.
    offers: Offers,
}

/// By request and index.
type Offers = Arc<Mutex<FxHashMap<(u64, u32), Arc<Offer>>>>;

/// A value in shared memory.
struct Offer {
    _file: File,
    value: Shared,
}

impl ToPeer {
    pub(super) fn new(
        worker: Weak<WorkerNode>,
        families: Families,
        sender: Sender<PeerReply>,
    ) -> Self {
        Self { worker, families, sender, offers: Arc::default() }
    }

    fn fetch(&self, request: u64, names: &[ValueName], is_near: bool) {
        for (index, name) in names.iter().enumerate() {
            let index = index as u32;
            let reply = match (name, self.worker.upgrade()) {
                (ValueName::Task(task), Some(worker)) => {
                    self.reply(&worker, *task, (request, index), is_near)
                }
                _ => PeerReply::Absent { request, index, reason: None },
            };
            // If the link has ended nobody waits.
            if let Err(SendError::Message(error)) = self.sender.send(reply) {
                let reason = Some(error.to_string().into());
                drop(self.sender.send(PeerReply::Absent { request, index, reason }));
            }
            self.sender.wait_for_room(QUEUED_BYTES);
        }
    }

    fn reply(
        &self,
        worker: &WorkerNode,
        task: TaskId,
        (request, index): (u64, u32),
        is_near: bool,
    ) -> PeerReply {
        let Some(value) = worker.value(task) else {
            return PeerReply::Absent { request, index, reason: None };
        };
        let offered = worker.passing(task).and_then(|offer| offer.downcast::<Offer>().ok());
        if let Some(offer) = offered.filter(|_| is_near) {
            return self.offer(request, index, offer);
        }
        let payload = value.payload();
        let encoded = match payload.encode() {
            Ok(encoded) => encoded,
            Err(error) => {
                let reason = Some(error.to_string().into());
                return PeerReply::Absent { request, index, reason };
            }
        };
        let (family, type_name) = (payload.family().name(), payload.type_name());
        let nbytes = payload.nbytes();
        if is_near
            && large_bytes(&encoded) >= memory_file::LEAST_BYTES
            && let Ok((file, sharing)) = memory_file::offer(&encoded)
        {
            let (family, type_name) = (family.into(), type_name.as_ref().into());
            let header = encoded.header.into();
            let value = Shared { family, type_name, nbytes, header, sharing };
            let offer = Arc::new(Offer { _file: file, value });
            // Others of this machine may want it too.
            worker.pass(task, offer.clone());
            return self.offer(request, index, offer);
        }
        let value = Parcel::new(family, &type_name, nbytes, encoded);
        PeerReply::Value { request, index, value }
    }

    fn offer(&self, request: u64, index: u32, offer: Arc<Offer>) -> PeerReply {
        let value = offer.value.clone();
        self.offers.lock().insert((request, index), offer);
        PeerReply::Shared { request, index, value }
    }

    /// Takes a value that somebody puts here.
    fn put(&self, name: &ValueName, value: Parcel) -> Result<(), Arc<str>> {
        let ValueName::Task(task) = *name else {
            return Err("values are put under the numbers that the scheduler gave them".into());
        };
        let worker = self.worker.upgrade().ok_or(CLOSED)?;
        let Parcel { family, header, buffers, .. } = value;
        let buffers = buffers.into_iter().map(Vec::from).collect();
        let value = self.families.decode(&family, &header, buffers);
        let value = value.map_err(|error| error.to_string())?;
        worker.put(vec![(task, value)]).then_some(()).ok_or_else(|| CLOSED.into())
    }
}

fn large_bytes(encoded: &Encoded) -> u64 {
    encoded.buffers.iter().map(|buffer| (**buffer).as_ref().len() as u64).sum()
}

impl Inbox<PeerRequest> for ToPeer {
    fn deliver(&mut self, messages: &mut Vec<PeerRequest>) {
        for message in messages.drain(..) {
            let this = self.clone();
            // Encoding and decoding may take long, or wait for an interpreter.
            match message {
                PeerRequest::Fetch { request, names } => {
                    tokio::task::spawn_blocking(move || this.fetch(request, &names, false));
                }
                PeerRequest::FetchNear { request, names, machine } => {
                    let is_near = memory_file::machine().is_some_and(|here| here == machine);
                    tokio::task::spawn_blocking(move || this.fetch(request, &names, is_near));
                }
                PeerRequest::Put { request, name, value } => {
                    tokio::task::spawn_blocking(move || {
                        let reply = match this.put(&name, value) {
                            Ok(()) => PeerReply::Held { request },
                            Err(reason) => PeerReply::Declined { request, reason },
                        };
                        // If the link has ended nobody waits.
                        drop(this.sender.send(reply));
                    });
                }
                PeerRequest::Taken { request, index } => {
                    self.offers.lock().remove(&(request, index));
                }
                PeerRequest::Abandon(_) => {}
            }
        }
    }

    fn ended(&mut self, _: End) {
        self.offers.lock().clear();
    }
}
