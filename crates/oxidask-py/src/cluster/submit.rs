//! Calls of Python functions as tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oxidask_core::key::Key;
use oxidask_core::op::Op;
use oxidask_core::tokenize::Token;
use oxidask_runtime::cluster::ops::OpObject;
use oxidask_sched::content::Content;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{Annotations, Blob, InputRef, NewTask, RunSpec, Submission};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use rustc_hash::FxHashSet;

use super::call::{Arguments, PyCall};
use super::client::ClientCore;
use super::function::{FAMILY, Submitted};
use super::future::FutureRef;
use super::link::{Command, Link};
use super::options;
use crate::key::{self, Groups};
use crate::template::{Container, Template};
use crate::tokenize;
use crate::unpack::Unpack;

/// Calls of one function.
pub(super) struct Calls<'a, 'py> {
    link: &'a Arc<Link>,
    function: &'a Bound<'py, PyAny>,
    kwargs: Option<&'a Bound<'py, PyDict>>,
    submitted: Submitted,
    blob: Blob,
    annotations: Option<Arc<Annotations>>,
}

impl<'a, 'py> Calls<'a, 'py> {
    pub(super) fn new(
        client: &'a Bound<'py, ClientCore>,
        function: &'a Bound<'py, PyAny>,
        kwargs: Option<&'a Bound<'py, PyDict>>,
        pure: bool,
        given: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let link = client.get().link();
        let submitted = link.functions.get(function, pure, !link.is_local)?;
        let blob = submitted.blob.clone().unwrap_or_else(here);
        let annotations = given.map(options::annotations).transpose()?.flatten().map(Arc::new);
        let kwargs = kwargs.filter(|kwargs| !kwargs.is_empty());
        let submitted = Submitted { token: submitted.token.filter(|_| pure), ..submitted };
        Ok(Self { link, function, kwargs, submitted, blob, annotations })
    }

