//! What no committed text may say.

use super::{Finding, Package, Tree};

/// First folders of paths that exist on one machine only.
///
/// Temporary folders are among them: a test takes its folder from the system (`tempfile`,
/// `tmp_path`), and an example names one that the reader will recognise as theirs.
const ONE_MACHINE: [&str; 6] = ["home", "root", "Users", "work", "workspace", "tmp"];

/// The user of our examples, who lives on no machine.
const NOBODY: &str = "/home/ada";

/// Rule `machine-path`: no absolute path of somebody's machine.
pub(crate) fn machine_paths(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| !file.path.ends_with(".lock")) {
        for (number, line) in file.text.lines().enumerate() {
            for path in ONE_MACHINE.iter().filter_map(|folder| machine_path(line, folder)) {
                findings.push(Finding {
                    path: file.path.clone(),
                    line: number + 1,
                    rule: "machine-path",
                    message: format!("`{path}` exists on one machine only"),
                });
            }
        }
    }
    findings
}

/// The first path below `/folder/` in a line, unless it is the tail of a longer path or a URL.
fn machine_path<'a>(line: &'a str, folder: &str) -> Option<&'a str> {
    let needle = format!("/{folder}/");
    line.match_indices(&needle).find_map(|(at, _)| {
        let before = line[..at].chars().next_back();
        let continues = before.is_some_and(|c| c.is_alphanumeric() || "._-~*>})]/$".contains(c));
        let rest = &line[at..];
        let end = rest[needle.len()..]
            .find(|c: char| !c.is_alphanumeric() && !"._-/".contains(c))
            .map_or(rest.len(), |end| end + needle.len());
        let found = !continues && end > needle.len() && !rest.starts_with(NOBODY);
        found.then(|| &rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::*;

    fn found(line: &str) -> usize {
        machine_paths(&Tree::new(vec![File::new("docs/a.md", line)]), &[]).len()
    }

    #[test]
    fn paths_of_one_machine_are_caught() {
        for folder in ONE_MACHINE {
            // Put together here, because this file is checked as well.
            assert_eq!(found(&format!("see \"/{folder}/somebody/code.py\"")), 1, "{folder}");
            assert_eq!(found(&format!("/{folder}/a.txt")), 1, "{folder}");
        }
    }

    #[test]
    fn other_paths_pass() {
        for folder in ONE_MACHINE {
            assert_eq!(found(&format!("https://example.com/{folder}/page")), 0, "{folder}");
            assert_eq!(found(&format!("docs/{folder}/page.md, ~/{folder}/x")), 0, "{folder}");
            assert_eq!(found(&format!("$HOME/{folder}/x or \"/{folder}/\"")), 0, "{folder}");
        }
        assert_eq!(found(&format!("{NOBODY}/data.csv")), 0);
        assert_eq!(found("/usr/bin/env and /proc/self/status"), 0);
    }
}
