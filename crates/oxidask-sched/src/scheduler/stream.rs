//! The task stream: what was run lately, where and for how long. Costs nothing until it is started.

use std::collections::VecDeque;
use std::sync::Arc;

use oxidask_core::key::Key;
use rustc_hash::FxHashMap;

use super::Scheduler;
use crate::data::Data;
use crate::ids::WorkerId;
use crate::message::{Cause, Finished, TaskFailure};

/// Records that are kept unless those who start it say otherwise.
pub(super) const MOST_KEPT: usize = 100_000;

/// One attempt that has ended.
pub(super) struct Record {
    key: Key,
    worker: Arc<str>,
    name: Arc<str>,
    thread: u32,
    /// Seconds since 1970.
    pub(super) begun_s: f64,
    duration_s: f64,
    nbytes: u64,
    type_name: Arc<str>,
    is_error: bool,
}

impl Record {
    pub(super) fn shown(&self) -> Data {
        Data::map([
            ("key", self.key.clone().into()),
            ("worker", self.worker.clone().into()),
            ("name", self.name.clone().into()),
            ("thread", self.thread.into()),
            ("begun_s", self.begun_s.into()),
            ("duration_s", self.duration_s.into()),
            ("nbytes", self.nbytes.into()),
            ("type", self.type_name.clone().into()),
            ("status", if self.is_error { "error" } else { "OK" }.into()),
        ])
    }

    pub(super) fn end_s(&self) -> f64 {
        self.begun_s + self.duration_s
    }
}

/// The last records.
pub(super) struct Stream {
    pub(super) most: usize,
    pub(super) records: VecDeque<Record>,
    /// When tasks that run have begun, by this scheduler's clock.
    begun: FxHashMap<u32, f64>,
}

impl Stream {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), records: VecDeque::new(), begun: FxHashMap::default() }
    }

    fn push(&mut self, record: Record) {
        while self.records.len() >= self.most {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }
}

impl Scheduler {
    /// A task has begun.
    pub(super) fn stream_begun(&mut self, slot: u32) {
        let now_s = self.wall_s(self.now);
        if let Some(stream) = &mut self.stream {
            stream.begun.insert(slot, now_s);
        }
    }

    /// A task has a value.
    pub(super) fn stream_finished(&mut self, slot: u32, worker: WorkerId, finished: &Finished) {
        let Some(stream) = &mut self.stream else { return };
        let Some(state) = self.workers.get(worker) else { return };
        stream.begun.remove(&slot);
        stream.push(Record {
            key: self.tasks.cold(slot).key.clone(),
            worker: state.info.address.clone(),
            name: state.info.name.clone(),
            thread: finished.thread,
            begun_s: finished.begun_s,
            duration_s: finished.duration_s,
            nbytes: finished.nbytes,
            type_name: finished.type_name.clone(),
            is_error: false,
        });
    }

    /// A task has raised.
    pub(super) fn stream_failed(&mut self, slot: u32, worker: WorkerId, failure: &TaskFailure) {
        let now_s = self.wall_s(self.now);
        let Some(stream) = &mut self.stream else { return };
        let Some(state) = self.workers.get(worker) else { return };
        let begun_s = stream.begun.remove(&slot).unwrap_or(now_s);
        let class: Arc<str> = match &failure.cause {
            Cause::Raised(class) => class.clone(),
            _ => "error".into(),
        };
        stream.push(Record {
            key: self.tasks.cold(slot).key.clone(),
            worker: state.info.address.clone(),
            name: state.info.name.clone(),
            thread: 0,
            begun_s,
            duration_s: now_s - begun_s,
            nbytes: 0,
            type_name: class,
            is_error: true,
        });
    }
}
