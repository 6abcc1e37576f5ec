//! What users said about the tasks of a graph: about all of them, some by their keys, delayed values, and layers of
//! arrays.

use oxidask_array::plan::note::Note;
use oxidask_core::graph::TaskGraph;
use oxidask_core::key::Key;
use oxidask_sched::message::Annotations;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use rustc_hash::FxHashMap;

use super::options;
use crate::array::note;
use crate::key::{self, Groups};
use crate::op::split_annotations;

/// What is said about each task, as a submission has it: one more than an index into a list, or zero.
pub(super) struct Said<'py> {
    /// About all tasks; what is said about one counts more.
    general: Option<Bound<'py, PyDict>>,
    all: Vec<Annotations>,
    n_general: u32,
    by_key: FxHashMap<Key, u32>,
    by_layer: FxHashMap<u32, Layer<'py>>,
    by_dict: FxHashMap<usize, Kept<'py>>,
}

/// The number of what a dict says. It keeps the dict, so that no other has its address.
struct Kept<'py>(#[expect(dead_code, reason = "it is kept, not read")] Bound<'py, PyDict>, u32);

enum Layer<'py> {
    Says(Vec<Bound<'py, PyDict>>),
    Number(u32),
}

impl<'py> Said<'py> {
    /// # Errors
    /// If options are of the wrong type or out of range.
    pub(super) fn new(
        py: Python<'py>,
        given: Option<&Bound<'py, PyDict>>,
        notes: &[(u32, Vec<Note>)],
    ) -> PyResult<Self> {
        let mut all = Vec::new();
        all.extend(given.map(options::annotations).transpose()?.flatten());
        let n_general = all.len() as u32;
        let layers = notes.iter().map(|(layer, notes)| (*layer, note::dicts(py, notes)));
        let by_layer = layers
            .filter(|(_, dicts)| !dicts.is_empty())
            .map(|(layer, dicts)| (layer, Layer::Says(dicts)))
            .collect();
        let general = given.cloned();
        let by_key = FxHashMap::default();
        let mut said =
            Self { general, all, n_general, by_key, by_layer, by_dict: FxHashMap::default() };
        if let Some(by_key) = given.map(|given| given.get_item("by_key")).transpose()?.flatten() {
            said.take_by_key(by_key.cast::<PyDict>()?)?;
        }
        Ok(said)
    }

    /// All that is said.
    pub(super) fn into_list(self) -> Vec<Annotations> {
        self.all
    }

    /// The number of what is said about a task.
    ///
    /// # Errors
    /// As [`Said::new`].
    pub(super) fn of(&mut self, py: Python<'py>, tasks: &TaskGraph, task: u32) -> PyResult<u32> {
        if !self.by_key.is_empty()
            && let Some(&number) = self.by_key.get(&tasks.key(task))
        {
            return Ok(number);
        }
        if let (_, Some(dict)) = split_annotations(&**tasks.op(task)) {
            return self.of_delayed(dict.bind(py), || tasks.key(task));
        }
        let layer = tasks.origin(task).layer;
        let dicts = match self.by_layer.get(&layer) {
            None => return Ok(self.n_general),
            Some(Layer::Number(number)) => return Ok(*number),
            Some(Layer::Says(dicts)) => dicts.clone(),
        };
        if dicts.iter().any(depends_on_key) {
            let key = key::to_python(py, &tasks.key(task))?;
            return self.number_of(&dicts, Some(&key));
        }
        let number = self.number_of(&dicts, None)?;
        self.by_layer.insert(layer, Layer::Number(number));
        Ok(number)
    }

    fn of_delayed(&mut self, dict: &Bound<'py, PyDict>, key: impl Fn() -> Key) -> PyResult<u32> {
        let at = dict.as_ptr() as usize;
        if let Some(Kept(_, number)) = self.by_dict.get(&at) {
            return Ok(*number);
        }
        let dicts = std::slice::from_ref(dict);
        if depends_on_key(dict) {
            let key = key::to_python(dict.py(), &key())?;
            return self.number_of(dicts, Some(&key));
        }
        let number = self.number_of(dicts, None)?;
        self.by_dict.insert(at, Kept(dict.clone(), number));
        Ok(number)
    }

    /// Takes what is said about tasks by their keys.
    fn take_by_key(&mut self, given: &Bound<'py, PyDict>) -> PyResult<()> {
        let mut groups = Groups::default();
        let mut numbers: FxHashMap<usize, u32> = FxHashMap::default();
        for (key, dict) in given {
            let at = dict.as_ptr() as usize;
            let number = match numbers.get(&at) {
                Some(&number) => number,
                None => {
                    let said = self.over_general(dict.cast::<PyDict>()?)?;
                    *numbers.entry(at).or_insert(self.push(said))
                }
            };
            self.by_key.insert(key::from_python(&key, &mut groups)?, number);
        }
        Ok(())
    }

    /// The number of what annotations say together.
    fn number_of(
        &mut self,
        dicts: &[Bound<'py, PyDict>],
        key: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<u32> {
        static OPTIONS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let mut joined: Option<Annotations> = None;
        for dict in dicts {
            let py = dict.py();
            let read =
                OPTIONS.import(py, "oxidask.distributed._task_options", "annotated_options")?;
            let own = read.call1((dict, key))?;
            let Ok(own) = own.cast::<PyDict>() else { continue };
            if let Some(said) = self.over_general(own)? {
                joined = Some(joined.map_or_else(|| said.clone(), |joined| joined.joined(&said)));
            }
        }
        Ok(self.push(joined))
    }

    /// What is said about a task, and where that says nothing, what is said about all.
    fn over_general(&self, own: &Bound<'py, PyDict>) -> PyResult<Option<Annotations>> {
        let Some(general) = &self.general else { return options::annotations(own) };
        let both = general.copy()?;
        both.update(own.as_mapping())?;
        options::annotations(&both)
    }

    fn push(&mut self, said: Option<Annotations>) -> u32 {
        let Some(said) = said else { return self.n_general };
        self.all.push(said);
        self.all.len() as u32
    }
}

/// Whether annotations have functions of a task's key among them.
fn depends_on_key(dict: &Bound<'_, PyDict>) -> bool {
    let is_retry =
        |value: &Bound<'_, PyAny>| value.hasattr(intern!(value.py(), "as_option")).unwrap_or(false);
    dict.values().iter().any(|value| value.is_callable() && !is_retry(&value))
}
