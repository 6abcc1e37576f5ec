//! `workers.ask`: the same question to several workers, and their answers by address.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Outcome, WaitsFor, answer};
use crate::coordination::Asker;
use crate::data::{Answer, AskError, Data};
use crate::ids::WorkerId;
use crate::message::{Action, ToWorker};
use crate::scheduler::Scheduler;

/// Workers that were asked.
pub(super) struct AskedWorkers {
    /// Those who have not answered.
    waiting: BTreeMap<WorkerId, Arc<str>>,
    /// What the others have, by address.
    answers: Vec<(Arc<str>, Data)>,
}

impl AskedWorkers {
    fn take(&mut self, worker: WorkerId, answer: Answer) {
        if let Some(address) = self.waiting.remove(&worker) {
            self.answers.push((address, shown(answer)));
        }
    }

    /// What is there when the time is over: the others have not answered in time.
    pub(super) fn timed_out(mut self) -> Answer {
        for worker in self.waiting.keys().copied().collect::<Vec<_>>() {
            let text = "the worker has not answered in time: it may be busy, or hang";
            self.take(worker, Err(AskError::new("TimeoutError", text)));
        }
        self.all()
    }

    fn all(mut self) -> Answer {
        self.answers.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Data::Map(self.answers))
    }

    pub(super) fn check(&self, scheduler: &Scheduler) -> Result<(), String> {
        let gone = self.waiting.keys().find(|id| scheduler.workers.get(**id).is_none());
        match gone {
            Some(id) => Err(format!("waits for {id:?}, which is gone")),
            None if self.waiting.is_empty() => Err("waits for nobody".into()),
            None => Ok(()),
        }
    }
}

/// `{"ok": data}` or `{"error": {class, text, bytes}}`.
fn shown(answer: Answer) -> Data {
    match answer {
        Ok(data) => Data::map([("ok", data)]),
        Err(AskError { class, text, bytes }) => {
            let bytes = Data::Bytes(bytes);
            let error =
                Data::map([("class", class.into()), ("text", text.into()), ("bytes", bytes)]);
            Data::map([("error", error)])
        }
    }
}

impl Scheduler {
    pub(super) fn ask_workers(
        &mut self,
        asker: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        let verb = body.need("verb")?;
        let Some(mut verb) = verb.as_text().cloned() else {
            return Err(AskError::new("TypeError", format!("{verb} is no name of a question")));
        };
        let mut question = body.get("body").cloned().unwrap_or_default();
        if body.get("nanny").is_some_and(Data::is_true) {
            question = Data::map([("verb", verb.into()), ("body", question)]);
            verb = "nanny.ask".into();
        }
        let named = self.named_workers(body);
        let waiting: BTreeMap<WorkerId, Arc<str>> = named
            .into_iter()
            .filter_map(|id| Some((id, self.workers.get(id)?.info.address.clone())))
            .collect();
        if waiting.is_empty() {
            return Ok(Some(Data::Map(Vec::new())));
        }
        let asked: Vec<WorkerId> = waiting.keys().copied().collect();
        let waits_for = WaitsFor::Workers(AskedWorkers { waiting, answers: Vec::new() });
        let until = self.until(body);
        let request = self.questions.open(asker, until, waits_for);
        for id in asked {
            let (verb, body) = (verb.clone(), question.clone());
            actions.push(Action::Worker(id, ToWorker::Ask { request, verb, body }));
        }
        Ok(None)
    }

    /// A worker has answered a question.
    pub(in crate::scheduler) fn worker_answered(
        &mut self,
        worker: WorkerId,
        number: u64,
        given: Answer,
        actions: &mut Vec<Action>,
    ) {
        let Some(open) = self.questions.open.get_mut(&number) else { return };
        let WaitsFor::Workers(asked) = &mut open.waits_for else { return };
        asked.take(worker, given);
        if asked.waiting.is_empty()
            && let Some(open) = self.questions.close(number)
            && let WaitsFor::Workers(asked) = open.waits_for
        {
            answer(open.asker, asked.all(), actions);
        }
    }

    /// A worker is gone with the answers that it owes.
    pub(in crate::scheduler) fn answers_no_more(
        &mut self,
        worker: WorkerId,
        how: &Arc<str>,
        actions: &mut Vec<Action>,
    ) {
        let open = self.questions.open.iter().filter(|(_, open)| match &open.waits_for {
            WaitsFor::Workers(asked) => asked.waiting.contains_key(&worker),
            _ => false,
        });
        for number in open.map(|(number, _)| *number).collect::<Vec<_>>() {
            let text = format!("the worker is gone before it has answered: {how}");
            let error = AskError::new("CommClosedError", text);
            self.worker_answered(worker, number, Err(error), actions);
        }
    }
}
