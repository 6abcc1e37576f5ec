//! What the pure crates may not touch.
//!
//! `oxidask-core` and `oxidask-sched` decide, and the same inputs must always decide the same:
//! time, randomness and input come in with the call. This rule reads paths as they are written;
//! the crates' `clippy.toml` bans the same things by what a name resolves to.

use super::paths;
use super::{Finding, Package, Tree};

/// The crates without effects.
const PURE: [&str; 2] = ["oxidask-core", "oxidask-sched"];

/// Path segments that betray an effect, and what to do instead.
const BANNED: &[(&[&str], &str)] = &[
    (&["std", "thread"], "threads belong in oxidask-runtime"),
    (&["std", "fs"], "files belong in oxidask-runtime; take the text or the bytes"),
    (&["std", "net"], "sockets belong in oxidask-runtime"),
    (&["std", "process"], "processes belong in oxidask-runtime"),
    (&["std", "env"], "take the environment as an argument"),
    (&["std", "io", "stdin"], "take the input as an argument"),
    (&["tokio"], "async belongs in oxidask-runtime"),
    (&["parking_lot"], "locks belong in oxidask-runtime"),
    (&["std", "sync", "Mutex"], "locks belong in oxidask-runtime"),
    (&["std", "sync", "RwLock"], "locks belong in oxidask-runtime"),
    (&["std", "sync", "Condvar"], "locks belong in oxidask-runtime"),
    (&["std", "sync", "mpsc"], "channels belong in oxidask-runtime"),
    (&["Instant", "now"], "take the time as an argument"),
    (&["SystemTime", "now"], "take the time as an argument"),
    (&["rand"], "take seeded random numbers as an argument"),
    (&["getrandom"], "take seeded random numbers as an argument"),
    (&["RandomState"], "a random hash order must not reach a decision; use rustc_hash"),
    (&["collections", "HashMap"], "its order is random; use rustc_hash::FxHashMap or BTreeMap"),
    (&["collections", "HashSet"], "its order is random; use rustc_hash::FxHashSet or BTreeSet"),
];

/// Rule `purity`: no effect in a pure crate, outside its tests.
pub(crate) fn banned_paths(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, masked) in tree.rust() {
        // Tests, examples and benchmarks beside `src` are programs: they may read a file.
        let pure = PURE.iter().any(|name| file.path.starts_with(&format!("crates/{name}/src/")));
        if file.is_test() || !pure {
            continue;
        }
        for path in paths::of(masked) {
            if masked.is_test_line(path.line) || is_expected(&masked.code, path.line) {
                continue;
            }
            for (segments, remedy) in BANNED {
                // A whole crate is banned at the front only: `self::rand` may be a module of ours.
                let found = match segments {
                    [krate] if *krate != "RandomState" => path.starts_with(segments),
                    _ => path.contains(segments),
                };
                if found {
                    findings.push(Finding {
                        path: file.path.clone(),
                        line: path.line,
                        rule: "purity",
                        message: format!("`{}` in a pure crate: {remedy}", path.joined()),
                    });
                }
            }
        }
    }
    findings
}

/// Whether the source says why it does this: `#[expect(clippy::disallowed_types, reason = ...)]`,
/// as clippy wants it, at the head of the file or in the lines above.
fn is_expected(code: &str, line: usize) -> bool {
    let expects = |text: &str| text.contains("expect(clippy::disallowed_");
    let mut lines = code.lines().take(line);
    lines.clone().any(|text| text.starts_with("#![") && expects(text))
        || lines.by_ref().skip(line.saturating_sub(4)).any(expects)
}

/// Rule `forbid-unsafe`: a pure crate has no `unsafe`, and no way to get any.
pub(crate) fn forbid_unsafe(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| PURE.contains(&package.name.as_str())) {
        let path = format!("crates/{}/src/lib.rs", package.name);
        let forbids = tree
            .file(&path)
            .and_then(|file| file.rust.as_ref())
            .is_some_and(|masked| masked.code.contains("#![forbid(unsafe_code)]"));
        if !forbids {
            let message = "a pure crate opens with `#![forbid(unsafe_code)]`".to_owned();
            findings.push(Finding { path, line: 0, rule: "forbid-unsafe", message });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::*;

    fn purity(path: &str, text: &str) -> Vec<Finding> {
        banned_paths(&Tree::new(vec![File::new(path, text)]), &[])
    }

    #[test]
    fn every_effect_is_caught() {
        let sins = [
            "use std::thread;",
            "use std::{sync::Arc, fs::File};",
            "fn f() { std::net::TcpStream::connect(a); }",
            "fn f() { std::process::Command::new(a); }",
            "fn f() { std::env::var(a); }",
            "use std::io::stdin;",
            "use tokio::spawn;",
            "use parking_lot::Mutex;",
            "use std::sync::Mutex;",
            "use std::sync::{Arc, RwLock};",
            "use std::sync::Condvar;",
            "use std::sync::mpsc;",
            "use std::time::Instant; fn f() { Instant::now(); }",
            "fn f() { std::time::SystemTime::now(); }",
            "use rand::Rng;",
            "fn f() { getrandom::fill(a); }",
            "use std::hash::RandomState;",
            "use std::collections::{BTreeMap, HashMap};",
            "use std::collections::HashSet;",
        ];
        assert_eq!(sins.len(), BANNED.len(), "one sin for each ban");
        for sin in sins {
            let found = purity("crates/oxidask-core/src/order.rs", sin);
            assert_eq!(found.len(), 1, "{sin}: {found:?}");
        }
    }

    #[test]
    fn the_innocent_pass() {
        let source = "//! No std::thread here.\nuse rustc_hash::FxHashMap;\nuse std::sync::Arc;\n\
                      #[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        assert_eq!(purity("crates/oxidask-core/src/order.rs", source), []);
        assert_eq!(purity("crates/oxidask-runtime/src/local.rs", "use std::thread;"), []);
        assert_eq!(purity("crates/oxidask-core/tests/order.rs", "use std::thread;"), []);
        assert_eq!(purity("crates/oxidask-core/examples/order.rs", "use std::fs;"), []);
    }

    #[test]
    fn a_reason_is_accepted_where_it_stands() {
        let reason = "[expect(clippy::disallowed_types, reason = \"sorted below\")]";
        let file = "crates/oxidask-core/src/tokenize.rs";
        let sin = "use std::collections::HashMap;\n";
        assert_eq!(purity(file, &format!("//! Doc.\n#!{reason}\n\n\n\n\n\n{sin}")), []);
        assert_eq!(purity(file, &format!("//! Doc.\n#{reason}\n{sin}")), []);
        assert_eq!(
            purity(file, &format!("#{reason}\nuse a;\nuse b;\nuse c;\nuse d;\n{sin}")).len(),
            1
        );
    }

    #[test]
    fn a_pure_crate_without_the_forbid_is_caught() {
        let packages = [Package { name: "oxidask-core".to_owned(), ..Package::default() }];
        let lib = |text| Tree::new(vec![File::new("crates/oxidask-core/src/lib.rs", text)]);
        assert_eq!(forbid_unsafe(&lib("//! Doc: #![forbid(unsafe_code)]"), &packages).len(), 1);
        assert_eq!(forbid_unsafe(&lib("//! Doc.\n#![forbid(unsafe_code)]\n"), &packages), []);
    }
}
