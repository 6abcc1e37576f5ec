//! The house rules that neither rustc nor clippy nor ruff knows.
//!
//! The rules are pure functions from a [`Tree`] (every text file that git would commit, in
//! memory) and the workspace's [`Package`]s to [`Finding`]s, so that each has tests which feed
//! it a small tree with one sin. Read `imports` for the dependency rules, `purity` for what
//! the pure crates may not touch, `style` for names, headers and attributes, `ratchet` for file
//! sizes and `text` for what no committed file may say. `scan` proves that all of it was seen.

mod imports;
mod lexer;
mod packages;
mod paths;
mod purity;
mod ratchet;
mod scan;
mod style;
mod text;
mod tree;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};

pub(crate) use packages::Package;
pub(crate) use tree::{File, Tree};

/// Where the sizes of the files above the limit are recorded.
const RATCHET: &str = "crates/xtask/ratchet.toml";

/// Whether to write lower sizes into the ratchet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bless {
    /// Only check.
    No,
    /// Lower the recorded sizes to the present ones.
    Lower,
}

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// File, relative to the workspace root.
    pub(crate) path: String,
    /// Line from 1; 0 where the finding is about the whole file.
    pub(crate) line: usize,
    /// Short name of the rule.
    pub(crate) rule: &'static str,
    /// What is wrong and what to do about it.
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, message } = self;
        match line {
            0 => write!(f, "{path}: [{rule}] {message}"),
            line => write!(f, "{path}:{line}: [{rule}] {message}"),
        }
    }
}

/// A rule: its name, and what it finds.
type Rule = (&'static str, fn(&Tree, &[Package]) -> Vec<Finding>);

/// Every rule but the ratchet, which needs its record.
const RULES: &[Rule] = &[
    ("dependencies", imports::dependencies),
    ("imports", imports::sources),
    ("kernel-plan", imports::kernel_never_sees_plan),
    ("storage", imports::only_io_touches_storage),
    ("pyo3", imports::pyo3_only_in_the_binding),
    ("purity", purity::banned_paths),
    ("forbid-unsafe", purity::forbid_unsafe),
    ("module-doc", style::module_docs),
    ("module-name", style::module_names),
    ("allow", style::bare_allow),
    ("ignored-test", style::ignored_tests),
    ("baked-path", style::baked_paths),
    ("manifest", style::manifests),
    ("machine-path", text::machine_paths),
];

/// Checks the tree below `root`; `true` when there is nothing to mend.
///
/// # Errors
/// When the workspace cannot be read: no `cargo metadata`, an unreadable file or ratchet.
pub(crate) fn run(root: &Path, bless: Bless) -> Result<bool> {
    let tree = Tree::read(root)?;
    let packages = packages::read(root)?;
    let mut findings = scan::proof(&tree, &packages);
    for (_, rule) in RULES {
        findings.extend(rule(&tree, &packages));
    }
    let record = tree.file(RATCHET).map_or("", |file| file.text.as_str());
    let mut ratchet = ratchet::Ratchet::parse(record).with_context(|| RATCHET.to_owned())?;
    if bless == Bless::Lower {
        ratchet.lower(&ratchet::sizes(&tree));
        std::fs::write(root.join(RATCHET), ratchet.to_string()).context(RATCHET)?;
    }
    findings.extend(ratchet.check(&ratchet::sizes(&tree)));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    let totals = scan::Totals::of(&tree, &packages, RULES.len() + 2);
    println!("tidy: {totals}: {} finding(s)", findings.len());
    Ok(findings.is_empty())
}
