//! The configuration of a process: where its files are, and putting them together with the
//! environment.
//!
//! What the texts mean is `oxidask_core::config`'s business. A Python process reads its
//! configuration in Python (`oxidask/config.py`), from the same places by the same rules; this is
//! for the programs that run without Python.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use oxidask_core::config::environment::collect_env;
use oxidask_core::config::{Config, ConfigError, Map, Notice, parse_tree};

/// Why a configuration could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFileError {
    /// A file is no YAML, or no mapping.
    #[error("the configuration file '{}' is malformed: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: ConfigError,
    },
    /// A file or a folder is there, and reading it failed for another reason than a lack of
    /// permission.
    #[error("cannot read the configuration in '{}': {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A variable, or the tree that results from all sources, makes no sense.
    #[error("the configuration in the environment makes no sense: {0}")]
    Environment(#[source] ConfigError),
    /// Several sources contradict each other about what is a section.
    #[error("the configuration files contradict each other: {0}")]
    Contradiction(#[source] ConfigError),
}

/// The folders and files that are searched, the weakest first.
///
/// These are `/etc/oxidask` (or `OXIDASK_ROOT_CONFIG`), `etc/oxidask` below each of `prefixes`
/// (installations, such as a virtual environment), `.config/oxidask` below the home folder, and
/// what `OXIDASK_CONFIG` names. `variable` looks up a variable of the environment.
#[must_use]
pub fn search_paths(
    variable: impl Fn(&str) -> Option<PathBuf>,
    prefixes: &[PathBuf],
) -> Vec<PathBuf> {
    let root = variable("OXIDASK_ROOT_CONFIG").unwrap_or_else(|| "/etc/oxidask".into());
    let home = variable("HOME").map(|home| home.join(".config").join("oxidask"));
    let all: Vec<PathBuf> = std::iter::once(root)
        .chain(prefixes.iter().map(|prefix| prefix.join("etc").join("oxidask")))
        .chain(home)
        .chain(variable("OXIDASK_CONFIG"))
        .collect();
    // A place that is named twice keeps its stronger position.
    let last = |at: usize| !all[at + 1..].contains(&all[at]);
    (0..all.len()).filter(|&at| last(at)).map(|at| all[at].clone()).collect()
}

/// Reads the configuration files among `places`, the weakest first.
///
/// Of a folder, its `.yaml`, `.yml` and `.json` files are read in the order of their names. What
/// is not there, or not ours to read, is passed over.
///
/// # Errors
/// [`ConfigFileError::Malformed`] and [`ConfigFileError::Unreadable`], naming the file.
pub fn read_files(places: &[PathBuf]) -> Result<Vec<(PathBuf, Map)>, ConfigFileError> {
    let mut trees = Vec::new();
    for place in places {
        for path in files_of(place)? {
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if is_absent(&error) => continue,
                Err(source) => return Err(ConfigFileError::Unreadable { path, source }),
            };
            match parse_tree(&text) {
                Ok(tree) => trees.push((path, tree)),
                Err(source) => return Err(ConfigFileError::Malformed { path, source }),
            }
        }
    }
    Ok(trees)
}

/// A configuration: the defaults, the files of `places`, and the variables of an environment
/// (such as [`std::env::vars_os`]).
///
/// Returned with it are the notices about former names of settings, for the caller to log.
///
/// # Errors
/// Those of [`read_files`], and [`ConfigFileError::Environment`].
pub fn load(
    places: &[PathBuf],
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Config, Vec<Notice>), ConfigFileError> {
    let files = read_files(places)?;
    // Values that are no Unicode can't be settings.
    let variables = variables
        .into_iter()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    let (tree, mut notices) = collect_env(variables).map_err(ConfigFileError::Environment)?;
    let mut config = Config::new();
    let layers = files.into_iter().map(|(_, tree)| tree).chain([tree]);
    notices.extend(config.refresh(layers).map_err(ConfigFileError::Contradiction)?);
    Ok((config, notices))
}

/// The places where this process looks: [`search_paths`] with its own environment, and with the
/// installation that its program lies in.
#[must_use]
pub fn default_places() -> Vec<PathBuf> {
    let prefix = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.to_owned()));
    search_paths(|name| env::var_os(name).map(PathBuf::from), prefix.as_slice())
}

fn files_of(place: &Path) -> Result<Vec<PathBuf>, ConfigFileError> {
    let unreadable = |source| ConfigFileError::Unreadable { path: place.to_owned(), source };
    match fs::read_dir(place) {
        Ok(entries) => {
            let mut files = Vec::new();
            for entry in entries {
                let path = entry.map_err(unreadable)?.path();
                if is_ours(&path) {
                    files.push(path);
                }
            }
            // Folders are listed in no particular order, and the last file wins.
            files.sort();
            Ok(files)
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(vec![place.to_owned()]),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(unreadable(error)),
    }
}

fn is_ours(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|ext| matches!(&*ext.to_ascii_lowercase(), "yaml" | "yml" | "json"))
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_weakest_first_and_once() {
        let lookup = |name: &str| match name {
            "HOME" => Some(PathBuf::from("/home/ada")),
            "OXIDASK_CONFIG" => Some(PathBuf::from("/opt/env/etc/oxidask")),
            _ => None,
        };
        let places = search_paths(lookup, &["/opt/env".into(), "/usr".into()]);
        let expected = [
            "/etc/oxidask",
            "/usr/etc/oxidask",
            "/home/ada/.config/oxidask",
            "/opt/env/etc/oxidask",
        ];
        assert_eq!(places, expected.map(PathBuf::from));
    }

    #[test]
    fn files_of_a_folder_come_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("b.yml", "k: 2"),
            ("a.YAML", "{k: 1, x: yes}"),
            ("c.json", "{\"k\": 3}"),
            ("d.txt", "k: 4"),
            ("e.yaml", "# nothing"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let single = folder.path().join("d.txt");
        let places = [folder.path().to_owned(), folder.path().join("absent"), single.clone()];
        let found = read_files(&places).unwrap();
        let values: Vec<_> =
            found.iter().map(|(_, tree)| tree.get("k").and_then(|k| k.as_i64())).collect();
        assert_eq!(values, [Some(1), Some(2), Some(3), None, Some(4)]);
        assert_eq!(found[4].0, single);
    }

    #[test]
    fn a_malformed_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["a: [1", "[1, 2]"] {
            fs::write(folder.path().join("mine.yaml"), text).unwrap();
            let error = read_files(&[folder.path().to_owned()]).unwrap_err();
            assert!(error.to_string().contains("mine.yaml"), "{error}");
            assert!(error.to_string().contains("malformed"), "{error}");
        }
    }

    #[test]
    fn loading_reads_defaults_files_and_variables() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.yaml"), "array: {chunk_size: 3MiB}").unwrap();
        let variables = [("OXIDASK_ARRAY__SVG__SIZE".into(), "90".into())];
        let (config, _) = load(&[folder.path().to_owned()], variables).unwrap();
        assert_eq!(config.get("array.chunk-size").and_then(|v| v.as_str()), Some("3MiB"));
        assert_eq!(config.get("array.backend").and_then(|v| v.as_str()), Some("numpy"));
        assert_eq!(config.get("array.svg.size").and_then(|v| v.as_i64()), Some(90));
    }
}
