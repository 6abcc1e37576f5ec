//! The files of the working tree, in memory.
//!
//! What counts as a file of ours is what git would commit: tracked files and untracked ones that
//! `.gitignore` does not name. Outside a git checkout (an unpacked archive) every file counts
//! that is not below a folder of build outputs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::lexer::Masked;

/// Folders that hold no sources, for trees without git.
const OUTPUTS: [&str; 6] = ["target", ".venv", "node_modules", "__pycache__", "dist", ".git"];

/// One text file.
#[derive(Debug)]
pub(crate) struct File {
    /// Path from the workspace root, with forward slashes.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
    /// For Rust files: the text without comments and literals.
    pub(crate) rust: Option<Masked>,
}

impl File {
    /// A file with this text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let rust = path.ends_with(".rs").then(|| Masked::new(text));
        Self { path: path.to_owned(), text: text.to_owned(), rust }
    }

    /// The crate folder this file lies in: `oxidask-core` for `crates/oxidask-core/src/lib.rs`.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether this is test code as a whole: an integration test, or a `tests` module.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "conftest.py"))
    }
}

/// Every text file that git would commit, by path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// A tree of these files.
    pub(crate) fn new(mut files: Vec<File>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    /// Reads the tree below `root`; files that are not UTF-8 (pictures, data) are left out.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let paths = match git_files(root) {
            Some(paths) => paths,
            None => {
                let mut paths = Vec::new();
                walk(root, "", &mut paths)?;
                paths
            }
        };
        let mut files = Vec::new();
        for path in paths {
            // A tracked file that the working tree has deleted is still listed.
            if !root.join(&path).is_file() {
                continue;
            }
            let bytes = std::fs::read(root.join(&path)).with_context(|| path.clone())?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File::new(&path, &text));
            }
        }
        Ok(Self::new(files))
    }

    /// All files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust files, each with its masked text.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Masked)> {
        self.files.iter().filter_map(|file| Some((file, file.rust.as_ref()?)))
    }

    /// The file at this path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// What git would commit, or `None` where there is no checkout or no git.
fn git_files(root: &Path) -> Option<Vec<String>> {
    // The tree may lie, unpacked, inside the checkout of something else.
    root.join(".git").exists().then_some(())?;
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()?;
    output.status.success().then_some(())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut paths: Vec<String> =
        text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.dedup();
    Some(paths)
}

fn walk(root: &Path, below: &str, paths: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(root.join(below)).with_context(|| below.to_owned())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if entry.file_type()?.is_dir() {
            if !OUTPUTS.contains(&name.as_str()) && !name.ends_with("_cache") {
                walk(root, &path, paths)?;
            }
        } else {
            paths.push(path);
        }
    }
    Ok(())
}
