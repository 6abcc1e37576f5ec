//! Everything that can keep a computation from its answer.

use std::error::Error as StdError;
use std::path::PathBuf;

use oxidask_core::graph::GraphError;
use oxidask_core::key::Key;
use oxidask_core::op::TaskError;
use oxidask_runtime::local::Failure;
use oxidask_runtime::store::StoreError;

use crate::visualize::PictureError;

/// Why a graph could not be built, computed or drawn, or a scheduler not be set up.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The graph can't be run: tasks wait for each other, or read what isn't there.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A task failed; the first one to do so. [`Error::cause`] finds the error it gave.
    #[error("task {key} failed: {error}")]
    Task {
        /// The task.
        key: Key,
        /// Its failure.
        error: TaskError,
    },
    /// Values could not be kept within the memory budget, or not brought back from disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody gave up: see [`crate::Canceller`] and [`crate::Computation::cancel`].
    #[error("the computation was cancelled")]
    Cancelled,
    /// Two tasks of a graph have one key.
    #[error("the graph has two tasks named {key}; give each a key of its own")]
    DuplicateKey {
        /// The key.
        key: Key,
    },
    /// A key was asked for that no task has.
    #[error("the graph has no task named {key}; it has {}", listed(known))]
    UnknownKey {
        /// The key.
        key: Key,
        /// The first keys that there are.
        known: Vec<Key>,
    },
    /// A function was given more or fewer keys than it has parameters.
    #[error("the function of task {key} takes {takes} values, and {given} keys are given")]
    InputCount {
        /// The task.
        key: Key,
        /// Parameters of its function.
        takes: usize,
        /// Keys that it was given.
        given: usize,
    },
    /// A task gives a value of another type than its reader expects.
    #[error("{reader} expects a {expected} from task {key}, which gives a {found}")]
    WrongType {
        /// The task that is read.
        key: Key,
        /// The task that reads it, or `the caller`.
        reader: String,
        /// The type that the reader takes.
        expected: &'static str,
        /// The type that the task gives.
        found: &'static str,
    },
    /// A setting holds something that it can't.
    #[error("the setting {setting} is {found}; it takes {wanted}")]
    Setting {
        /// Its dotted name.
        setting: &'static str,
        /// What it holds, as YAML.
        found: String,
        /// What it may hold.
        wanted: &'static str,
    },
    /// An array could not be built.
    #[error(transparent)]
    Array(#[from] oxidask_array::error::ArrayError),
    /// A dataframe could not be built.
    #[error(transparent)]
    Frame(#[from] oxidask_frame::error::FrameError),
    /// A graph could not be drawn.
    #[error("the graph can't be drawn: {0}")]
    Picture(std::sync::Arc<PictureError>),
    /// The ending of a picture's file tells no format.
    #[error("can't tell the format of a picture from '{}': end it in .svg, .png or .dot", path.display())]
    PictureFormat {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// A picture could not be written.
    #[error("can't write the picture '{}': {source}", path.display())]
    PictureFile {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system said.
        source: std::sync::Arc<std::io::Error>,
    },
}

impl Error {
    /// The error that a task's own function returned, if it is an `E`.
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// let number = oxidask::try_delayed(|| "twelve".parse::<i64>());
    /// let error = number.compute().unwrap_err();
    /// assert!(error.cause::<ParseIntError>().is_some());
    /// ```
    #[must_use]
    pub fn cause<E: StdError + 'static>(&self) -> Option<&E> {
        match self {
            Self::Task { error: TaskError::Raised(error), .. } => error.downcast_ref(),
            _ => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Task { key, error } => Self::Task { key, error },
            Failure::Store(error) => Self::Store(error),
            Failure::Cancelled => Self::Cancelled,
        }
    }
}

impl From<PictureError> for Error {
    fn from(error: PictureError) -> Self {
        Self::Picture(std::sync::Arc::new(error))
    }
}

/// How many keys [`Error::UnknownKey`] carries at most.
pub(crate) const MOST_KNOWN: usize = 10;

fn listed(known: &[Key]) -> String {
    let names: Vec<String> = known.iter().map(ToString::to_string).collect();
    match names.len() {
        0 => "none at all".into(),
        MOST_KNOWN => format!("{}, ...", names.join(", ")),
        _ => names.join(", "),
    }
}
