//! Partitions that are in memory already.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::op::{Op, TaskContext, TaskError};
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, codec, value};
use crate::error::Result;
use crate::kernel::Frame;
use crate::schema::{Label, Schema};

/// Slices of a frame in memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FromFrame {
    #[serde(with = "codec::inline")]
    frame: Frame,
    /// Where each partition begins, and the end of the last one.
    bounds: Arc<[u64]>,
}

impl FromFrame {
    /// Slices of `frame` at `bounds`: one more than partitions, rising.
    #[must_use]
    pub fn new(frame: Frame, bounds: Arc<[u64]>) -> Self {
        Self { frame, bounds }
    }

    /// The schema of all partitions.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        self.frame.schema()
    }

    /// All rows.
    #[must_use]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The same with these columns only.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn only(&self, wanted: &dyn Fn(&Label) -> bool) -> Result<Self> {
        let mut schema = (**self.frame.schema()).clone();
        let fields = schema.columns.iter().zip(self.frame.columns());
        let kept = fields.filter(|(field, _)| wanted(&field.label));
        let (fields, columns) = kept.map(|(f, c)| (f.clone(), c.clone())).unzip();
        schema.columns = fields;
        let frame = self.frame.with_columns(schema.into(), columns)?;
        Ok(Self { frame, bounds: self.bounds.clone() })
    }

    /// One partition.
    #[must_use]
    pub fn part(&self, block: u32) -> Frame {
        let at = block as usize;
        let (start, end) = (self.bounds[at] as usize, self.bounds[at + 1] as usize);
        self.frame.slice(start, end - start)
    }
}

impl Kernel for FromFrame {
    fn name(&self) -> Cow<'_, str> {
        "from-pandas".into()
    }

    fn run(&self, _: &mut [Value], block: u32) -> Result<Value> {
        Ok(value(self.part(block)))
    }
}

/// The only input's value under another key.
pub struct Alias;

impl Op for Alias {
    fn call(&self, inputs: &mut [Value], _: &TaskContext<'_>) -> Result<Value, TaskError> {
        Ok(inputs[0].clone())
    }

    fn name(&self) -> Cow<'_, str> {
        "alias".into()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
