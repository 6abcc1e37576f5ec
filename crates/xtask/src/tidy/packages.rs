//! The workspace as `cargo metadata` sees it, reduced to what the rules look at.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// A crate of the workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// What it depends on to build and run; not what only its tests need.
    pub(crate) dependencies: Vec<String>,
    /// What its tests depend on besides.
    pub(crate) dev_dependencies: Vec<String>,
    /// Its features.
    pub(crate) features: Vec<String>,
}

impl Package {
    /// Path of its manifest, from the workspace root.
    pub(crate) fn manifest(&self) -> String {
        format!("crates/{}/Cargo.toml", self.name)
    }
}

/// The crates of the workspace at `root`, by name.
///
/// # Errors
/// When cargo does not answer.
pub(crate) fn read(root: &Path) -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        // Only the members' own manifests matter, so nothing need be resolved or downloaded.
        .no_deps()
        .exec()
        .context("cargo metadata failed")?;
    let mut packages: Vec<Package> = metadata
        .packages
        .iter()
        .map(|package| {
            let (dev, normal): (Vec<_>, Vec<_>) = package
                .dependencies
                .iter()
                .partition(|dependency| dependency.kind == DependencyKind::Development);
            Package {
                name: package.name.to_string(),
                dependencies: normal.iter().map(|dependency| dependency.name.clone()).collect(),
                dev_dependencies: dev.iter().map(|dependency| dependency.name.clone()).collect(),
                features: package.features.keys().cloned().collect(),
            }
        })
        .collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}
