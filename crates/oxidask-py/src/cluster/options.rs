//! What users say about how tasks are to be run.

use std::sync::Arc;

use oxidask_sched::message::{Annotations, RetryPolicy};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};

/// The annotations of a dict; none if it says nothing that the scheduler goes by. Other entries are users' own.
///
/// # Errors
/// If a value is of the wrong type or out of range.
pub(super) fn annotations(given: &Bound<'_, PyDict>) -> PyResult<Option<Annotations>> {
    let mut all = Annotations::default();
    let mut any = false;
    for (name, value) in given {
        if value.is_none() {
            continue;
        }
        let name = name.cast_into::<PyString>()?;
        let name = name.to_cow()?;
        match &*name {
            // Dask's priorities: higher runs earlier; fractions order among their neighbours.
            "priority" => all.priority = value.extract::<f64>().map(|p| (p * 1000.0) as i32)?,
            "workers" => all.workers = texts(&value)?,
            "allow_other_workers" => all.allow_other_workers = value.is_truthy()?,
            "resources" => all.resources = resources(&value)?,
            "retries" => all.retries = retries(&value)?,
            "timeout_s" | "timeout" => all.timeout_s = Some(positive("timeout", &value)?),
            "actor" => all.actor = value.is_truthy()?,
            "limit" => {
                let (name, n): (String, u32) = value.extract()?;
                all.limit = Some((name.into(), n));
            }
            _ => continue,
        }
        any = true;
    }
    Ok(any.then_some(all))
}

fn positive(what: &str, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    let seconds: f64 = value.extract()?;
    if seconds >= 0.0 && seconds.is_finite() {
        return Ok(seconds);
    }
    Err(PyValueError::new_err(format!("{what} is {seconds}; it has to be seconds, from 0 on")))
}

/// One text, or several; numbers are names of workers too.
pub(super) fn texts(value: &Bound<'_, PyAny>) -> PyResult<Vec<Arc<str>>> {
    let text = |value: &Bound<'_, PyAny>| -> PyResult<Arc<str>> {
        if value.is_instance_of::<PyString>() || value.is_instance_of::<PyInt>() {
            return Ok(value.str()?.to_cow()?.as_ref().into());
        }
        Err(PyTypeError::new_err(format!("a worker is named by text, not {}", value.repr()?)))
    };
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyInt>() {
        return Ok(vec![text(value)?]);
    }
    value.try_iter()?.map(|item| text(&item?)).collect()
}

fn resources(value: &Bound<'_, PyAny>) -> PyResult<Vec<(Arc<str>, f64)>> {
    let mut all = Vec::new();
    for (name, amount) in value.cast::<PyDict>()? {
        let (name, amount): (String, f64) = (name.extract()?, amount.extract()?);
        if !(amount >= 0.0 && amount.is_finite()) {
            return Err(PyValueError::new_err(format!(
                "resources of {name} is {amount}; it has to be a number from 0 on"
            )));
        }
        all.push((name.into(), amount));
    }
    Ok(all)
}

/// A number of retries, or a dict of a policy.
fn retries(value: &Bound<'_, PyAny>) -> PyResult<RetryPolicy> {
    if value.is_instance_of::<PyInt>() {
        let n: i64 = value.extract()?;
        let n = u32::try_from(n).map_err(|_| {
            PyValueError::new_err(format!("retries is {n}; it has to be from 0 on"))
        })?;
        return Ok(RetryPolicy { n, ..RetryPolicy::default() });
    }
    // A `Retry` says it in these words.
    let said = value.getattr_opt("as_option")?.map(|words| words.call0()).transpose()?;
    let given = said.as_ref().unwrap_or(value).cast::<PyDict>()?;
    let mut policy = RetryPolicy { factor: 1.0, ..RetryPolicy::default() };
    for (name, value) in given {
        let name = name.cast_into::<PyString>()?;
        match &*name.to_cow()? {
            "n" => policy.n = value.extract()?,
            "backoff_s" => policy.backoff_s = positive("backoff", &value)?,
            "factor" => policy.factor = positive("factor", &value)?,
            "max_backoff_s" => policy.max_backoff_s = positive("max_backoff", &value)?,
            "only" => policy.only = texts(&value)?,
            other => {
                return Err(PyValueError::new_err(format!("a retry policy has no {other}")));
            }
        }
    }
    Ok(policy)
}
