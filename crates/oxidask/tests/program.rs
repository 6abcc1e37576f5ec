//! The `oxidask` program: what it prints, and the status that it ends with.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in an environment of its own.
fn oxidask(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidask"));
    command.args(arguments).env_clear().env("HOME", home);
    command.env("OXIDASK_ROOT_CONFIG", home.join("root"));
    command.envs(variables.iter().copied()).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn settings_come_from_defaults_files_and_variables() {
    let home = tempfile::tempdir().unwrap();
    let get = |key, variables: &[_]| {
        let output = oxidask(home.path(), &["config", "get", key], variables);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).to_owned()
    };
    assert_eq!(get("array.chunk-size", &[]), "128MiB\n");
    let folder = home.path().join(".config").join("oxidask");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mine.yaml"), "array: {chunk-size: 3MiB}").unwrap();
    assert_eq!(get("array.chunk_size", &[]), "3MiB\n");
    assert_eq!(get("array.chunk-size", &[("OXIDASK_ARRAY__CHUNK_SIZE", "5MiB")]), "5MiB\n");
    assert_eq!(get("array.svg", &[]), "size: 120\n");

    let found = oxidask(home.path(), &["config", "find", "array.chunk-size"], &[]);
    assert!(text(&found.stdout).contains("mine.yaml\n") && text(&found.stdout).contains("3MiB"));
    let places = oxidask(home.path(), &["config", "places"], &[]);
    assert!(text(&places.stdout).contains(folder.to_str().unwrap()));
    let list = oxidask(home.path(), &["config", "list"], &[]);
    assert!(text(&list.stdout).contains("chunk-size: 3MiB"));
}

#[test]
fn an_unknown_setting_is_an_error_that_names_it() {
    let home = tempfile::tempdir().unwrap();
    for command in ["get", "find"] {
        let output = oxidask(home.path(), &["config", command, "no.such"], &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("'no.such'") && output.stdout.is_empty());
    }
}

#[test]
fn a_malformed_file_is_an_error_that_names_it() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("bad.yaml");
    std::fs::write(&file, "a: [1").unwrap();
    let file = file.to_str().unwrap();
    let output = oxidask(home.path(), &["config", "list"], &[("OXIDASK_CONFIG", file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(file));
}

#[test]
fn the_version_is_that_of_the_package() {
    let home = tempfile::tempdir().unwrap();
    let version = oxidask(home.path(), &["--version"], &[]);
    assert_eq!(text(&version.stdout), format!("oxidask {}\n", env!("CARGO_PKG_VERSION")));
}
