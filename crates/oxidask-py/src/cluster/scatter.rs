//! Values of the user's on workers.

use std::sync::{Arc, mpsc};
use std::time::Instant;

use oxidask_core::key::Key;
use oxidask_core::value::Value;
use oxidask_sched::client::Event;
use oxidask_sched::data::Data;
use oxidask_sched::message::Input;
use parking_lot::Mutex;
use pyo3::exceptions::{PyConnectionError, PyOSError, PyTimeoutError};
use pyo3::prelude::*;

use super::data;
use super::link::Link;
use super::patience::{POLL, deadline, is_over};
use super::scheduler::{Slot, await_answer};

/// Puts values on workers, under these keys.
///
/// # Errors
/// `TimeoutError` if there is no worker that may have them in time, `OSError` if a worker does not take one.
pub(super) fn put(
    py: Python<'_>,
    link: &Link,
    keys: &[Key],
    values: &[Value],
    workers: Vec<String>,
    broadcast: bool,
    timeout: Option<f64>,
) -> PyResult<()> {
    let places = places(py, link, keys, values, workers, broadcast, timeout)?;
    let (give, take) = mpsc::channel();
    let mut n_sent = 0;
    for (Input { task, place }, value) in places.iter().zip(values) {
        for &worker in &place.holders {
            let (give, value, task) = (give.clone(), value.clone(), *task);
            n_sent += 1;
            py.detach(|| {
                link.node.put(worker, task, value, Box::new(move |put| _ = give.send(put)));
            });
        }
    }
    drop(give);
    let take = Mutex::new(take);
    while n_sent > 0 {
        match py.detach(|| take.lock().recv_timeout(POLL)) {
            Ok(Ok(())) => n_sent -= 1,
            Ok(Err(reason)) => {
                return Err(PyOSError::new_err(format!(
                    "a worker does not take a value: {reason}"
                )));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(PyConnectionError::new_err("the client was closed while it scattered"));
            }
        }
    }
    Ok(())
}

fn places(
    py: Python<'_>,
    link: &Link,
    keys: &[Key],
    values: &[Value],
    workers: Vec<String>,
    broadcast: bool,
    timeout: Option<f64>,
) -> PyResult<Vec<Input>> {
    let described: Vec<(Key, (u64, Arc<str>))> = keys
        .iter()
        .zip(values)
        .map(|(key, value)| {
            let payload = value.payload();
            (key.clone(), (payload.nbytes(), payload.type_name().as_ref().into()))
        })
        .collect();
    let workers: Vec<Arc<str>> = workers.into_iter().map(Arc::from).collect();
    let until = deadline(timeout);
    let missing = || {
        let seconds = timeout.unwrap_or_default();
        let which = if workers.is_empty() {
            "No valid workers found".to_owned()
        } else {
            format!("none of the workers {workers:?} is here")
        };
        PyTimeoutError::new_err(format!(
            "{which} after {seconds} s; start a worker, or wait longer"
        ))
    };
    py.detach(|| link.flush());
    loop {
        let found = py.detach(|| link.node.place(described.clone(), workers.clone(), broadcast));
        let Some(found) = found else { return Err(closed()) };
        if let Some(all) = found.into_iter().collect::<Option<Vec<_>>>() {
            return Ok(all);
        }
        // Each asking makes a future: these go, and the next ones come when there is a worker.
        py.detach(|| link.node.handle(Event::Release(keys.to_vec())));
        if is_over(until) || !worker_comes(py, link, &workers, until)? {
            return Err(missing());
        }
    }
}

/// Waits until a worker is here that may have values; false if the time is over before.
fn worker_comes(
    py: Python<'_>,
    link: &Link,
    workers: &[Arc<str>],
    until: Option<Instant>,
) -> PyResult<bool> {
    let slot: Arc<Slot> = Arc::default();
    let filled = slot.clone();
    let then = Box::new(move |answer| {
        *filled.0.lock() = Some(answer);
        filled.1.notify_all();
    });
    let mut body = vec![("n".into(), 1i64.into())];
    if !workers.is_empty() {
        body.push(("workers".into(), workers.iter().cloned().collect()));
    }
    let request = py.detach(|| link.node.ask("workers.wait", Data::Map(body), then));
    let left = until.map(|until| until.saturating_duration_since(Instant::now()).as_secs_f64());
    match await_answer(py, &slot, left)? {
        Some(Some(answer)) => data::answer_to_python(py, answer).map(|_| true),
        Some(None) => Err(closed()),
        None => {
            py.detach(|| link.node.abandon(request));
            Ok(false)
        }
    }
}

fn closed() -> PyErr {
    PyConnectionError::new_err("the client is closed; connect again")
}
