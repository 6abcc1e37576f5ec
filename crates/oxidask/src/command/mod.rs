//! What the `oxidask` program does for clusters: a scheduler and workers without Python.
//!
//! | file | what is there |
//! |---|---|
//! | `scheduler.rs`, `worker.rs` | the two commands |
//! | `place.rs` | hosts, interfaces, ports and protocols as addresses |
//! | `secrets.rs` | certificates and tokens |
//! | `quantity.rs` | durations, memory limits and resources as people write them |
//! | `files.rs` | files that tell others of this process, and go with it |
//! | `stop.rs` | signals and other ends |

mod files;
mod place;
mod quantity;
mod scheduler;
mod secrets;
mod stop;
mod worker;

pub(crate) use scheduler::{SchedulerArguments, schedule};
pub(crate) use worker::{WorkerArguments, work};

use std::io::{self, Write};

use anyhow::{Result, bail};

/// Says something on the error stream; there is nowhere to say that this failed.
pub(crate) fn complain(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Refuses a flag that only a process with Python can serve.
fn needs_python(is_given: bool, flag: &str, command: &str) -> Result<()> {
    if is_given {
        bail!(
            "{flag} needs Python, which this program has none of: use `python -m oxidask {command}`"
        );
    }
    Ok(())
}
