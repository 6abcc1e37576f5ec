//! `tasks.stream.*`: what was run lately.

use super::Outcome;
use crate::coordination::Asker;
use crate::data::Data;
use crate::message::Action;
use crate::scheduler::Scheduler;
use crate::scheduler::stream::{MOST_KEPT, Record, Stream};

impl Scheduler {
    pub(super) fn stream_start(&mut self, _: Asker, body: &Data, _: &mut Vec<Action>) -> Outcome {
        let most = body.get("maxlen").and_then(Data::as_int);
        let most = most.map(|n| usize::try_from(n).unwrap_or(1));
        let stream = self.stream.get_or_insert_with(|| Box::new(Stream::new(MOST_KEPT)));
        stream.most = most.map_or(stream.most, |most| most.max(1));
        Ok(Some(Data::Nil))
    }

    pub(super) fn stream_stop(&mut self, _: Asker, _: &Data, _: &mut Vec<Action>) -> Outcome {
        self.stream = None;
        Ok(Some(Data::Nil))
    }

    /// Attempts that ended after `start_s` and began before `stop_s`, the last `count` of them. Starts the stream.
    pub(super) fn stream_get(
        &mut self,
        asker: Asker,
        body: &Data,
        actions: &mut Vec<Action>,
    ) -> Outcome {
        self.stream_start(asker, &Data::Nil, actions)?;
        let number = |name: &str| body.get(name).and_then(Data::as_float);
        let (start_s, stop_s) = (number("start_s"), number("stop_s"));
        let is_asked = |record: &&Record| {
            start_s.is_none_or(|start_s| record.end_s() >= start_s)
                && stop_s.is_none_or(|stop_s| record.begun_s <= stop_s)
        };
        let records = self.stream.iter().flat_map(|stream| &stream.records).filter(is_asked);
        let records: Vec<&Record> = records.collect();
        let count = body.get("count").and_then(Data::as_int);
        let count = count.map_or(records.len(), |n| usize::try_from(n).unwrap_or(0));
        let from = records.len().saturating_sub(count);
        Ok(Some(records[from..].iter().map(|record| record.shown()).collect()))
    }
}
