//! Signals and other ends of a process.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::{Context, Result};
use oxidask::runtime::signals::{Signals, name};

use super::complain;

/// Why a process ends.
pub(super) enum Ending {
    /// It was asked to by a signal of this name.
    Signal(&'static str),
    /// It has nothing more to do; and why.
    Done(String),
    /// It can't go on.
    Failed(anyhow::Error),
}

/// Ends, from whoever knows of one. A second signal ends the process at once.
pub(super) fn endings() -> Result<(Sender<Ending>, Receiver<Ending>)> {
    let signals = Signals::take().context("signals can't be taken")?;
    let (give, take) = channel();
    let ended = give.clone();
    thread::Builder::new().name("oxidask-signals".into()).spawn(move || {
        let mut is_first = true;
        while let Ok(signal) = signals.wait() {
            if !is_first {
                complain(&format!("{} again: gone", name(signal)));
                std::process::exit(128 + signal);
            }
            is_first = false;
            // The process is on its way out if nobody listens.
            drop(ended.send(Ending::Signal(name(signal))));
        }
    })?;
    Ok((give, take))
}
