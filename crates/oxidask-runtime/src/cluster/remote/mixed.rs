//! Workers and clients in their scheduler's process, beside those of other processes.

use std::sync::Arc;

use super::join::{Joining, answer_peers};
use super::peers::RemotePeers;
use crate::cluster::here::join_here;
use crate::cluster::inline::InlineForm;
use crate::cluster::scheduler::SchedulerNode;
use crate::cluster::worker::{NewWorker, WorkerNode};
use crate::wire::address::Address;
use crate::wire::transport::{IoThread, ListenError, Listener};

/// From now on workers and clients in the scheduler's process get values of workers elsewhere. Only the first call
/// counts.
pub fn reach_others(scheduler: &SchedulerNode, io: &IoThread, joining: &Joining) {
    let Joining { scheduler: address, options, security, families } = joining.clone();
    let name: Arc<str> = address.to_string().into();
    let peers = RemotePeers::new(io.handle().clone(), name, options, security, families);
    scheduler.workers_here().reach_others(peers);
}

/// As [`join_here`], for a worker that others can get values from: it listens at `listen`, under the address
/// that it gets there.
///
/// # Errors
/// If it can't listen.
pub fn join_here_listening(
    scheduler: &Arc<SchedulerNode>,
    io: &IoThread,
    joining: &Joining,
    listen: &Address,
    mut new: NewWorker,
    inline: InlineForm,
) -> Result<(Arc<WorkerNode>, Address), ListenError> {
    let Joining { options, security, families, .. } = joining.clone();
    let listener = io.handle().block_on(Listener::bind(listen, options, security))?;
    let address = listener.address().clone();
    new.info.address = address.to_string().into();
    let node = join_here(scheduler, new, inline);
    io.handle().spawn(answer_peers(Arc::downgrade(&node), families, listener));
    Ok((node, address))
}
