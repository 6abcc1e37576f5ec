//! Files that tell others of this process, and go with it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// A file that is removed when this is dropped.
pub(super) struct Announced(PathBuf);

impl Drop for Announced {
    fn drop(&mut self) {
        // Somebody else may have removed it.
        drop(fs::remove_file(&self.0));
    }
}

/// Writes a file whole: who reads it finds all of it or nothing.
fn announce(path: &Path, text: &str, what: &str) -> Result<Announced> {
    let failed = || format!("can't write the {what} {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    new.write_all(text.as_bytes()).with_context(failed)?;
    new.persist(path).map_err(|error| error.error).with_context(failed)?;
    Ok(Announced(path.into()))
}

/// The number of this process.
pub(super) fn pid_file(path: &Path) -> Result<Announced> {
    announce(path, &format!("{}\n", std::process::id()), "PID file")
}

/// Where the scheduler is, as Dask's tools read it.
pub(super) fn scheduler_file(path: &Path, address: &str) -> Result<Announced> {
    let text = json!({
        "type": "Scheduler",
        "id": format!("Scheduler-{}", std::process::id()),
        "address": address,
        "services": {},
        "workers": {},
    });
    announce(path, &format!("{text:#}\n"), "scheduler file")
}

/// The address in such a file; none if it is not there yet.
pub(super) fn read_scheduler_file(path: &Path) -> Result<Option<String>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => {
            text.with_context(|| format!("can't read the scheduler file {}", path.display()))?
        }
    };
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("the scheduler file {} is no JSON", path.display()))?;
    let address = value.get("address").and_then(Value::as_str);
    let address = address
        .with_context(|| format!("the scheduler file {} has no \"address\"", path.display()))?;
    Ok(Some(address.to_owned()))
}
