//! Running machines on whichever thread has something for them.
//!
//! A node's machine is behind a lock that nobody waits for here: who posts a message tries it and, with the lock, takes
//! in all that is in the inbox. Who finds the lock taken goes away: the holder looks into the inbox once more after it
//! has let go. Messages that a turn posts to other nodes make those due on the same thread; they have their turns after it,
//! not inside of it, so that no lock is held while another one is tried and nothing recurses.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// A machine and what is around it, `S`, with an inbox of `M`.
pub(super) struct Shared<S, M> {
    state: Mutex<S>,
    inbox: Mutex<Vec<M>>,
}

impl<S, M> Shared<S, M> {
    pub(super) fn new(state: S) -> Self {
        Self { state: Mutex::new(state), inbox: Mutex::new(Vec::new()) }
    }

    /// Puts messages into the inbox. The node is then to be made due.
    pub(super) fn post(&self, messages: impl IntoIterator<Item = M>) {
        self.inbox.lock().extend(messages);
    }

    /// Takes all that is in the inbox.
    pub(super) fn take(&self) -> Vec<M> {
        std::mem::take(&mut *self.inbox.lock())
    }

    /// A turn, unless somebody else has the state. What `take_in` gives is dropped without the lock.
    pub(super) fn turn<G>(&self, mut take_in: impl FnMut(&mut S) -> G) {
        loop {
            let Some(mut state) = self.state.try_lock() else { return };
            let left = take_in(&mut state);
            drop(state);
            drop(left);
            if self.inbox.lock().is_empty() {
                return;
            }
        }
    }

    /// Does something with the state, for which it waits. Those who came in between and went away have
    /// their messages taken in afterwards: `node` is made due.
    pub(super) fn with<R>(
        &self,
        node: &Weak<impl Node + 'static>,
        body: impl FnOnce(&mut S) -> R,
    ) -> R {
        let result = body(&mut self.state.lock());
        if !self.inbox.lock().is_empty()
            && let Some(node) = node.upgrade()
        {
            make_due(node);
        }
        result
    }
}

/// A machine with an inbox.
pub(super) trait Node: Send + Sync {
    /// Takes in what is in the inbox, unless another thread is at it.
    fn turn(&self);
}

thread_local! {
    /// Nodes that are due on this thread; none if no turn is under way.
    static DUE: RefCell<Option<VecDeque<Arc<dyn Node>>>> = const { RefCell::new(None) };
}

/// Gives a node its turn: now, or after the one that is under way on this thread.
pub(super) fn make_due(node: Arc<dyn Node>) {
    let is_first = DUE.with_borrow_mut(|due| match due {
        Some(due) => {
            due.push_back(node.clone());
            false
        }
        None => {
            *due = Some(VecDeque::new());
            true
        }
    });
    if !is_first {
        return;
    }
    let _end = End;
    let mut next = Some(node);
    while let Some(node) = next {
        node.turn();
        next = DUE.with_borrow_mut(|due| due.as_mut().and_then(VecDeque::pop_front));
    }
}

/// Keeps what becomes due from having its turn until `body` is over: for those who hold a node's lock.
pub(super) fn after<R>(body: impl FnOnce() -> R) -> R {
    let is_first = DUE.with_borrow_mut(|due| {
        let is_first = due.is_none();
        due.get_or_insert_with(VecDeque::new);
        is_first
    });
    if !is_first {
        return body();
    }
    let end = End;
    let result = body();
    while let Some(node) = DUE.with_borrow_mut(|due| due.as_mut().and_then(VecDeque::pop_front)) {
        node.turn();
    }
    drop(end);
    result
}

/// Ends the turns of this thread, also by a panic.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        DUE.with_borrow_mut(|due| *due = None);
    }
}
