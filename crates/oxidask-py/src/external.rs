//! A run whose tasks are carried out elsewhere: in other processes, or by any executor.
//!
//! The Python side takes ready tasks, ships them as it likes and brings the results back; which
//! task is ready, and in which order, is decided here.

use std::sync::Arc;

use oxidask_core::op::Op;
use oxidask_core::optimize::Operand;
use oxidask_runtime::local::Run;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::callbacks::Callbacks;
use crate::key;
use crate::object::{PyValue, to_object};
use crate::op::{NodeTask, PyOp, split_annotations};
use crate::run::{Question, Settings, failure_error, prepare};
use crate::template::Builders;

/// A run in the hands of Python code.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct ExternalRun {
    run: Arc<Run>,
    keys: Py<PyAny>,
    callbacks: Option<Callbacks>,
}

#[pymethods]
impl ExternalRun {
    /// Prepares the computation of `keys` of the graph `dsk`.
    #[new]
    #[pyo3(signature = (dsk, keys, settings, *, cache=None, callbacks=None, optimize_graph=false))]
    fn new(
        dsk: Bound<'_, PyAny>,
        keys: Bound<'_, PyAny>,
        settings: Settings,
        cache: Option<Bound<'_, PyAny>>,
        callbacks: Option<Bound<'_, PyAny>>,
        optimize_graph: bool,
    ) -> PyResult<Self> {
        let question = Question::new(&keys)?;
        let callbacks = callbacks.map(Callbacks::new);
        let run = prepare(&dsk, &question, &settings, cache.as_ref(), None, optimize_graph)?;
        if let Some(callbacks) = &callbacks {
            callbacks.started(dsk.py(), &run)?;
        }
        Ok(Self { run, keys: keys.unbind(), callbacks })
    }

    /// The next ready task: its number, and a function and arguments that give its value. `None`
    /// if none is ready.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let taken = py.detach(|| self.run.take_for_elsewhere());
        let Some((task, args)) = taken.map_err(|failure| failure_error(py, failure, None))? else {
            return Ok(None);
        };
        if let Some(callbacks) = &self.callbacks {
            callbacks.pretask(py, &self.run, task)?;
        }
        let args = args.iter().map(|value| to_object(py, value)).collect::<PyResult<Vec<_>>>()?;
        let (function, args) = self.call_of(py, task, args)?;
        Ok(Some((task, function, args).into_pyobject(py)?))
    }

    /// Notes the value of a task that was taken.
    fn finish(
        &self,
        task: u32,
        value: Bound<'_, PyAny>,
        worker_id: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        if let Some(callbacks) = &self.callbacks {
            callbacks.posttask(value.py(), &self.run, task, &value, &worker_id)?;
        }
        let value_of_ours = PyValue::wrap(&value);
        value.py().detach(|| self.run.finish(task, value_of_ours));
        Ok(())
    }

    /// Ends the run; tells the callbacks whether it failed.
    fn close(&self, py: Python<'_>, errored: bool) -> PyResult<()> {
        if errored {
            self.run.cancel();
        }
        self.callbacks.as_ref().map_or(Ok(()), |callbacks| callbacks.finish(py, errored))
    }

    /// The key of a task.
    fn key<'py>(&self, py: Python<'py>, task: u32) -> PyResult<Bound<'py, PyAny>> {
        key::to_python(py, &self.run.graph().key(task))
    }

    /// Whether every task has run.
    #[getter]
    fn is_over(&self) -> bool {
        self.run.is_over()
    }

    /// The values asked for.
    fn answer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Question::new(self.keys.bind(py))?.answer(&self.run)
    }
}

impl ExternalRun {
    /// A picklable function and its arguments: what the task does.
    fn call_of<'py>(
        &self,
        py: Python<'py>,
        task: u32,
        args: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let local = py.import("oxidask.local")?;
        let op = &**self.run.graph().op(task);
        if let Some(program) = op.as_program() {
            let mut steps = Vec::with_capacity(program.steps().len());
            for step in program.steps() {
                let places = step.args.iter().map(|arg| match *arg {
                    Operand::Input(i) => i as usize,
                    Operand::Step(i) => args.len() + i as usize,
                });
                steps.push(portable_step(py, &*step.op, &places.collect::<Vec<_>>())?);
            }
            let mut all = vec![PyList::new(py, steps)?.into_any()];
            all.extend(args);
            return Ok((local.getattr("_run_program")?, PyTuple::new(py, all)?));
        }
        let Some(op) = PyOp::of(op).filter(|op| !matches!(op, PyOp::Alias)) else {
            return Ok((local.getattr("_identity")?, PyTuple::new(py, args)?));
        };
        let builders = part_builders(py)?;
        let leaf = |i: u32| builders.constant.call1((&args[i as usize],));
        match op.rebuild(py, &leaf, &builders) {
            Ok(part) => Ok((local.getattr("_evaluate")?, PyTuple::new(py, [part?])?)),
            Err(NodeTask { node, keys }) => {
                let values = PyDict::new(py);
                for (key, value) in keys.iter().zip(&args) {
                    values.set_item(key, value)?;
                }
                Ok((node.bind(py).clone(), PyTuple::new(py, [values])?))
            }
        }
    }
}

fn part_builders(py: Python<'_>) -> PyResult<Builders<'_>> {
    let local = py.import("oxidask.local")?;
    Ok(Builders {
        constant: local.getattr("_part_constant")?,
        call: local.getattr("_part_call")?,
        container: local.getattr("_part_container")?,
    })
}

/// One step of a fused task as plain tuples; `places` says where its arguments will be.
fn portable_step<'py>(
    py: Python<'py>,
    op: &dyn Op,
    places: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    let (op, _) = split_annotations(op);
    let builders = part_builders(py)?;
    let leaf = |i: u32| Ok(("value", places[i as usize]).into_pyobject(py)?.into_any());
    if let Some(value) = op.constant() {
        return builders.constant.call1((to_object(py, &value)?,));
    }
    let op = PyOp::of(op)
        .ok_or_else(|| PyTypeError::new_err("a native task can't run in a Python process"))?;
    match op.rebuild(py, &leaf, &builders) {
        Ok(part) => part,
        Err(NodeTask { node, keys }) => {
            let pairs: Vec<_> = keys.iter().map(|key| key.bind(py)).zip(places).collect();
            Ok(("node", node.bind(py), pairs).into_pyobject(py)?.into_any())
        }
    }
}