    /// Submits one call.
    pub(super) fn submit(
        &self,
        args: &Bound<'py, PyTuple>,
        key: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Key> {
        let key = match key {
            Some(key) => key::from_python(key, &mut Groups::default())?,
            None => self.key(args)?,
        };
        let task = self.task(key.clone(), args)?;
        self.link.post(Command::Task(task, self.blob.clone(), self.annotations.clone()));
        Ok(key)
    }

    /// Submits a call for each tuple. `key` is a prefix, or a list of keys.
    pub(super) fn map(
        &self,
        rows: &Bound<'py, PyAny>,
        key: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Key>> {
        let names = Names::new(key)?;
        let n = rows.len().unwrap_or(0);
        let (mut keys, mut tasks) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let (mut seen, mut again) = (FxHashSet::default(), Vec::new());
        for (i, row) in rows.try_iter()?.enumerate() {
            let row = row?.cast_into::<PyTuple>()?;
            let key = match &names {
                Names::Given(given) => given.get(i).cloned().ok_or_else(|| {
                    PyValueError::new_err(format!("there are {} keys for more calls", given.len()))
                })?,
                Names::Prefix(prefix) => key::from_python(
                    PyString::new(row.py(), &self.name_with(prefix, &row)?).as_any(),
                    &mut Groups::default(),
                )?,
                Names::Own => self.key(&row)?,
            };
            if seen.insert(key.clone()) {
                let mut task = self.task(key.clone(), &row)?;
                task.annotations = u32::from(self.annotations.is_some());
                tasks.push(task);
            } else {
                // The same call once more: another future of it.
                again.push(key.clone());
            }
            keys.push(key);
        }
        if let Names::Given(given) = &names
            && given.len() != keys.len()
        {
            return Err(PyValueError::new_err(format!(
                "there are {} keys for {} calls; give one for each",
                given.len(),
                keys.len()
            )));
        }
        let annotations = self.annotations.iter().map(|annotations| (**annotations).clone());
        self.link.post(Command::Submit(Submission {
            number: 0,
            blobs: vec![self.blob.clone()],
            annotations: annotations.collect(),
            tasks,
        }));
        // After the tasks: nobody knows the keys before.
        again.into_iter().for_each(|key| self.link.post(Command::Want(key)));
        Ok(keys)
    }

    fn key(&self, args: &Bound<'py, PyTuple>) -> PyResult<Key> {
        let token = match self.submitted.token {
            Some(function) => tokenize::token_of_call(function, args, self.kwargs)?,
            None => fresh(),
        };
        Ok(Key::with_token(self.submitted.group.clone(), token.as_u128()))
    }

    fn name_with(&self, prefix: &str, args: &Bound<'py, PyTuple>) -> PyResult<String> {
        let token = match self.submitted.token {
            Some(function) => tokenize::token_of_call(function, args, self.kwargs)?,
            None => fresh(),
        };
        Ok(format!("{prefix}-{:032x}", token.as_u128()))
    }

    fn task(&self, key: Key, args: &Bound<'py, PyTuple>) -> PyResult<NewTask> {
        let py = args.py();
        let mut inputs = Vec::new();
        let args = match self.templates(args)? {
            Some((unpack, args, kwargs)) => {
                for node in &unpack.inputs {
                    inputs.push(InputRef::Known(node.key().clone()));
                }
                let is_plain = kwargs.is_none() && is_all_inputs(&args, inputs.len());
                if is_plain { Arguments::Inputs } else { Arguments::Templates(args, kwargs) }
            }
            None => Arguments::Objects(
                args.clone().unbind(),
                self.kwargs.map(|kwargs| kwargs.clone().unbind()),
            ),
        };
        let payload = if self.link.is_local {
            let function = self.function.clone().unbind();
            let op: Arc<dyn Op> = Arc::new(PyCall { function, args });
            Content::object(OpObject(op))
        } else {
            PyCall::payload(py, &args)?
        };
        let run = RunSpec { blob: 0, block: 0, payload };
        Ok(NewTask { key, run, inputs, wanted: true, annotations: 0 })
    }

    /// The arguments with holes for the futures in them; none if there are no futures.
    fn templates(
        &self,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Option<(Unpack, Template, Option<Template>)>> {
        let is_plain = args.iter_borrowed().all(|arg| crate::unpack::is_plain(&arg));
        if is_plain && self.kwargs.is_none() {
            return Ok(None);
        }
        let mut unpack = Unpack::of_futures();
        let args: Box<[Template]> =
            args.iter().map(|arg| unpack.template(&arg)).collect::<PyResult<_>>()?;
        let mut pairs = Vec::new();
        for (name, value) in self.kwargs.into_iter().flat_map(|kwargs| kwargs.iter()) {
            pairs.push((Template::Const(name.unbind()), unpack.template(&value)?));
        }
        if unpack.inputs.is_empty() {
            return Ok(None);
        }
        let kwargs = self.kwargs.is_some().then(|| Container::Dict(pairs.into()).into());
        Ok(Some((unpack, Container::Tuple(args).into(), kwargs)))
    }
}

/// Whether a tuple's template gives the inputs in order, and nothing else.
fn is_all_inputs(args: &Template, n: usize) -> bool {
    let Template::Container(container) = args else { return false };
    let Container::Tuple(items) = &**container else { return false };
    items.len() == n
        && items
            .iter()
            .enumerate()
            .all(|(at, item)| matches!(item, Template::Input(i) if *i as usize == at))
}

/// How the calls of a map are named.
enum Names {
    Own,
    Prefix(String),
    Given(Vec<Key>),
}

impl Names {
    fn new(key: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(key) = key else { return Ok(Self::Own) };
        if let Ok(prefix) = key.cast::<PyString>() {
            return Ok(Self::Prefix(prefix.to_cow()?.into_owned()));
        }
        let mut groups = Groups::default();
        let keys = key.cast::<PyList>()?.iter().map(|key| key::from_python(&key, &mut groups));
        Ok(Self::Given(keys.collect::<PyResult<_>>()?))
    }
}

/// The blob of tasks that travel as objects.
pub(super) fn here() -> Blob {
    Blob { hash: BlobHash(0), family: FAMILY.into(), bytes: Content::object(()) }
}

/// A token that no other call has, here or elsewhere.
fn fresh() -> Token {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    bytes[8..16].copy_from_slice(&process_seed().to_le_bytes());
    bytes[16..20].copy_from_slice(&std::process::id().to_le_bytes());
    Token::of_bytes(&bytes)
}

/// A number that other processes don't have.
fn process_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    static SEED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *SEED.get_or_init(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u128(now.map_or(0, |now| now.as_nanos()));
        hasher.finish()
    })
}

/// The key of a future that is an input.
pub(super) fn future_key(op: &dyn Op) -> Option<Key> {
    let future = op.as_any()?.downcast_ref::<FutureRef>()?;
    Some(future.future.get().key().clone())
}
