//! Values of futures: those that came with the news of them, and those that workers are asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use oxidask_core::key::Key;
use oxidask_core::op::TaskError;
use oxidask_core::value::{CodecError, Value};
use oxidask_sched::client::{Event, Settlement};
use oxidask_sched::ids::{TaskId, WorkerId};
use oxidask_sched::message::{Input, TaskFailure};
use rustc_hash::FxHashMap;

use super::ClientNode;

/// What is known of a result without asking a worker.
enum Near {
    Known(Result<Value, ClusterError>),
    /// A worker has it.
    Far,
    /// It is not there, or not any more.
    Open,
}

/// Why a result can't be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClusterError {
    /// The task, or one that it reads, has failed.
    #[error("{}", .0.text)]
    Failed(Arc<TaskFailure>),
    /// The task was cancelled, or was released before.
    #[error("{0} was cancelled, or its future was released")]
    Cancelled(Key),
    /// The result came, and can't be read here.
    #[error("the result of {0} can't be had: {1}")]
    Codec(Key, CodecError),
    /// It can't be brought here from the worker that holds it.
    #[error("the result of {0} can't be had: {1}")]
    Unreadable(Key, Arc<str>),
    /// The client is closed.
    #[error("the client is closed: {0} can't be had any more; connect again")]
    Closed(Key),
    /// It took longer than the caller would wait.
    #[error("{key} has no result after {seconds} s")]
    TimedOut {
        /// The task.
        key: Key,
        /// How long was waited.
        seconds: f64,
    },
}

impl ClusterError {
    /// The failure of the task's own code, if that is what it is and it comes from this process.
    #[must_use]
    pub fn task_error(&self) -> Option<&TaskError> {
        match self {
            Self::Failed(failure) => failure.bytes.downcast_ref(),
            _ => None,
        }
    }
}

impl ClientNode {
    /// Waits for futures and gives their values.
    ///
    /// # Errors
    /// With the first of them that has none.
    pub fn gather(
        &self,
        keys: &[Key],
        timeout: Option<Duration>,
    ) -> Result<Vec<Value>, ClusterError> {
        let all = self.gather_each(keys, timeout.map(|timeout| Instant::now() + timeout));
        all.into_iter()
            .zip(keys)
            .map(|(value, key)| match value {
                Some(value) => value,
                None => {
                    let seconds = timeout.unwrap_or_default().as_secs_f64();
                    Err(ClusterError::TimedOut { key: key.clone(), seconds })
                }
            })
            .collect()
    }

    /// Waits for futures and gives what became of each; none if `until` comes before.
    #[must_use]
    pub fn gather_each(
        &self,
        keys: &[Key],
        until: Option<Instant>,
    ) -> Vec<Option<Result<Value, ClusterError>>> {
        let mut results: Vec<Option<Result<Value, ClusterError>>> = Vec::new();
        results.resize_with(keys.len(), || None);
        // A value may be lost between the news and the fetch: then it is waited for again.
        let mut open: Vec<usize> = (0..keys.len()).collect();
        loop {
            let waited: Vec<Key> = open.iter().map(|&i| keys[i].clone()).collect();
            let all = self.wait_all(&waited, until);
            let mut far = Vec::new();
            let mut lost = Vec::new();
            let held = self.held(&waited);
            for ((&i, key), held) in open.iter().zip(&waited).zip(held) {
                match self.near(key, held) {
                    Near::Known(result) => results[i] = Some(result),
                    Near::Far => far.push(i),
                    Near::Open => lost.push(i),
                }
            }
            let fetched = self.fetch(far.iter().map(|&i| keys[i].clone()).collect());
            for (i, value) in far.into_iter().zip(fetched) {
                match value {
                    Some(value) => results[i] = Some(value),
                    None => lost.push(i),
                }
            }
            if lost.is_empty() || !all {
                return results;
            }
            lost.sort_unstable();
            open = lost;
        }
    }

    fn held(&self, keys: &[Key]) -> Vec<bool> {
        self.shared.with(&self.this, |state| {
            keys.iter().map(|key| state.machine.state_of(key).is_some()).collect()
        })
    }

    /// What is known here of a result.
    fn near(&self, key: &Key, is_held: bool) -> Near {
        let known = self.known.lock();
        let (settlement, closed) = (known.settled.get(key).cloned(), known.closed);
        drop(known);
        match settlement {
            Some(Settlement::Failed(failure)) => Near::Known(Err(ClusterError::Failed(failure))),
            Some(Settlement::Cancelled) => Near::Known(Err(ClusterError::Cancelled(key.clone()))),
            Some(Settlement::Finished { inline, .. }) => match inline {
                Some(inline) => Near::Known(
                    self.families
                        .value(&inline)
                        .map_err(|error| ClusterError::Codec(key.clone(), error)),
                ),
                None if closed => Near::Known(Err(ClusterError::Closed(key.clone()))),
                None => Near::Far,
            },
            None if closed => Near::Known(Err(ClusterError::Closed(key.clone()))),
            None if !is_held => Near::Known(Err(ClusterError::Cancelled(key.clone()))),
            None => Near::Open,
        }
    }

    /// Values from workers that hold them; none where one has to be looked for again.
    fn fetch(&self, keys: Vec<Key>) -> Vec<Option<Result<Value, ClusterError>>> {
        let mut values: Vec<Option<Result<Value, ClusterError>>> = Vec::new();
        values.resize_with(keys.len(), || None);
        if keys.is_empty() {
            return values;
        }
        let Some(places) = self.locate(&keys) else { return values };
        let mut by_holder: BTreeMap<WorkerId, Vec<(usize, TaskId)>> = BTreeMap::new();
        for (i, place) in places.into_iter().enumerate() {
            if let Some(Input { task, place }) = place
                && let Some(holder) = place.holders.first()
            {
                by_holder.entry(*holder).or_default().push((i, task));
            }
        }
        let (give, take) = mpsc::channel();
        for (&holder, asked) in &by_holder {
            let give = give.clone();
            let tasks = asked.iter().map(|&(_, task)| task).collect();
            let then = Box::new(move |fetched| _ = give.send((holder, fetched)));
            self.peers.fetch(holder, tasks, then);
        }
        drop(give);
        while let Ok((holder, fetched)) = take.recv() {
            let mut fetched: FxHashMap<TaskId, Result<Value, Arc<str>>> =
                fetched.unwrap_or_default().into_iter().collect();
            let mut absent = Vec::new();
            for (i, task) in by_holder.get(&holder).into_iter().flatten() {
                let value = fetched.remove(task);
                let unreadable = |reason| ClusterError::Unreadable(keys[*i].clone(), reason);
                values[*i] = value.map(|value| value.map_err(unreadable));
                if values[*i].is_none() {
                    absent.push((keys[*i].clone(), holder));
                }
            }
            if !absent.is_empty() {
                self.handle(Event::Unfetched(absent));
            }
        }
        values
    }
}
