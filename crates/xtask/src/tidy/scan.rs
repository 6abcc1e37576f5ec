//! The proof that the check saw the tree: a guard that scans nothing must not pass.

use std::fmt;

use super::{Finding, Package, Tree};

/// Crates that must be there; the others of the house come with their issues.
const CRATES: [&str; 5] = ["oxidask-core", "oxidask-runtime", "oxidask", "oxidask-py", "xtask"];

/// Folders that must hold at least one file with this ending.
const FOLDERS: [(&str, &str); 9] = [
    (".ci/", ""),
    ("benchmarks/", ".py"),
    ("conformance/", ".py"),
    ("conformance/lists/", ".txt"),
    ("docs/", ".md"),
    ("examples/", ".py"),
    ("python/oxidask/", ".py"),
    ("python/tests/unit/", ".py"),
    ("python/tests/compat/", ".py"),
];

/// What was looked at.
pub(crate) struct Totals {
    crates: usize,
    files: usize,
    rust_files: usize,
    python_files: usize,
    lines: usize,
    rules: usize,
}

impl Totals {
    /// Counts the tree.
    pub(crate) fn of(tree: &Tree, packages: &[Package], rules: usize) -> Self {
        let ending = |end: &str| tree.files().filter(|file| file.path.ends_with(end)).count();
        Self {
            crates: packages.len(),
            files: tree.files().count(),
            rust_files: tree.rust().count(),
            python_files: ending(".py"),
            lines: tree.files().map(|file| file.text.lines().count()).sum(),
            rules,
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { crates, files, rust_files, python_files, lines, rules } = self;
        write!(
            f,
            "{crates} crates, {files} files ({rust_files} Rust, {python_files} Python), \
             {lines} lines, {rules} rules"
        )
    }
}

/// Rule `scan`: every crate and folder that must be there was seen, with files in it.
pub(crate) fn proof(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |path: &str, message: &str| {
        let (path, message) = (path.to_owned(), message.to_owned());
        findings.push(Finding { path, line: 0, rule: "scan", message });
    };
    let holds = |folder: &str, end: &str| {
        tree.files().any(|file| file.path.starts_with(folder) && file.path.ends_with(end))
    };
    for name in CRATES {
        if !packages.iter().any(|package| package.name == name) {
            report(&format!("crates/{name}"), "is not in the workspace");
        }
    }
    for package in packages {
        if !holds(&format!("crates/{}/src/", package.name), ".rs") {
            report(&format!("crates/{}", package.name), "no Rust file was scanned here");
        }
    }
    for (folder, end) in FOLDERS.into_iter().filter(|(folder, end)| !holds(folder, end)) {
        report(folder, &format!("no file *{end} was scanned here"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::*;

    fn house() -> (Vec<String>, Vec<Package>) {
        let mut paths: Vec<String> =
            FOLDERS.iter().map(|(folder, end)| format!("{folder}a{end}")).collect();
        paths.extend(CRATES.iter().map(|name| format!("crates/{name}/src/lib.rs")));
        let packages = CRATES
            .iter()
            .map(|&name| Package { name: name.to_owned(), ..Package::default() })
            .collect();
        (paths, packages)
    }

    fn tree(paths: &[String]) -> Tree {
        Tree::new(paths.iter().map(|path| File::new(path, "//! Doc.\n")).collect())
    }

    #[test]
    fn the_whole_house_passes() {
        let (paths, packages) = house();
        assert_eq!(proof(&tree(&paths), &packages), []);
        let totals = Totals::of(&tree(&paths), &packages, 3).to_string();
        assert_eq!(totals, "5 crates, 14 files (5 Rust, 6 Python), 14 lines, 3 rules");
    }

    #[test]
    fn whatever_is_not_seen_is_missed() {
        let (paths, packages) = house();
        for (at, path) in paths.iter().enumerate() {
            let mut rest = paths.clone();
            rest.remove(at);
            assert_ne!(proof(&tree(&rest), &packages), [], "{path}");
        }
        for at in 0..packages.len() {
            let mut rest = packages.clone();
            rest.remove(at);
            assert_eq!(proof(&tree(&paths), &rest).len(), 1);
        }
        assert!(proof(&Tree::default(), &[]).len() >= CRATES.len() + FOLDERS.len());
    }
}
