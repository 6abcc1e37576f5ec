//! The `oxidask` program: what can be asked of Oxidask without Python.
//!
//! `oxidask config` shows the settings that hold for this user on this machine and where they come
//! from. `oxidask scheduler` and `oxidask worker` are the processes of a cluster; such a worker runs tasks that need
//! no Python.

mod command;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use command::{SchedulerArguments, WorkerArguments, complain, schedule, work};
use oxidask::core::config::emit::to_yaml;
use oxidask::core::config::{Config, Map, Value};
use oxidask::runtime::config_files::{default_places, load, read_files};

/// Parallel computing with task graphs.
#[derive(Parser)]
#[command(name = "oxidask", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the configuration: defaults, files and OXIDASK_ variables put together.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Run the scheduler of a cluster.
    Scheduler(Box<SchedulerArguments>),
    /// Run a worker of a cluster, for tasks that need no Python.
    Worker(Box<WorkerArguments>),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print all settings as YAML.
    List,
    /// Print one setting, or one section, as YAML.
    Get {
        /// Its dotted name, such as array.chunk-size.
        key: String,
    },
    /// Print the files that hold a setting, the weakest first, and the value in each.
    Find {
        /// Its dotted name, such as array.chunk-size.
        key: String,
    },
    /// Print the places where configuration files are looked for, the weakest first.
    Places,
}

fn main() -> ExitCode {
    match answer(&Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn answer(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Config(command) => {
            print(&configuration(command)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Scheduler(arguments) => schedule(arguments, &effective()?),
        Command::Worker(arguments) => work(arguments, &effective()?),
    }
}

fn configuration(command: &ConfigCommand) -> Result<String> {
    match command {
        ConfigCommand::List => Ok(to_yaml(&Value::Map(effective()?.tree().clone()))),
        ConfigCommand::Get { key } => match effective()?.get(key) {
            Some(value) => Ok(to_yaml(value)),
            None => bail!("there is no setting '{key}'; `oxidask config list` prints all of them"),
        },
        ConfigCommand::Find { key } => found(key),
        ConfigCommand::Places => {
            Ok(default_places().iter().map(|place| format!("{}\n", place.display())).collect())
        }
    }
}

fn effective() -> Result<Config> {
    let (config, notices) = load(&default_places(), env::vars_os())?;
    for notice in notices {
        complain(&format!("note: {notice}"));
    }
    Ok(config)
}

fn found(key: &str) -> Result<String> {
    let mut text = String::new();
    for (path, tree) in read_files(&default_places())? {
        let mut alone = Config::new();
        // The built-in defaults are in no file.
        let names: Vec<Value> = alone.tree().keys().cloned().collect();
        names.iter().filter_map(Value::as_str).for_each(|name| drop(alone.pop(name)));
        alone.update(tree);
        if let Some(value) = alone.get(key) {
            let held = Map::from_iter([(key, value.clone())]);
            text.push_str(&format!("# {}\n{}", path.display(), to_yaml(&Value::Map(held))));
        }
    }
    if text.is_empty() {
        bail!(
            "no configuration file holds '{key}'; `oxidask config places` prints where they may be"
        );
    }
    Ok(text)
}

/// Prints an answer. A reader that has had enough, such as `head`, is no failure.
fn print(text: &str) -> Result<()> {
    let text = text.trim_end_matches('\n');
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("can't write the answer"),
    }
}
