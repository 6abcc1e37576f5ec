//! What is known of a dataframe without its data: labels and dtypes of columns and index.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::error::{FrameError, Result};

/// The label of a column, or the name of an index level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Label {
    /// No name: `None`.
    #[default]
    None,
    /// Text.
    Str(Arc<str>),
    /// A number.
    Int(i64),
    /// One of a column index of several levels.
    Tuple(Vec<Label>),
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Str(text) => write!(f, "'{text}'"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Tuple(items) => {
                f.write_str("(")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
        }
    }
}

/// A column, or a level of an index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// What it is called.
    pub label: Label,
    /// What it holds.
    pub dtype: DType,
}

impl Field {
    /// A column of this label and dtype.
    pub fn new(label: impl Into<Label>, dtype: DType) -> Self {
        Self { label: label.into(), dtype }
    }
}

/// The index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IndexSchema {
    /// Its levels: mostly one.
    pub levels: Vec<Field>,
    /// Whether it is counted and not stored: pandas' `RangeIndex`, of one `int64` level.
    pub is_range: bool,
}

impl IndexSchema {
    /// The index that pandas makes where none is given.
    #[must_use]
    pub fn range() -> Self {
        Self { levels: vec![Field::new(Label::None, DType::I64)], is_range: true }
    }
}

/// What a value is in pandas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A dataframe.
    Frame,
    /// A series: one column.
    Series,
    /// An index: no column.
    Index,
}

/// What is known of a dataframe, a series or an index without its data.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Schema {
    /// What it is.
    pub kind: Kind,
    /// Its index.
    pub index: IndexSchema,
    /// Its columns, in their order. Labels may repeat.
    pub columns: Vec<Field>,
    /// The name of the columns themselves: `df.columns.name`.
    pub columns_name: Label,
}

impl Schema {
    /// A dataframe with a counted index.
    #[must_use]
    pub fn frame(columns: Vec<Field>) -> Self {
        Self { kind: Kind::Frame, index: IndexSchema::range(), columns, columns_name: Label::None }
    }

    /// The same with another index.
    #[must_use]
    pub fn with_index(mut self, levels: Vec<Field>) -> Self {
        self.index = IndexSchema { levels, is_range: false };
        self
    }

    /// Where a column is.
    ///
    /// # Errors
    /// [`FrameError::Key`] if there is no such column, or more than one.
    pub fn position(&self, label: &Label) -> Result<usize> {
        let mut found = self.columns.iter().enumerate().filter(|(_, field)| field.label == *label);
        let Some((at, _)) = found.next() else {
            return Err(FrameError::Key(format!(
                "{label} is not among the columns {}",
                self.labels()
            )));
        };
        if found.next().is_some() {
            return Err(FrameError::Key(format!("{label} is the label of several columns")));
        }
        Ok(at)
    }

    /// The field of a column.
    ///
    /// # Errors
    /// As [`Schema::position`].
    pub fn field(&self, label: &Label) -> Result<&Field> {
        self.position(label).map(|at| &self.columns[at])
    }

    /// All labels, for people.
    #[must_use]
    pub fn labels(&self) -> String {
        let labels: Vec<_> = self.columns.iter().map(|field| field.label.to_string()).collect();
        format!("[{}]", labels.join(", "))
    }
}
