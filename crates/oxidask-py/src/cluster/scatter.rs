//! Values of the user's on workers.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use oxidask_core::key::Key;
use oxidask_core::value::Value;
use oxidask_sched::message::Input;
use parking_lot::Mutex;
use pyo3::exceptions::{PyConnectionError, PyOSError, PyTimeoutError};
use pyo3::prelude::*;

use super::link::Link;
use super::patience::{POLL, deadline, is_over};

/// Places for values are asked for again so often while there are no workers.
const ASK_AGAIN: Duration = Duration::from_millis(20);

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
    let mut places = py.detach(|| {
        link.flush();
        link.node.place(described.clone(), workers.clone(), broadcast)
    });
    loop {
        let Some(found) = places else {
            return Err(PyConnectionError::new_err("the client is closed; connect again"));
        };
        if let Some(all) = found.into_iter().collect::<Option<Vec<_>>>() {
            return Ok(all);
        }
        if is_over(until) {
            let seconds = timeout.unwrap_or_default();
            let which = if workers.is_empty() {
                "No valid workers found".to_owned()
            } else {
                format!("none of the workers {workers:?} is here")
            };
            return Err(PyTimeoutError::new_err(format!(
                "{which} after {seconds} s; start a worker, or wait longer"
            )));
        }
        py.check_signals()?;
        py.detach(|| std::thread::park_timeout(ASK_AGAIN));
        places = py.detach(|| {
            // Each asking makes a future: the former ones go.
            link.node.handle(oxidask_sched::client::Event::Release(keys.to_vec()));
            link.node.place(described.clone(), workers.clone(), broadcast)
        });
    }
}
