//! What all connections of this process share: the thread that waits for sockets, and how links are secured.

use std::sync::Arc;
use std::time::Duration;

use oxidask_core::value::BytesFamily;
use oxidask_runtime::cluster::inline::Families;
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::greeting::Token;
use oxidask_runtime::wire::transport::{IoThread, Options, Security, TemporaryCertificates, Tls};
use parking_lot::Mutex;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::object::PyFamily;

static IO: Mutex<Option<Shared>> = Mutex::new(None);

struct Shared {
    process: u32,
    io: std::sync::Weak<IoThread>,
}

/// The process's thread for sockets; it ends with the last who holds it.
///
/// # Errors
/// `RuntimeError` if the system gives no thread.
pub(super) fn io() -> PyResult<Arc<IoThread>> {
    let mut shared = IO.lock();
    let process = std::process::id();
    if let Some(Shared { process: of, io }) = &*shared
        && *of == process
        && let Some(io) = io.upgrade()
    {
        return Ok(io);
    }
    let io = IoThread::start("oxidask-io").map_err(|error| {
        PyRuntimeError::new_err(format!("the thread for connections can't be started: {error}"))
    })?;
    let io = Arc::new(io);
    *shared = Some(Shared { process, io: Arc::downgrade(&io) });
    Ok(io)
}

/// An address as people write it: without a scheme it is TCP's.
///
/// # Errors
/// `ValueError` naming the address.
pub(super) fn address(text: &str) -> PyResult<Address> {
    let full = if text.contains("://") { text.to_owned() } else { format!("tcp://{text}") };
    full.parse().map_err(|error| PyValueError::new_err(format!("{text}: {error}")))
}

/// An `OSError` with a text, of the class that the system's error behind `error` has, if there is one:
/// `ConnectionRefusedError`, say.
pub(super) fn os_error(text: String, error: &(dyn std::error::Error + 'static)) -> PyErr {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(errno) = error.downcast_ref::<std::io::Error>().and_then(|e| e.raw_os_error()) {
            return PyOSError::new_err((errno, text));
        }
        source = error.source();
    }
    PyOSError::new_err(text)
}

/// The families of values that are known in this process.
pub(super) fn families() -> Families {
    let (arrays, frames) = (&oxidask_array::ops::ArrayFamily, &oxidask_frame::ops::FrameFamily);
    Families::new(&[&PyFamily, arrays, frames, &BytesFamily])
}

/// How links are to be: `timeout` seconds to connect and greet; and what the setting `distributed.comm.timeouts.tcp`
/// says, after which a peer that is silent or unreachable is given up.
///
/// # Errors
/// If the setting is no time.
pub(super) fn options(py: Python<'_>, timeout: Option<f64>) -> PyResult<Options> {
    let mut options = Options::default();
    if let Some(timeout) = timeout {
        options.greeting = Duration::from_secs_f64(timeout.clamp(0.01, 1e6));
    }
    let said = py
        .import("oxidask.config")?
        .call_method1("get", ("distributed.comm.timeouts.tcp", py.None()))?;
    if !said.is_none() {
        let parse = py.import("oxidask.utils")?.getattr("parse_timedelta")?;
        let seconds: f64 = parse.call1((said,))?.extract()?;
        options.linger = Duration::from_secs_f64(seconds.clamp(0.1, 1e6));
        options.linger_gone = options.linger;
        options.beat = (options.linger / BEATS).min(Options::default().beat);
    }
    Ok(options)
}

/// So many beats go into the time after which a peer is given up.
const BEATS: u32 = 15;

/// What a dict of `tls_ca_file`, `tls_cert`, `tls_key` (files, or PEM texts) and `token` says.
///
/// # Errors
/// `OSError` for a file that can't be read, `ValueError` for one that is no PEM, or if only some of the three
/// are given.
pub(super) fn security(given: Option<&Bound<'_, PyDict>>) -> PyResult<Security> {
    let Some(given) = given else { return Ok(Security::default()) };
    let text = |name: &str| -> PyResult<Option<String>> {
        match given.get_item(name)? {
            Some(value) if !value.is_none() => value.extract().map(Some),
            _ => Ok(None),
        }
    };
    let token = text("token")?.map(|secret| Token::new(&secret));
    let parts = (text("tls_ca_file")?, text("tls_cert")?, text("tls_key")?);
    let tls = match parts {
        (None, None, None) => None,
        (Some(authority), Some(certificate), key) => {
            // A file may hold both.
            let key = key.unwrap_or_else(|| certificate.clone());
            let [authority, certificate, key] = [&authority, &certificate, &key].map(|s| pem(s));
            let check_names =
                given.get_item("check_names")?.is_some_and(|v| v.is_truthy().unwrap_or(false));
            let tls = Tls::new(&authority?, &certificate?, &key?, check_names)
                .map_err(|error| PyValueError::new_err(error.to_string()))?;
            Some(Arc::new(tls))
        }
        (authority, _, _) => {
            let missing = if authority.is_none() { "tls_ca_file" } else { "tls_cert" };
            return Err(PyValueError::new_err(format!(
                "{missing} is missing: TLS needs tls_ca_file, tls_cert and tls_key"
            )));
        }
    };
    Ok(Security { tls, token })
}

/// Certificates for one cluster: an authority's, one that it has signed, and the key to that; texts in PEM.
///
/// # Errors
/// `RuntimeError` if the system gives no random bytes.
#[pyfunction]
pub(crate) fn temporary_certificates() -> PyResult<(String, String, String)> {
    let TemporaryCertificates { authority, certificate, key } = TemporaryCertificates::make()
        .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    Ok((authority, certificate, key))
}

/// A PEM text, or what is in the file of this name.
fn pem(text: &str) -> PyResult<Vec<u8>> {
    if text.contains("-----BEGIN") {
        return Ok(text.as_bytes().to_vec());
    }
    std::fs::read(text).map_err(|error| {
        let errno = error.raw_os_error().unwrap_or(0);
        PyOSError::new_err((errno, format!("{error}: a file of certificates"), text.to_owned()))
    })
}
