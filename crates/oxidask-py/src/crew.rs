//! The threads that work for a run at this moment, and those that wait for one.
//!
//! One list for all runs of the process tells three things: whom an interrupt has to reach; which
//! run a thread works for that now computes in its turn, so that the inner run ends with the outer
//! one; and for whom the interpreter's end has to wait. A thread that comes back from a system call
//! after that end would be torn down by Python across our frames, which is the end of the process.
//!
//! The list is locked only by threads that are attached, so that no lock is held where Python forks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oxidask_runtime::local::Run;
use parking_lot::{Condvar, Mutex};
use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::PyType;

struct Member {
    ident: u64,
    /// The run that the thread works for; none for one that prepares or awaits a run.
    run: Option<Arc<Run>>,
    is_told: bool,
}

static MEMBERS: Mutex<Vec<Member>> = Mutex::new(Vec::new());
static LEFT: Condvar = Condvar::new();
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Python's number of the calling thread.
pub(crate) fn thread_ident(py: Python<'_>) -> PyResult<u64> {
    static IDENT: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
    IDENT.import(py, "_thread", "get_ident")?.call0()?.extract()
}

/// Runs `work`, detached, as a member of `run`'s crew.
///
/// # Errors
/// If Python can't name the thread.
pub(crate) fn work_for(py: Python<'_>, run: &Arc<Run>, work: impl FnOnce() + Send) -> PyResult<()> {
    enlisted(py, Some(run), || {
        py.detach(work);
        Ok(())
    })
}

/// Calls `compute`, which prepares a run and waits for it. Python code that it calls must come back
/// before the interpreter ends.
///
/// # Errors
/// Those of `compute`.
pub(crate) fn call<T>(py: Python<'_>, compute: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    enlisted(py, None, compute)
}

fn enlisted<T>(
    py: Python<'_>,
    run: Option<&Arc<Run>>,
    body: impl FnOnce() -> PyResult<T>,
) -> PyResult<T> {
    let ident = thread_ident(py)?;
    MEMBERS.lock().push(Member { ident, run: run.cloned(), is_told: false });
    let result = body();
    let mut members = MEMBERS.lock();
    // A thread leaves in the reverse order of joining.
    let at = members.iter().rposition(|member| member.ident == ident);
    let member = at.map(|at| members.remove(at));
    // An interrupt that came too late is withdrawn; one for an outer run of this thread is not.
    if member.as_ref().is_some_and(|member| member.is_told)
        && !members.iter().any(|m| m.ident == ident && m.is_told)
    {
        set_async_exception(ident, std::ptr::null_mut());
    }
    LEFT.notify_all();
    drop(members);
    drop(member);
    result
}

/// The innermost run that the calling thread works for.
pub(crate) fn current(py: Python<'_>) -> PyResult<Option<Arc<Run>>> {
    let ident = thread_ident(py)?;
    let members = MEMBERS.lock();
    Ok(members.iter().rev().filter(|m| m.ident == ident).find_map(|m| m.run.clone()))
}

/// Raises `KeyboardInterrupt` in the Python code of each thread that works for `run`.
pub(crate) fn interrupt(py: Python<'_>, run: &Arc<Run>) {
    let exception = py.get_type::<PyKeyboardInterrupt>();
    tell(&exception, |member| member.run.as_ref().is_some_and(|other| Arc::ptr_eq(other, run)));
}

/// Raises `exception` in the threads that are at work. One that prepares or awaits a run is left
/// alone: it may be about to start a thread, which has its starter's number until it first runs, so
/// that the exception would end that one, and the starter would wait for it for ever.
fn tell(exception: &Bound<'_, PyType>, whom: impl Fn(&Member) -> bool) {
    let mut members = MEMBERS.lock();
    for at in 0..members.len() {
        let ident = members[at].ident;
        let innermost = members.iter().rfind(|member| member.ident == ident);
        let is_at_work = innermost.is_some_and(|member| member.run.is_some());
        let member = &mut members[at];
        if is_at_work && !member.is_told && whom(member) {
            member.is_told = true;
            set_async_exception(ident, exception.as_ptr());
        }
    }
}

#[expect(unsafe_code, reason = "no safe wrapper for this call")]
fn set_async_exception(ident: u64, exception: *mut pyo3::ffi::PyObject) {
    // SAFETY: callers hold the interpreter; `exception` is a class that lives, or null.
    unsafe {
        pyo3::ffi::PyThreadState_SetAsyncExc(ident as _, exception);
    }
}

/// Whether the interpreter is about to end: no other thread is given work any more.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::Acquire)
}

/// Cancels what still runs and waits for the threads at work. Called once, when the interpreter is
/// about to end; what remains then are computations of daemon threads.
#[pyfunction]
pub(crate) fn close_crews(py: Python<'_>) -> PyResult<()> {
    CLOSED.store(true, Ordering::Release);
    let own = thread_ident(py)?;
    let exit = py.get_type::<PySystemExit>();
    loop {
        let mut others = 0;
        for member in MEMBERS.lock().iter().filter(|member| member.ident != own) {
            if let Some(run) = &member.run {
                run.cancel();
            }
            others += 1;
        }
        if others == 0 {
            return Ok(());
        }
        tell(&exit, |member| member.ident != own);
        py.detach(|| LEFT.wait_for(&mut MEMBERS.lock(), Duration::from_millis(20)));
        py.check_signals()?;
    }
}

/// Forgets the threads that a forked child does not have.
#[pyfunction]
pub(crate) fn forget_crews(py: Python<'_>) -> PyResult<()> {
    let own = thread_ident(py)?;
    let mut members = MEMBERS.lock();
    let (ours, others) = members.drain(..).partition(|member| member.ident == own);
    *members = ours;
    drop(members);
    // Values of these runs may be in the middle of a change by a thread that is not here to end it.
    let others: Vec<Member> = others;
    std::mem::forget(others);
    Ok(())
}
