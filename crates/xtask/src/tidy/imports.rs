//! Which crate may know which: dependencies run one way.
//!
//! ```text
//! core <- sched <- runtime          core <- array, frame, bag        array, frame <- ml
//! core <- stream                    runtime, collections <- oxidask <- oxidask-py
//! ```
//!
//! Checked twice, because each look sees what the other misses: in the manifests (what *could*
//! be imported) and in the paths of the sources (what *is*, with tests and examples).

use super::paths::{self, PathUse};
use super::{File, Finding, Package, Tree};

/// Each crate of the house, with the crates of the house that it may depend on.
///
/// A crate that is not here does not belong to the house: add it with its place.
pub(crate) const ALLOWED: &[(&str, &[&str])] = &[
    ("oxidask-core", &[]),
    ("oxidask-sched", &["oxidask-core"]),
    ("oxidask-runtime", &["oxidask-core", "oxidask-sched"]),
    ("oxidask-kernel", &[]),
    ("oxidask-array", &["oxidask-core", "oxidask-kernel"]),
    ("oxidask-frame", &["oxidask-core"]),
    ("oxidask-bag", &["oxidask-core"]),
    ("oxidask-stream", &["oxidask-core"]),
    ("oxidask-ml", &["oxidask-core", "oxidask-array", "oxidask-frame"]),
    ("oxidask", BELOW_THE_FACE),
    ("oxidask-py", BELOW_THE_BINDING),
    // The simulator's seeds will be run from here; nothing else of the house is its business.
    ("xtask", &["oxidask-core", "oxidask-sched"]),
];

const BELOW_THE_FACE: &[&str] = &[
    "oxidask-core",
    "oxidask-sched",
    "oxidask-runtime",
    "oxidask-array",
    "oxidask-frame",
    "oxidask-bag",
    "oxidask-stream",
    "oxidask-ml",
];

const BELOW_THE_BINDING: &[&str] = &[
    "oxidask",
    "oxidask-core",
    "oxidask-sched",
    "oxidask-runtime",
    "oxidask-array",
    "oxidask-frame",
    "oxidask-bag",
    "oxidask-stream",
    "oxidask-ml",
];

/// The crates that emit graphs.
const COLLECTIONS: [&str; 5] =
    ["oxidask-array", "oxidask-frame", "oxidask-bag", "oxidask-stream", "oxidask-ml"];

/// The only crate that knows Python.
const BINDING: &str = "oxidask-py";

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    ALLOWED.iter().find(|(known, _)| *known == name).map(|(_, allowed)| *allowed)
}

/// Whether a dependency of this name brings Python with it.
fn is_python(dependency: &str) -> bool {
    dependency == "numpy" || dependency == "pythonize" || dependency.starts_with("pyo3")
}

/// Rule `dependencies`: the manifests keep to the table, and nothing has a `python` feature.
pub(crate) fn dependencies(_: &Tree, packages: &[Package]) -> Vec<Finding> {
    let rule = "dependencies";
    let mut findings = Vec::new();
    for package in packages {
        let mut report = |message| {
            findings.push(Finding { path: package.manifest(), line: 0, rule, message });
        };
        let Some(allowed) = allowed(&package.name) else {
            report(format!(
                "crate `{}` has no place in the table of crates/xtask/src/tidy/imports.rs",
                package.name
            ));
            continue;
        };
        for name in package.dependencies.iter().chain(&package.dev_dependencies) {
            let ours = ALLOWED.iter().any(|(known, _)| known == name);
            if ours && !allowed.contains(&name.as_str()) && *name != package.name {
                report(format!("`{}` must not depend on `{name}`", package.name));
            }
            if is_python(name) && package.name != BINDING {
                report(format!("`{name}` may only be a dependency of `{BINDING}`"));
            }
        }
        for feature in package.features.iter().filter(|feature| feature.contains("python")) {
            report(format!("feature `{feature}`: Python belongs in `{BINDING}`, not in a feature"));
        }
    }
    findings
}

