//! Delayed graphs that stay in native form until Python code reads them.

use oxidask_core::key::Key;
use oxidask_core::node::Node;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyIterator, PyList};
use rustc_hash::FxHashMap;

use super::Delayed;
use crate::key::{self as keys, Groups};
use crate::portable;

/// The graphs of some delayed values in native form: a mapping that stays small until it is read.
#[pyclass(frozen, mapping, module = "oxidask._native")]
pub(crate) struct DelayedGraph {
    nodes: Vec<Node>,
    /// The graph as Python reads it, made when it first does.
    dict: PyOnceLock<Py<PyDict>>,
}

/// One graph for several delayed values.
#[pyfunction]
pub(crate) fn merge_delayed(values: Vec<Bound<'_, Delayed>>) -> DelayedGraph {
    DelayedGraph {
        nodes: values.iter().map(|value| value.get().node.clone()).collect(),
        dict: PyOnceLock::new(),
    }
}

impl DelayedGraph {
    /// The nodes of these keys, if all are the graph's own values.
    pub(crate) fn nodes_of(&self, wanted: &[Bound<'_, PyAny>]) -> PyResult<Option<Vec<Node>>> {
        let mut groups = Groups::default();
        let by_key: FxHashMap<&Key, &Node> = self.nodes.iter().map(|n| (n.key(), n)).collect();
        let mut nodes = Vec::with_capacity(wanted.len());
        for key in wanted {
            match by_key.get(&keys::from_python(key, &mut groups)?) {
                Some(&node) => nodes.push(node.clone()),
                None => return Ok(None),
            }
        }
        Ok(Some(nodes))
    }

    fn dict<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyDict>> {
        let dict = self.dict.get_or_try_init(py, || -> PyResult<_> {
            let dict = PyDict::new(py);
            for item in self.tasks(py)? {
                dict.set_item(item.get_item(0)?, item.get_item(2)?)?;
            }
            Ok(dict.unbind())
        })?;
        Ok(dict.bind(py))
    }
}

#[pymethods]
impl DelayedGraph {
    /// Key, dependencies, task and annotations of every task, inputs first.
    fn tasks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        portable::tasks(py, &self.nodes)
    }

    /// Keys to task objects: a new dict at each call.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.dict(py)?.copy()
    }

    fn __len__(&self) -> PyResult<usize> {
        let (graph, _) =
            oxidask_core::node::collect(&self.nodes).map_err(crate::graph::graph_error)?;
        Ok(graph.n_tasks())
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.get_item(&key)?.ok_or_else(|| PyKeyError::new_err(key.unbind()))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.dict(py)?.try_iter()
    }

    fn __contains__<'py>(&self, py: Python<'py>, key: Bound<'py, PyAny>) -> PyResult<bool> {
        self.dict(py)?.contains(key)
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("keys")
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("values")
    }

    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("items")
    }
}
