//! Who answers what the machines don't know.
//!
//! A scheduler or a worker is asked things that only the process around it can answer: run this function,
//! install that plugin, print your logs. The process gives its node a [`Host`]; without one such questions are
//! refused.

use std::sync::Arc;

use oxidask_sched::data::{Answer, AskError, Data};

/// Takes the answer to one question, once. From any thread, now or later.
pub type Reply = Box<dyn FnOnce(Answer) + Send>;

/// Answers questions by name.
pub trait Host: Send + Sync {
    /// Answers, now or later. Does not block: it is called on a thread that serves others too, which holds a
    /// node's lock.
    fn ask(&self, verb: Arc<str>, body: Data, reply: Reply);

    /// The scheduler's process has subscribed to a topic, and something was said about it. Does not block, as
    /// [`Host::ask`].
    fn push(&self, topic: Arc<str>, body: Data) {
        let _ = (topic, body);
    }

    /// The worker leaves, and why: the scheduler lets it go, or is gone. Does not block either.
    fn closing(&self, reason: &str) {
        let _ = reason;
    }

    /// A task has left its thread's place: whether the host starts a thread that calls
    /// [`WorkerNode::work`](super::worker::WorkerNode::work) in its stead. If not, the worker does. Called
    /// without a lock, by the task's thread.
    fn thread_needed(&self) -> bool {
        false
    }
}

/// Answers nothing.
pub struct NoHost;

impl Host for NoHost {
    fn ask(&self, verb: Arc<str>, _: Data, reply: Reply) {
        let text = format!(
            "nobody here answers {verb}: this process has no Python; start it with `python -m oxidask`"
        );
        reply(Err(AskError::new("NotImplementedError", text)));
    }
}