/// Rule `imports`: the sources name only crates of the house that the table allows them.
pub(crate) fn sources(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, masked) in tree.rust() {
        let Some((name, allowed)) = file.crate_name().and_then(|name| Some((name, allowed(name)?)))
        else {
            continue;
        };
        for path in paths::of(masked) {
            let Some(krate) = ALLOWED.iter().find(|(krate, _)| is_path_into(&path, krate)) else {
                continue;
            };
            if krate.0 != name && !allowed.contains(&krate.0) {
                let message = format!("`{name}` must not import `{}`", path.joined());
                findings.push(finding(file, path.line, "imports", message));
            }
        }
    }
    findings
}

fn is_path_into(path: &PathUse, krate: &str) -> bool {
    path.segments[0] == krate.replace('-', "_")
}

/// Rule `kernel-plan`: chunk and partition maths knows nothing of plans.
pub(crate) fn kernel_never_sees_plan(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, masked) in tree.rust().filter(|(file, _)| in_module(file, "kernel")) {
        for path in paths::of(masked) {
            let local = matches!(path.segments[0].as_str(), "crate" | "super");
            if local && path.segments.iter().any(|segment| segment == "plan") {
                let message = format!("kernel/ must not import `{}`", path.joined());
                findings.push(finding(file, path.line, "kernel-plan", message));
            }
        }
    }
    findings
}

/// Rule `storage`: in the collections, only `io/` opens files and sockets.
pub(crate) fn only_io_touches_storage(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, masked) in tree.rust() {
        let collection = file.crate_name().is_some_and(|name| COLLECTIONS.contains(&name));
        // Examples beside `src` are programs: they may read a file.
        let is_program = file.path.contains("/examples/");
        if !collection || in_module(file, "io") || file.is_test() || is_program {
            continue;
        }
        for path in paths::of(masked) {
            let storage = path.starts_with(&["std", "fs"]) || path.starts_with(&["std", "net"]);
            if storage && !masked.is_test_line(path.line) {
                let message = format!("only io/ touches storage, not `{}`", path.joined());
                findings.push(finding(file, path.line, "storage", message));
            }
        }
    }
    findings
}

/// Rule `pyo3`: no path into Python outside the binding.
pub(crate) fn pyo3_only_in_the_binding(tree: &Tree, _: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, masked) in tree.rust().filter(|(file, _)| file.crate_name() != Some(BINDING)) {
        for path in paths::of(masked).iter().filter(|path| is_python(&path.segments[0])) {
            let message = format!("`{}` belongs in `{BINDING}`", path.joined());
            findings.push(finding(file, path.line, "pyo3", message));
        }
    }
    findings
}

/// Whether the file is the module of this name, directly below a crate's `src`, or lies in it.
fn in_module(file: &File, module: &str) -> bool {
    let mut parts = file.path.split('/').skip_while(|part| *part != "src").skip(1);
    parts.next().is_some_and(|part| part.trim_end_matches(".rs") == module)
}

