//! Writes `python/oxidask/_native.pyi`, or checks that it is up to date.
//!
//! The stub is made from the built module's own signatures by `stubs.py`, run with the Python
//! that the module is installed in. pyo3's introspection (`experimental-inspect`) would need
//! the binding compiled a second time with another feature set, and it is not stable yet.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const SCRIPT: &str = "crates/xtask/src/stubs.py";
const STUB: &str = "python/oxidask/_native.pyi";

/// What to do with the generated text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write it.
    Write,
    /// Compare it with the file.
    Check,
}

/// Generates the stub; `false` when it should be as it is not.
///
/// # Errors
/// When the module cannot be imported, or the file cannot be read or written.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<bool> {
    let python = python(root);
    let output =
        Command::new(&python).arg(root.join(SCRIPT)).current_dir(root).output().with_context(
            || format!("cannot start {}: run `make build` first", python.display()),
        )?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("{SCRIPT} failed (run `make build` first):\n{}", why.trim_end());
    }
    let stub = String::from_utf8(output.stdout).context("the stub is not UTF-8")?;
    let path = root.join(STUB);
    match mode {
        Mode::Write => {
            std::fs::write(&path, &stub).context(STUB)?;
            println!("stubs: wrote {STUB}, {} lines", stub.lines().count());
            Ok(true)
        }
        Mode::Check => {
            let current = std::fs::read_to_string(&path).unwrap_or_default() == stub;
            let verdict =
                if current { "is up to date" } else { "is stale: run `cargo xtask stubs`" };
            println!("stubs: {STUB} {verdict}");
            Ok(current)
        }
    }
}

/// The Python that the module is installed in: `$OXIDASK_PYTHON`, or the clone's own venv.
fn python(root: &Path) -> PathBuf {
    std::env::var_os("OXIDASK_PYTHON").map_or_else(|| root.join(".venv/bin/python"), PathBuf::from)
}
