//! The files that a list of paths, folders and globs stands for, in the order of people: `part.2` before `part.10`.
//!
//! Files whose name begins with `.` or `_` are not data. Folders named `key=value` give values to all files
//! below them, as Hive lays tables out.

use std::cmp::Ordering;
use std::fs;
use std::path::Path;

use super::failed;
use crate::error::{FrameError, Result};

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: String,
    /// What the names of folders say of its rows: keys and values, outermost first.
    pub folders: Vec<(String, String)>,
}

/// All files that `paths` stand for: files themselves, all below folders, those that match globs with
/// `*`, `?`, `[abc]` and `**`.
///
/// # Errors
/// [`FrameError::Io`] if something isn't there or can't be listed, or if a glob matches nothing.
pub fn find(paths: &[String]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in paths {
        let path = path.strip_prefix("file://").unwrap_or(path);
        if Path::new(path).is_file() {
            found.push(Found { path: path.to_owned(), folders: Vec::new() });
        } else if Path::new(path).is_dir() {
            below(path, &mut Vec::new(), &mut found)?;
        } else if path.contains(['*', '?', '[']) {
            let matches = glob(path)?;
            if matches.is_empty() {
                return Err(failed(path, "no file matches this pattern"));
            }
            for path in matches {
                if Path::new(&path).is_dir() {
                    below(&path, &mut Vec::new(), &mut found)?;
                } else {
                    found.push(Found { path, folders: Vec::new() });
                }
            }
        } else {
            return Err(failed(path, "No such file or directory"));
        }
    }
    Ok(found)
}

/// Orders names as people do: numbers in them by their value.
#[must_use]
pub fn natural_order(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left, right);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
            return a.len().cmp(&b.len());
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
            let (n, m) = (digits(a), digits(b));
            let (s, t) = (a[..n].trim_start_matches('0'), b[..m].trim_start_matches('0'));
            let order = s.len().cmp(&t.len()).then_with(|| s.cmp(t));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[n..], &b[m..]);
        } else if x == y {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
        } else {
            return x.cmp(&y);
        }
    }
}

/// The file of this path below a folder; slashes part the names in the path.
pub(crate) fn at(folder: &str, path: &str) -> Found {
    let names = path.split('/');
    let pairs = names.filter_map(|name| name.split_once('='));
    let folders = pairs.map(|(key, value)| (key.to_owned(), unescaped(value))).collect();
    Found { path: join(folder, path), folders }
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || (name.starts_with('_') && !name.contains('='))
}

/// The names in a folder, in order.
fn names(folder: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| failed(folder, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(folder, error))?;
        let name = entry.file_name().into_string().map_err(|name| {
            FrameError::Unsupported(format!(
                "{name:?} in {folder} is not UTF-8: rename the file, or leave it out of the paths"
            ))
        })?;
        names.push(name);
    }
    names.sort_by(|left, right| natural_order(left, right));
    Ok(names)
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        _ if folder.ends_with('/') => format!("{folder}{name}"),
        _ => format!("{folder}/{name}"),
    }
}

fn below(folder: &str, folders: &mut Vec<(String, String)>, found: &mut Vec<Found>) -> Result<()> {
    for name in names(folder)?.into_iter().filter(|name| !is_hidden(name)) {
        let path = join(folder, &name);
        if !Path::new(&path).is_dir() {
            found.push(Found { path, folders: folders.clone() });
            continue;
        }
        let pair = name.split_once('=').map(|(key, value)| (key.to_owned(), unescaped(value)));
        let is_pair = pair.is_some();
        folders.extend(pair);
        below(&path, folders, found)?;
        if is_pair {
            folders.pop();
        }
    }
    Ok(())
}

/// Text with its `%20` and their like turned back.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'%').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The paths that match a pattern, in order.
fn glob(pattern: &str) -> Result<Vec<String>> {
    let (root, rest) = match pattern.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", pattern),
    };
    let mut paths = vec![root.to_owned()];
    let mut parts = rest.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let mut next = Vec::new();
        for path in &paths {
            let folder = if path.is_empty() { "." } else { path };
            if part == "**" {
                next.push(path.clone());
                folders_below(path, &mut next)?;
            } else if !part.contains(['*', '?', '[']) {
                next.push(join(path, part));
            } else if Path::new(folder).is_dir() {
                let matching = |name: &String| {
                    (part.starts_with('.') || !name.starts_with('.')) && matches(part, name)
                };
                next.extend(names(folder)?.into_iter().filter(matching).map(|n| join(path, &n)));
            }
        }
        next.retain(|path| if is_last { Path::new(path).exists() } else { true });
        paths = next;
    }
    paths.retain(|path| Path::new(path).exists());
    Ok(paths)
}

fn folders_below(folder: &str, found: &mut Vec<String>) -> Result<()> {
    for name in names(if folder.is_empty() { "." } else { folder })? {
        let path = join(folder, &name);
        if !is_hidden(&name) && Path::new(&path).is_dir() {
            found.push(path.clone());
            folders_below(&path, found)?;
        }
    }
    Ok(())
}

/// Whether a name matches a pattern of `*`, `?` and `[...]`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut letters = pattern.chars();
    let Some(first) = letters.next() else { return name.is_empty() };
    let mut rest = name.chars();
    match first {
        '*' => {
            let tail = letters.as_str();
            let mut at = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            at.any(|at| matches(tail, &name[at..]))
        }
        '?' => rest.next().is_some() && matches(letters.as_str(), rest.as_str()),
        '[' if pattern[1..].contains(']') => {
            let (set, tail) = pattern[1..].split_once(']').unwrap_or((&pattern[1..], ""));
            let (negated, set) = match set.strip_prefix('!') {
                Some(set) => (true, set),
                None => (false, set),
            };
            let Some(letter) = rest.next() else { return false };
            in_set(set, letter) != negated && matches(tail, rest.as_str())
        }
        _ => rest.next() == Some(first) && matches(letters.as_str(), rest.as_str()),
    }
}

fn in_set(set: &str, letter: char) -> bool {
    let letters: Vec<char> = set.chars().collect();
    let is_range = |w: &[char]| w[1] == '-' && (w[0]..=w[2]).contains(&letter);
    letters.contains(&letter) || letters.windows(3).any(is_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_order_by_value() {
        let mut names = ["part.10", "part.9", "part.0", "a"];
        names.sort_by(|left, right| natural_order(left, right));
        assert_eq!(names, ["a", "part.0", "part.9", "part.10"]);
    }

    #[test]
    fn patterns_match_names() {
        assert!(matches("*.parquet", "a.parquet") && !matches("*.parquet", "a.csv"));
        assert!(matches("a?c[0-9]", "abc7") && !matches("a?c[!0-9]", "abc7"));
    }

    #[test]
    fn folders_give_values_and_hidden_files_are_no_data() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("year=2020").join("city=New%20York");
        fs::create_dir_all(&inner).unwrap();
        for name in ["part.10.x", "part.2.x", "_SUCCESS", ".part.3"] {
            fs::write(inner.join(name), b"").unwrap();
        }
        let root = folder.path().to_str().unwrap().to_owned();
        let found = find(std::slice::from_ref(&root)).unwrap();
        let names: Vec<_> = found.iter().map(|f| f.path.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["part.2.x", "part.10.x"]);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(found[0].folders, [pair("year", "2020"), pair("city", "New York")]);
        assert_eq!(find(&[format!("{root}/**/part.[0-9].x")]).unwrap().len(), 1);
        let error = find(&[format!("{root}/none*")]).unwrap_err();
        assert!(error.to_string().contains("none*"), "{error}");
    }
}