fn finding(file: &File, line: usize, rule: &'static str, message: String) -> Finding {
    Finding { path: file.path.clone(), line, rule, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str], features: &[&str]) -> Package {
        let own = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
        Package {
            name: name.to_owned(),
            dependencies: own(dependencies),
            features: own(features),
            ..Package::default()
        }
    }

    fn tree(path: &str, text: &str) -> Tree {
        Tree::new(vec![File::new(path, text)])
    }

    fn messages(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.message.as_str()).collect()
    }

    #[test]
    fn manifests_that_go_the_wrong_way_are_caught() {
        let sins = [
            (package("oxidask-core", &["oxidask-runtime"], &[]), "must not depend on"),
            (package("oxidask-runtime", &["oxidask-array"], &[]), "must not depend on"),
            (package("oxidask-array", &["oxidask-sched"], &[]), "must not depend on"),
            (package("oxidask-frame", &["oxidask-runtime"], &[]), "must not depend on"),
            (package("oxidask", &["oxidask-py"], &[]), "must not depend on"),
            (package("oxidask-runtime", &["pyo3"], &[]), "may only be a dependency of"),
            (package("oxidask-array", &[], &["python"]), "belongs in `oxidask-py`"),
            (package("oxidask-misc", &[], &[]), "has no place in the table"),
        ];
        for (sinner, message) in sins {
            let found = dependencies(&Tree::default(), std::slice::from_ref(&sinner));
            assert_eq!(found.len(), 1, "{sinner:?}");
            assert!(found[0].message.contains(message), "{}", found[0].message);
        }
    }

    #[test]
    fn manifests_of_the_house_pass() {
        let house = [
            package("oxidask-core", &["rustc-hash"], &[]),
            package("oxidask-runtime", &["oxidask-core"], &[]),
            package("oxidask-ml", &["oxidask-array", "oxidask-frame"], &[]),
            package("oxidask", &["oxidask-core", "oxidask-runtime"], &[]),
            package("oxidask-py", &["oxidask", "pyo3"], &["extension"]),
        ];
        assert_eq!(messages(&dependencies(&Tree::default(), &house)), [""; 0]);
    }

    #[test]
    fn development_dependencies_count_too() {
        let mut sinner = package("oxidask-array", &[], &[]);
        sinner.dev_dependencies.push("oxidask-runtime".to_owned());
        assert_eq!(dependencies(&Tree::default(), &[sinner]).len(), 1);
    }

    #[test]
    fn imports_in_sources_are_caught() {
        let sin = "//! Doc about oxidask_runtime::local.\nuse oxidask_runtime::local;\n";
        let found = sources(&tree("crates/oxidask-array/src/lib.rs", sin), &[]);
        assert_eq!(messages(&found), ["`oxidask-array` must not import `oxidask_runtime::local`"]);
        assert_eq!(found[0].line, 2);

        let inline = "fn f() { oxidask::compute(); }";
        assert_eq!(sources(&tree("crates/oxidask-core/src/a.rs", inline), &[]).len(), 1);
        assert_eq!(sources(&tree("crates/oxidask/src/a.rs", inline), &[]).len(), 0);
    }

    #[test]
    fn kernels_that_see_plans_are_caught() {
        let sin = "use crate::{kernel::add, plan::Expr};";
        let file = "crates/oxidask-array/src/kernel/sum.rs";
        let found = kernel_never_sees_plan(&tree(file, sin), &[]);
        assert_eq!(messages(&found), ["kernel/ must not import `crate::plan::Expr`"]);
        let plan = "crates/oxidask-array/src/plan/sum.rs";
        assert_eq!(kernel_never_sees_plan(&tree(plan, sin), &[]).len(), 0);
    }

    #[test]
    fn storage_outside_io_is_caught() {
        let sin = "fn f() { std::fs::read(path); }";
        let found = only_io_touches_storage(&tree("crates/oxidask-bag/src/plan.rs", sin), &[]);
        assert_eq!(messages(&found), ["only io/ touches storage, not `std::fs::read`"]);
        for fine in ["crates/oxidask-bag/src/io/text.rs", "crates/oxidask-runtime/src/store.rs"] {
            assert_eq!(only_io_touches_storage(&tree(fine, sin), &[]).len(), 0, "{fine}");
        }
    }

    #[test]
    fn pyo3_outside_the_binding_is_caught() {
        let sin = "use pyo3::prelude::*;";
        let found = pyo3_only_in_the_binding(&tree("crates/oxidask/src/lib.rs", sin), &[]);
        assert_eq!(messages(&found), ["`pyo3::prelude` belongs in `oxidask-py`"]);
        assert_eq!(
            pyo3_only_in_the_binding(&tree("crates/oxidask-py/src/lib.rs", sin), &[]).len(),
            0
        );
    }
}
