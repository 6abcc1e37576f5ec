//! What tasks share: functions and ops, kept while a task or a client needs them.

use rustc_hash::FxHashMap;

use super::Scheduler;
use super::task::NO_BLOB;
use crate::ids::{BlobHash, WorkerId};
use crate::message::{Action, Blob, ToWorker};

/// All shared parts, by number.
#[derive(Default)]
pub(super) struct Blobs {
    slots: Vec<Option<Entry>>,
    by_hash: FxHashMap<BlobHash, u32>,
    free: Vec<u32>,
}

struct Entry {
    blob: Blob,
    /// Tasks that run it, and clients that rely on its being here.
    users: u32,
    /// Workers that were sent it. Some may be gone.
    sent_to: Vec<WorkerId>,
}

impl Blobs {
    /// The number of a blob; none if its bytes were never sent.
    pub(super) fn number(&mut self, blob: &Blob, has_bytes: bool) -> Option<u32> {
        if let Some(&number) = self.by_hash.get(&blob.hash) {
            return Some(number);
        }
        if !has_bytes {
            return None;
        }
        let entry = Some(Entry { blob: blob.clone(), users: 0, sent_to: Vec::new() });
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = entry;
                number
            }
            None => {
                self.slots.push(entry);
                (self.slots.len() - 1) as u32
            }
        };
        self.by_hash.insert(blob.hash, number);
        Some(number)
    }

    pub(super) fn find(&self, hash: BlobHash) -> Option<u32> {
        self.by_hash.get(&hash).copied()
    }

    pub(super) fn get(&self, number: u32) -> Option<&Blob> {
        self.slots.get(number as usize)?.as_ref().map(|entry| &entry.blob)
    }

    pub(super) fn users(&self, number: u32) -> u32 {
        self.slots.get(number as usize).and_then(Option::as_ref).map_or(0, |entry| entry.users)
    }

    pub(super) fn hold(&mut self, number: u32) {
        if let Some(Some(entry)) = self.slots.get_mut(number as usize) {
            entry.users += 1;
        }
    }

    fn was_sent(&mut self, number: u32, to: WorkerId) {
        if let Some(Some(entry)) = self.slots.get_mut(number as usize) {
            entry.sent_to.push(to);
        }
    }

    /// One user less. With the last one it is gone, and those who were sent it are given.
    fn let_go(&mut self, number: u32) -> Option<Vec<WorkerId>> {
        let Some(Some(entry)) = self.slots.get_mut(number as usize) else { return None };
        entry.users -= 1;
        if entry.users > 0 {
            return None;
        }
        let hash = entry.blob.hash;
        let sent_to = std::mem::take(&mut entry.sent_to);
        self.slots[number as usize] = None;
        self.by_hash.remove(&hash);
        self.free.push(number);
        Some(sent_to)
    }
}

impl Scheduler {
    /// One user less; workers that have the blob drop it with the last one.
    pub(super) fn let_go_of_blob(&mut self, number: u32, actions: &mut Vec<Action>) {
        if number == NO_BLOB {
            return;
        }
        for id in self.blobs.let_go(number).into_iter().flatten() {
            if let Some(worker) = self.workers.get_mut(id)
                && worker.blobs.remove(&number)
            {
                actions.push(Action::Worker(id, ToWorker::DropBlob(number)));
            }
        }
    }

    /// Sends a worker the blob that it has not got.
    pub(super) fn send_blob(&mut self, number: u32, id: WorkerId, actions: &mut Vec<Action>) {
        let (Some(worker), Some(blob)) = (self.workers.get_mut(id), self.blobs.get(number)) else {
            return;
        };
        if worker.blobs.insert(number) {
            actions.push(Action::Worker(id, ToWorker::Blob { number, blob: blob.clone() }));
            self.blobs.was_sent(number, id);
        }
    }
}
