//! Python code that answers what the machines don't know.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use oxidask_runtime::cluster::host::{Host, Reply};
use oxidask_sched::data::{Answer, AskError, Data};
use parking_lot::{Condvar, Mutex};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

use super::data;

/// Threads that answer at a time: questions may wait for one another.
const MAX_THREADS: usize = 64;

/// What else Python is called for.
#[derive(Default)]
pub(super) struct Callbacks {
    /// The node is let go, and why.
    pub(super) closing: Option<Py<PyAny>>,
    /// A worker needs one more thread.
    pub(super) thread_needed: Option<Py<PyAny>>,
    /// Something was told on a topic.
    pub(super) pushed: Option<Py<PyAny>>,
}

/// Asks a Python callable, on threads of its own.
pub(super) struct PyHost {
    ask: Py<PyAny>,
    callbacks: Callbacks,
    queue: Mutex<Queue>,
    more: Condvar,
    this: Weak<Self>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// What was pushed, in order.
    pushes: VecDeque<(Arc<str>, Data)>,
    is_pushing: bool,
    n_idle: usize,
    n_threads: usize,
    closed: bool,
}

enum Job {
    Ask(Arc<str>, Data, Reply),
    Closing(String),
    ThreadNeeded,
    Pushes,
}

impl PyHost {
    pub(super) fn new(ask: Py<PyAny>, callbacks: Callbacks) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            ask,
            callbacks,
            queue: Mutex::default(),
            more: Condvar::new(),
            this: this.clone(),
        })
    }

    /// Lets the threads go; what is asked later is refused.
    pub(super) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let jobs = std::mem::take(&mut queue.jobs);
        self.more.notify_all();
        drop(queue);
        for job in jobs {
            refuse(job);
        }
    }

    fn post(&self, job: Job) {
        let mut queue = self.queue.lock();
        if queue.closed {
            drop(queue);
            return refuse(job);
        }
        queue.jobs.push_back(job);
        if queue.jobs.len() <= queue.n_idle {
            self.more.notify_one();
        } else if queue.n_threads < MAX_THREADS
            && let Some(this) = self.this.upgrade()
        {
            let name = "oxidask-host".to_owned();
            // Without another thread those that are there answer later.
            if std::thread::Builder::new().name(name).spawn(move || this.serve()).is_ok() {
                queue.n_threads += 1;
            }
        }
    }

    /// Tells Python what was pushed: one thread at a time, so that the order stays.
    fn tell_pushes(&self) {
        loop {
            let mut queue = self.queue.lock();
            let pushes = std::mem::take(&mut queue.pushes);
            if pushes.is_empty() {
                queue.is_pushing = false;
                return;
            }
            drop(queue);
            // While the interpreter shuts down there is nobody to tell.
            Python::try_attach(|py| {
                for (topic, body) in pushes {
                    let told =
                        data::to_python(py, &body).and_then(|body| match &self.callbacks.pushed {
                            Some(pushed) => pushed.call1(py, (&*topic, body)).map(drop),
                            None => Ok(()),
                        });
                    if let Err(error) = told {
                        error.write_unraisable(py, None);
                    }
                }
            });
        }
    }

    /// Answers now, or when the future that Python gives is done.
    fn answer(&self, py: Python<'_>, verb: &str, body: &Data, reply: &Once) {
        let asked =
            data::to_python(py, body).and_then(|body| self.ask.bind(py).call1((verb, body)));
        let later = asked
            .as_ref()
            .ok()
            .and_then(|asked| asked.getattr_opt(intern!(py, "add_done_callback")).ok().flatten());
        let Some(add) = later else {
            let answer = data::answer_of(py, asked);
            return py.detach(|| give(reply, answer));
        };
        let once = reply.clone();
        let done =
            move |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| -> PyResult<()> {
                let py = args.py();
                let result = args.get_item(0)?.call_method0(intern!(py, "result"));
                let answer = data::answer_of(py, result);
                py.detach(|| give(&once, answer));
                Ok(())
            };
        let added =
            PyCFunction::new_closure(py, None, None, done).and_then(|done| add.call1((done,)));
        if let Err(error) = added {
            let answer = Err(data::error_of(py, &error));
            py.detach(|| give(reply, answer));
        }
    }

    fn serve(&self) {
        loop {
            let mut queue = self.queue.lock();
            while queue.jobs.is_empty() && !queue.closed {
                queue.n_idle += 1;
                self.more.wait(&mut queue);
                queue.n_idle -= 1;
            }
            let Some(job) = queue.jobs.pop_front() else {
                queue.n_threads -= 1;
                return;
            };
            drop(queue);
            match job {
                Job::Ask(verb, body, reply) => {
                    let reply = Arc::new(Mutex::new(Some(reply)));
                    let asked = Python::try_attach(|py| self.answer(py, &verb, &body, &reply));
                    if asked.is_none() {
                        give(&reply, Err(over()));
                    }
                }
                Job::Pushes => self.tell_pushes(),
                Job::ThreadNeeded => {
                    Python::try_attach(|py| {
                        if let Some(start) = &self.callbacks.thread_needed
                            && let Err(error) = start.call0(py)
                        {
                            error.write_unraisable(py, None);
                        }
                    });
                }
                Job::Closing(reason) => {
                    // While the interpreter shuts down there is nobody to tell.
                    Python::try_attach(|py| {
                        if let Some(closing) = &self.callbacks.closing
                            && let Err(error) = closing.call1(py, (reason,))
                        {
                            error.write_unraisable(py, None);
                        }
                    });
                }
            }
        }
    }
}

/// A reply that is given once, by whoever comes first.
type Once = Arc<Mutex<Option<Reply>>>;

fn give(reply: &Once, answer: Answer) {
    let reply = reply.lock().take();
    if let Some(reply) = reply {
        reply(answer);
    }
}

fn over() -> AskError {
    AskError::new("RuntimeError", "the process that was asked is about to end")
}

fn refuse(job: Job) {
    if let Job::Ask(_, _, reply) = job {
        reply(Err(over()));
    }
}

impl Host for PyHost {
    fn ask(&self, verb: Arc<str>, body: Data, reply: Reply) {
        self.post(Job::Ask(verb, body, reply));
    }

    fn closing(&self, reason: &str) {
        self.post(Job::Closing(reason.to_owned()));
    }

    fn thread_needed(&self) -> bool {
        let wanted = self.callbacks.thread_needed.is_some();
        if wanted {
            self.post(Job::ThreadNeeded);
        }
        wanted
    }

    fn push(&self, topic: Arc<str>, body: Data) {
        let mut queue = self.queue.lock();
        queue.pushes.push_back((topic, body));
        if !std::mem::replace(&mut queue.is_pushing, true) {
            drop(queue);
            self.post(Job::Pushes);
        }
    }
}
