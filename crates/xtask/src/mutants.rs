//! `cargo xtask mutants`: does the simulator notice when a machine is wrong?
//!
//! Each mutation is one line of a state machine changed for the worse, in a copy of the crate. The simulator's tests have
//! to fail on each; a mutation that lives says what they do not see.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

struct Mutation {
    what: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const MUTATIONS: &[Mutation] = &[
    Mutation {
        what: "readers are not told that an input has come",
        file: "scheduler/transitions.rs",
        from: "                hot.waiting -= 1;\n",
        to: "",
    },
    Mutation {
        what: "answers of old attempts count, on whichever worker",
        file: "scheduler/answers.rs",
        from: "hot.state.is_out() && hot.run == run && hot.worker == worker.0",
        to: "hot.state.is_out()",
    },
    Mutation {
        what: "a lost value that is needed is not computed again",
        file: "scheduler/loss.rs",
        from: "        self.steps.push(Step::Require(slot));\n        self.steps.push(Step::Release(slot));",
        to: "        self.steps.push(Step::Release(slot));",
    },
    Mutation {
        what: "values that nobody needs stay on their workers",
        file: "scheduler/transitions.rs",
        from: "            self.frees.entry(holder).or_default().push(task);\n",
        to: "",
    },
    Mutation {
        what: "workers are not sent what their tasks share",
        file: "scheduler/feed.rs",
        from: "        self.send_blob(blob, id, actions);\n",
        to: "",
    },
    Mutation {
        what: "a task that a worker gave back is queued nowhere",
        file: "scheduler/answers.rs",
        from: "                if let Some(slot) = self.answered(worker, task, run) {\n                    self.steps.push(Step::Ready(slot));\n                }\n            }\n            FromWorker::MissingInputs",
        to: "                self.answered(worker, task, run);\n            }\n            FromWorker::MissingInputs",
    },
    Mutation {
        what: "a cancelled attempt is forgotten while its worker still runs it",
        file: "scheduler/transitions.rs",
        from: "                    actions.push(Action::Worker(worker, ToWorker::Cancel { task, run }));\n",
        to: "",
    },
    Mutation {
        what: "a worker drops a freed value that its tasks still read",
        file: "worker/values.rs",
        from: "match (value.n_claims, value.held)",
        to: "match (0_u32, value.held)",
    },
    Mutation {
        what: "a worker does not try the next holder of a value",
        file: "worker/fetches.rs",
        from: "            if !self.queue_fetch(at) {\n                missing.push(at);\n            }",
        to: "            self.queue_fetch(at);",
    },
];

/// Tries each mutation whose description has `text` in it; false if one of them lives.
pub(crate) fn run(root: &Path, text: &str) -> Result<bool> {
    let copy = root.join("target").join("mutants");
    let mut all_died = true;
    for mutation in MUTATIONS.iter().filter(|mutation| mutation.what.contains(text)) {
        copy_sources(root, &copy)?;
        let file = copy.join("crates/oxidask-sched/src").join(mutation.file);
        let text = fs::read_to_string(&file).with_context(|| format!("can't read {file:?}"))?;
        ensure!(
            text.matches(mutation.from).count() == 1,
            "{}: the text to change is not there once in {}; bring the mutation up to date",
            mutation.what,
            mutation.file
        );
        fs::write(&file, text.replace(mutation.from, mutation.to))?;
        let tests = |arguments: &[&str]| {
            Command::new("cargo")
                .args(["test", "--quiet", "--release", "-p", "oxidask-sched", "--test", "sim"])
                .args(arguments)
                .current_dir(&copy)
                .env_remove("CARGO_MANIFEST_DIR")
                .output()
        };
        let built = tests(&["--no-run"])?;
        let complaint = String::from_utf8_lossy(&built.stderr).into_owned();
        ensure!(built.status.success(), "{}: it does not compile\n{complaint}", mutation.what);
        let died = !tests(&[])?.status.success();
        println!("{}  {}", if died { "noticed" } else { "MISSED " }, mutation.what);
        all_died &= died;
    }
    fs::remove_dir_all(&copy)?;
    Ok(all_died)
}

fn copy_sources(root: &Path, copy: &Path) -> Result<()> {
    fs::create_dir_all(copy)?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    fs::write(copy.join("Cargo.toml"), manifest)?;
    fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    for name in ["oxidask-core", "oxidask-sched"] {
        copy_folder(&root.join("crates").join(name), &copy.join("crates").join(name))?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&source, &target)?;
        } else if fs::read(&source)? != fs::read(&target).unwrap_or_default() {
            // What is the same keeps its time, and is not built again.
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
