//! Forms of values that were made for one peer and will do for others: shared memory of a large value.
//!
//! They take memory of their own, so they are kept for a moment only: a value that many need is asked for by
//! many at once.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxidask_sched::ids::TaskId;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::WorkerNode;

/// How long a form is kept after it was last used.
const MOMENT: Duration = Duration::from_millis(500);

type Form = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
pub(super) struct Passing(Mutex<FxHashMap<TaskId, (Instant, Form)>>);

impl Passing {
    /// Lets go of what nobody has used lately.
    pub(super) fn tidy(&self) {
        let mut forms = self.0.lock();
        let old = forms.extract_if(|_, (used, _)| used.elapsed() > MOMENT);
        let old: Vec<_> = old.collect();
        drop(forms);
        drop(old);
    }
}

impl WorkerNode {
    /// Keeps a form of a value for a moment.
    pub(in crate::cluster) fn pass(&self, task: TaskId, form: Form) {
        self.passing.0.lock().insert(task, (Instant::now(), form));
    }

    /// A form of a value that is kept.
    pub(in crate::cluster) fn passing(&self, task: TaskId) -> Option<Form> {
        let mut forms = self.passing.0.lock();
        let (used, form) = forms.get_mut(&task)?;
        *used = Instant::now();
        Some(form.clone())
    }
}
