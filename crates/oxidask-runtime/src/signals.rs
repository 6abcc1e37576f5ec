//! Signals that ask a process to end.

use std::io;
use std::mem::MaybeUninit;

/// Interrupt (Ctrl-C) and terminate, taken by whoever waits for them instead of ending the process.
pub struct Signals {
    set: libc::sigset_t,
}

impl Signals {
    /// Takes both from here on: in this thread, and in those that it starts afterwards. So this comes before the
    /// first of them.
    ///
    /// # Errors
    /// If the system refuses.
    #[expect(unsafe_code, reason = "libc calls")]
    pub fn take() -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset writes all of the set, the others read and write it; no old set is asked for.
        let (set, status) = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGINT);
            libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
            let status = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
            (set.assume_init(), status)
        };
        if status == 0 { Ok(Self { set }) } else { Err(io::Error::from_raw_os_error(status)) }
    }

    /// Waits for one; its number.
    ///
    /// # Errors
    /// If the system can't wait.
    #[expect(unsafe_code, reason = "libc calls")]
    pub fn wait(&self) -> io::Result<i32> {
        let mut signal = 0;
        // SAFETY: the set was filled by `take`, and the number has a place.
        let status = unsafe { libc::sigwait(&raw const self.set, &raw mut signal) };
        if status == 0 { Ok(signal) } else { Err(io::Error::from_raw_os_error(status)) }
    }
}

/// The name of a signal that [`Signals`] takes.
#[must_use]
pub fn name(signal: i32) -> &'static str {
    match signal {
        libc::SIGINT => "SIGINT",
        libc::SIGTERM => "SIGTERM",
        _ => "a signal",
    }
}
