//! How Rust files are named, headed and annotated, and what every manifest inherits.

use super::{File, Finding, Package, Tree};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 10] = [
    "utils", "util", "common", "helpers", "helper", "misc", "manager", "managers", "shared",
    "stuff",
];

/// Rule `module-doc`: every module opens by saying what it does.
pub(crate) fn module_docs(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    tree.rust()
        .filter(|(file, _)| {
            let first = file.text.lines().find(|line| !line.trim().is_empty());
            !first.is_some_and(|line| line.starts_with("//! "))
        })
        .map(|(file, _)| Finding {
            path: file.path.clone(),
            line: 1,
            rule: "module-doc",
            message: "a module opens with `//!`: what it does and what it leaves to others"
                .to_owned(),
        })
        .collect()
}

/// Rule `module-name`: no module is named after nothing, in its own file or inline.
pub(crate) fn module_names(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, masked) in tree.rust() {
        let mut report = |line, name: &str| {
            findings.push(Finding {
                path: file.path.clone(),
                line,
                rule: "module-name",
                message: format!("`{name}` says nothing: name the thing"),
            });
        };
        for part in file.path.split('/') {
            let name = part.trim_end_matches(".rs");
            if EMPTY_NAMES.contains(&name) {
                report(0, name);
            }
        }
        for (offset, _) in masked.code.match_indices("mod ") {
            let rest = masked.code[offset + 4..].trim_start();
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next();
            let inline = rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            // `mod name;` is reported with its file.
            if let Some(name) = name.filter(|name| EMPTY_NAMES.contains(name))
                && inline.trim_start().starts_with('{')
            {
                report(masked.line(offset), name);
            }
        }
    }
    findings
}

/// Rule `allow`: a lint is expected with a reason, never silently allowed.
pub(crate) fn bare_allow(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    find_attribute(tree, "allow", "allow(", "write `#[expect(lint, reason = \"...\")]` instead")
}

/// Rule `ignored-test`: a test that does not run is no test.
pub(crate) fn ignored_tests(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    find_attribute(tree, "ignored-test", "ignore", "mend the test or delete it")
}

/// Attributes that hold `word` where a new item of the attribute begins.
fn find_attribute(tree: &Tree, rule: &'static str, word: &str, remedy: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, masked) in tree.rust() {
        for (start, attribute) in attributes(&masked.code) {
            let holds = attribute.split(|c: char| c.is_whitespace() || c == ',').any(|part| {
                let part = part.trim_start_matches(['#', '!', '[']);
                match word.strip_suffix('(') {
                    Some(_) => part.starts_with(word),
                    None => part.trim_end_matches(']') == word,
                }
            });
            if holds {
                findings.push(Finding {
                    path: file.path.clone(),
                    line: masked.line(start),
                    rule,
                    message: format!("{}: {remedy}", attribute.trim()),
                });
            }
        }
    }
    findings
}

/// The attributes of a masked source: offset and text from `#` to the closing bracket.
fn attributes(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices('#') {
        let rest = &code[start..];
        if !rest.starts_with("#[") && !rest.starts_with("#![") {
            continue;
        }
        let mut depth = 0_usize;
        for (at, c) in rest.char_indices() {
            match c {
                '[' => depth += 1,
                ']' if depth == 1 => {
                    found.push((start, &rest[..=at]));
                    break;
                }
                ']' => depth -= 1,
                _ => {}
            }
        }
    }
    found
}

/// Rule `baked-path`: no source compiles in the folder that it lies in.
///
/// Clones share their build directory, so a binary may come from another clone: what it reads at
/// run time must be found at run time. Cargo sets `CARGO_MANIFEST_DIR` for tests and programs too.
pub(crate) fn baked_paths(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, masked) in tree.rust() {
        for (offset, _) in masked.code.match_indices("env!") {
            let argument = file.text[offset + 4..].trim_start_matches([' ', '(', '\n']);
            if argument.starts_with("\"CARGO_MANIFEST_DIR\"") {
                findings.push(Finding {
                    path: file.path.clone(),
                    line: masked.line(offset),
                    rule: "baked-path",
                    message: "read CARGO_MANIFEST_DIR with std::env::var at run time".to_owned(),
                });
            }
        }
    }
    findings
}

