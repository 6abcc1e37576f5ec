//! File sizes may only go down.
//!
//! A file above its limit is listed in `ratchet.toml` with its size. It may shrink, and then the
//! record is lowered (`--bless`); it may not grow, and no other file may pass the limit. What
//! counts is lines of code: no blank lines, comments, docstrings or tests, so that explaining
//! a thing never costs anything.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, bail};

use super::{Finding, Tree};

/// Lines of code that a Rust file may have.
const RUST_LIMIT: usize = 500;
/// Lines of code that a Python file may have: a module there is as large as Dask's public one.
const PYTHON_LIMIT: usize = 600;

const HEADER: &str = "\
# Files above the limit of code lines (Rust 500, Python 600; without comments, docstrings and
# tests), with their sizes. They may only shrink: `cargo xtask tidy --bless` lowers the numbers
# and never raises one. Split a file before it comes here.
";

/// Lines of code of each file that has a limit.
pub(crate) type Sizes = BTreeMap<String, usize>;

fn limit(path: &str) -> usize {
    if path.ends_with(".rs") { RUST_LIMIT } else { PYTHON_LIMIT }
}

/// Measures the Rust and Python files; tests have no limit.
pub(crate) fn sizes(tree: &Tree) -> Sizes {
    tree.files()
        .filter(|file| !file.is_test())
        .filter_map(|file| {
            let lines = match &file.rust {
                Some(masked) => masked.code_lines(),
                None if file.path.ends_with(".py") => python_lines(&file.text),
                None => return None,
            };
            Some((file.path.clone(), lines))
        })
        .collect()
}

/// Lines of code of a Python source: not blank, no comment, no docstring.
fn python_lines(source: &str) -> usize {
    let mut count = 0;
    let mut docstring: Option<&str> = None;
    for line in source.lines().map(str::trim) {
        if let Some(quote) = docstring {
            if line.contains(quote) {
                docstring = None;
            }
            continue;
        }
        let body = line.trim_start_matches(['r', 'R']);
        if let Some(quote) = ["\"\"\"", "'''"].into_iter().find(|quote| body.starts_with(*quote)) {
            if !body[3..].contains(quote) {
                docstring = Some(quote);
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            count += 1;
        }
    }
    count
}

/// The recorded sizes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ratchet {
    sizes: Sizes,
}

impl Ratchet {
    /// Reads a record: lines of `"path" = size`.
    ///
    /// # Errors
    /// When a line is something else.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut sizes = Sizes::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = || format!("line {}: expected `\"path\" = size`: {line}", number + 1);
            let (path, size) = line.split_once('=').with_context(entry)?;
            let path = path.trim().trim_matches('"').to_owned();
            if sizes.insert(path, size.trim().parse().with_context(entry)?).is_some() {
                bail!("line {}: listed twice: {line}", number + 1);
            }
        }
        Ok(Self { sizes })
    }

    /// What the present sizes break.
    pub(crate) fn check(&self, now: &Sizes) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut report = |path: &str, message: String| {
            findings.push(Finding { path: path.to_owned(), line: 0, rule: "file-size", message });
        };
        for (path, &size) in now {
            let limit = limit(path);
            match self.sizes.get(path) {
                None if size > limit => {
                    report(path, format!("{size} lines of code, the limit is {limit}: split it"));
                }
                Some(&listed) if size > listed => {
                    report(path, format!("grew from {listed} to {size} lines of code: split it"));
                }
                Some(&listed) if size < listed => report(
                    path,
                    format!("shrank from {listed} to {size} lines: `cargo xtask tidy --bless`"),
                ),
                _ => {}
            }
        }
        for path in self.sizes.keys().filter(|path| !now.contains_key(*path)) {
            report(
                path,
                "is listed in the ratchet but gone: `cargo xtask tidy --bless`".to_owned(),
            );
        }
        findings
    }

    /// Lowers what shrank and drops what is gone or within its limit; never raises or adds.
    pub(crate) fn lower(&mut self, now: &Sizes) {
        self.sizes.retain(|path, listed| {
            let Some(&size) = now.get(path) else { return false };
            *listed = size.min(*listed);
            *listed > limit(path)
        });
    }
}

impl fmt::Display for Ratchet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        self.sizes.iter().try_for_each(|(path, size)| writeln!(f, "\"{path}\" = {size}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::*;

    fn now(entries: &[(&str, usize)]) -> Sizes {
        entries.iter().map(|&(path, size)| (path.to_owned(), size)).collect()
    }

    fn messages(ratchet: &Ratchet, entries: &[(&str, usize)]) -> Vec<String> {
        ratchet.check(&now(entries)).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn growth_and_newcomers_are_caught() {
        let ratchet = Ratchet::parse("\"a.rs\" = 700\n").expect("a record");
        assert_eq!(messages(&ratchet, &[("a.rs", 700), ("b.rs", 500), ("c.py", 600)]), [""; 0]);
        assert!(messages(&ratchet, &[("a.rs", 701)])[0].contains("grew from 700 to 701"));
        assert!(messages(&ratchet, &[("a.rs", 700), ("b.rs", 501)])[0].contains("limit is 500"));
        assert!(messages(&ratchet, &[("a.rs", 700), ("c.py", 601)])[0].contains("limit is 600"));
        assert!(messages(&ratchet, &[("a.rs", 650)])[0].contains("--bless"));
        assert!(messages(&ratchet, &[])[0].contains("gone"));
    }

    #[test]
    fn bless_only_lowers() {
        let text = "\"a.rs\" = 700\n\"b.rs\" = 800\n\"c.rs\" = 900\n\"d.rs\" = 900\n";
        let mut ratchet = Ratchet::parse(text).expect("a record");
        ratchet.lower(&now(&[("a.rs", 600), ("b.rs", 999), ("c.rs", 400), ("new.rs", 999)]));
        assert_eq!(ratchet.sizes, now(&[("a.rs", 600), ("b.rs", 800)]));
        assert_eq!(Ratchet::parse(&ratchet.to_string()).expect("its own output"), ratchet);
    }

    #[test]
    fn a_broken_record_is_refused() {
        for text in ["a.rs", "\"a.rs\" = many", "\"a\" = 1\n\"a\" = 2"] {
            assert!(Ratchet::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_code_counts() {
        let rust = "//! Doc.\n\nfn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";
        let python = "\"\"\"Doc\nmore\n\"\"\"\n# note\n\nx = 1\n\ndef f():\n    \"\"\"One.\"\"\"\n    return x\n";
        let tree = Tree::new(vec![
            File::new("crates/a/src/b.rs", rust),
            File::new("crates/a/tests/b.rs", rust),
            File::new("python/a.py", python),
            File::new("python/tests/unit/test_a.py", python),
        ]);
        assert_eq!(sizes(&tree), now(&[("crates/a/src/b.rs", 1), ("python/a.py", 3)]));
    }
}
