//! Tasks that a worker runs without Python, and the values that they give.
//!
//! A task is sent as a blob of a family and a payload of its own ([`RunSpec`]). Here are the families that Rust
//! reads:
//!
//! | family | blob | payload | gives |
//! |---|---|---|---|
//! | `bytes` | `constant` | bytes | these bytes |
//! | | `concatenate` | bytes | the bytes of all inputs, in their order, and then these |
//! | | `length` | none | how many bytes the inputs have: eight bytes, little-endian |
//! | `array` | [`KernelOp::to_bytes`] | none | a chunk |
//!
//! Tasks of other families fail, and say which worker could have run them.

use std::sync::Arc;

use oxidask_array::ops::{ArrayFamily, KernelOp};
use oxidask_core::op::{Function, Op, TaskContext, TaskError};
use oxidask_core::value::{Bytes, BytesFamily, CodecError, Value};
use oxidask_runtime::cluster::inline::Families;
use oxidask_runtime::cluster::ops::Ops;
use oxidask_sched::message::{Blob, RunSpec};

/// Reads tasks of the families that need no Python.
pub struct NativeOps;

/// The families of values that need no Python.
#[must_use]
pub fn families() -> Families {
    Families::new(&[&BytesFamily, &ArrayFamily])
}

/// An input of another kind than the function takes.
#[derive(Debug, thiserror::Error)]
#[error("{function} takes bytes, and input {index} is a {found}")]
struct NoBytes {
    function: &'static str,
    index: usize,
    found: String,
}

impl Ops for NativeOps {
    fn op(&self, blob: &Blob, spec: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        let wrong = |reason: String| CodecError {
            family: "native",
            type_name: format!("{} task", blob.family),
            direction: "decoded",
            reason,
        };
        let bytes = |content: &oxidask_sched::content::Content| {
            content.as_bytes().cloned().ok_or_else(|| wrong("it has no bytes".into()))
        };
        match &*blob.family {
            "bytes" => {
                let (name, payload) = (bytes(&blob.bytes)?, bytes(&spec.payload)?);
                of_bytes(&name, payload.to_vec()).ok_or_else(|| {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    wrong(format!(
                        "there is no function {name:?}; there are constant, concatenate and length"
                    ))
                })
            }
            "array" => match KernelOp::from_bytes(&bytes(&blob.bytes)?) {
                Ok(op) => Ok(Arc::new(op)),
                Err(error) => Err(wrong(error.to_string())),
            },
            _ => Err(wrong(
                "this worker has no Python and runs tasks of the families array and bytes only; \
                 start one with `python -m oxidask worker`, or restrict the task to workers that can \
                 run it"
                    .into(),
            )),
        }
    }
}

fn of_bytes(name: &[u8], payload: Vec<u8>) -> Option<Arc<dyn Op>> {
    fn op(
        name: &'static str,
        body: impl Fn(&[&[u8]]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Arc<dyn Op> {
        Arc::new(Function::new(name, move |inputs: &mut [Value], _: &TaskContext<'_>| {
            let parts: Result<Vec<&[u8]>, NoBytes> = inputs
                .iter()
                .enumerate()
                .map(|(index, input)| match input.downcast_ref::<Bytes>() {
                    Some(bytes) => Ok(&*bytes.0),
                    None => {
                        let found = input.payload().type_name().into_owned();
                        Err(NoBytes { function: name, index, found })
                    }
                })
                .collect();
            Ok(Value::new(Bytes(body(&parts.map_err(TaskError::raised)?).into())))
        }))
    }
    Some(match name {
        b"constant" => op("constant", move |_| payload.clone()),
        b"concatenate" => op("concatenate", move |parts| {
            parts.iter().copied().chain([&payload[..]]).flatten().copied().collect()
        }),
        b"length" => op("length", |parts| {
            parts.iter().map(|part| part.len() as u64).sum::<u64>().to_le_bytes().to_vec()
        }),
        _ => return None,
    })
}