/// Rule `manifest`: every crate takes the workspace's lints, and its versions from one table.
pub(crate) fn manifests(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let Some(File { path, text, .. }) = tree.file(&package.manifest()) else { continue };
        let mut report = |line, message: &str| {
            let message = message.to_owned();
            findings.push(Finding { path: path.clone(), line, rule: "manifest", message });
        };
        if !text.replace(' ', "").contains("[lints]\nworkspace=true") {
            report(0, "add `[lints]` with `workspace = true`");
        }
        let mut in_dependencies = false;
        for (line, content) in text.lines().enumerate() {
            if content.starts_with('[') {
                in_dependencies = content.ends_with("dependencies]");
            } else if in_dependencies
                && content.contains('=')
                && !content.trim_start().starts_with('#')
                && !content.replace(' ', "").contains("workspace=true")
            {
                report(line + 1, "take the version from `[workspace.dependencies]`");
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str, text: &str) -> Tree {
        Tree::new(vec![File::new(path, text)])
    }

    #[test]
    fn a_module_without_its_doc_is_caught() {
        for sin in ["use a;\n//! Late.", "// Plain comment.\n", "", "/// Of the wrong kind."] {
            assert_eq!(module_docs(&tree("crates/a/src/b.rs", sin), &[]).len(), 1, "{sin}");
        }
        assert_eq!(module_docs(&tree("crates/a/src/b.rs", "\n//! Doc.\n"), &[]), []);
        assert_eq!(module_docs(&tree("python/a.py", "import b"), &[]), []);
    }

    #[test]
    fn empty_names_are_caught() {
        for sin in
            ["crates/a/src/utils.rs", "crates/a/src/helpers/b.rs", "crates/a/src/misc/mod.rs"]
        {
            assert_eq!(module_names(&tree(sin, "//! Doc."), &[]).len(), 1, "{sin}");
        }
        let inline = "//! Doc.\nmod common {\n}\n";
        assert_eq!(module_names(&tree("crates/a/src/b.rs", inline), &[])[0].line, 2);
        assert_eq!(module_names(&tree("crates/a/src/b.rs", "mod commons {}"), &[]), []);
        assert_eq!(module_names(&tree("python/oxidask/utils.py", ""), &[]), []);
    }

    #[test]
    fn bare_allows_are_caught() {
        let sins = [
            "#[allow(dead_code)] fn f() {}",
            "#![allow(missing_docs)]",
            "#[cfg_attr(test, allow(unused))] fn f() {}",
            "#[cfg_attr(\n    test,\n    allow(unused)\n)]\nfn f() {}",
        ];
        for sin in sins {
            assert_eq!(bare_allow(&tree("crates/a/src/b.rs", sin), &[]).len(), 1, "{sin}");
        }
        let fine = "//! Not #[allow(x)].\n#[expect(dead_code, reason = \"allow(x)\")] fn f() {}";
        assert_eq!(bare_allow(&tree("crates/a/src/b.rs", fine), &[]), []);
    }

    #[test]
    fn ignored_tests_are_caught() {
        for sin in ["#[test]\n#[ignore]\nfn f() {}", "#[ignore = \"slow\"] fn f() {}"] {
            assert_eq!(ignored_tests(&tree("crates/a/tests/b.rs", sin), &[]).len(), 1, "{sin}");
        }
        assert_eq!(ignored_tests(&tree("crates/a/tests/b.rs", "fn ignore() {}"), &[]), []);
    }

    #[test]
    fn baked_in_paths_are_caught() {
        for sin in
            ["fn f() { env!(\"CARGO_MANIFEST_DIR\"); }", "option_env!( \"CARGO_MANIFEST_DIR\" )"]
        {
            assert_eq!(baked_paths(&tree("crates/a/tests/b.rs", sin), &[]).len(), 1, "{sin}");
        }
        let fine = "fn f() { std::env::var(\"CARGO_MANIFEST_DIR\"); env!(\"CARGO_PKG_VERSION\"); }";
        assert_eq!(baked_paths(&tree("crates/a/tests/b.rs", fine), &[]), []);
    }

    #[test]
    fn manifests_that_go_their_own_way_are_caught() {
        let packages = [Package { name: "a".to_owned(), ..Package::default() }];
        let check = |text| manifests(&tree("crates/a/Cargo.toml", text), &packages).len();
        assert_eq!(check("[dependencies]\nb.workspace = true\n"), 1);
        assert_eq!(check("[lints]\nworkspace = true\n[dependencies]\nb = \"1.0\"\n"), 1);
        assert_eq!(
            check("[lints]\nworkspace = true\n[dev-dependencies]\nb = { path = \".\" }\n"),
            1
        );
        assert_eq!(
            check("[lints]\nworkspace = true\n[dependencies]\nb = { workspace = true }\n"),
            0
        );
    }
}
