//! House tooling, run as `cargo xtask <command>`.
//!
//! * `tidy [--bless]` checks the house rules that the compiler does not know ([`tidy`]).
//! * `mutants` shows that the simulator notices wrong machines ([`mutants`]).
//! * `sim [--seeds N]` plays histories of simulated clusters ([`sim`]).
//! * `stubs [--check]` writes `python/oxidask/_native.pyi` from the built module ([`stubs`]).
//!
//! Nothing here ships to users, and no other crate depends on it.
#![expect(clippy::print_stdout, reason = "a command-line tool reports on stdout")]

mod mutants;
mod sim;
mod stubs;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  tidy             check the house rules: imports, purity, names, file sizes, ...
  tidy --bless     lower the recorded file sizes to what they are now (never raises one)
  mutants          change the cluster's machines for the worse, one line at a time: does the
                   simulator notice?
  sim              play 1000 histories of simulated clusters of 5000 events each;
                   --seeds N, --from SEED, --seed SEED, --events N
  stubs            write python/oxidask/_native.pyi from the built native module
  stubs --check    fail if that file is not what `stubs` would write";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command named on the command line; `false` means that it found something to mend.
fn run() -> Result<bool> {
    let root = workspace_root()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["tidy"] => tidy::run(&root, tidy::Bless::No),
        ["tidy", "--bless"] => tidy::run(&root, tidy::Bless::Lower),
        ["mutants"] => mutants::run(&root, ""),
        ["mutants", text] => mutants::run(&root, text),
        ["sim", rest @ ..] => sim::command(rest),
        ["stubs"] => stubs::run(&root, stubs::Mode::Write),
        ["stubs", "--check"] => stubs::run(&root, stubs::Mode::Check),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(true)
        }
        [] => bail!("no command given\n\n{USAGE}"),
        other => bail!("unknown command `{}`\n\n{USAGE}", other.join(" ")),
    }
}

/// The folder of the workspace's `Cargo.toml`.
///
/// Read from the environment at run time, not compiled in: clones share one target directory,
/// and a binary built in one of them must look at the clone it is started in.
fn workspace_root() -> Result<PathBuf> {
    let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR")
        .context("CARGO_MANIFEST_DIR is not set: start this as `cargo xtask`")?;
    let root = Path::new(&manifest_dir)
        .ancestors()
        .nth(2)
        .context("CARGO_MANIFEST_DIR has no workspace above it")?;
    Ok(root.to_path_buf())
}
