//! Topics: what was said about them lately, and who is told what comes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::desk::Effect;
use super::{Call, Coordination, Outcome};
use crate::data::Data;
use crate::ids::{ClientId, Time};

/// What is kept of each topic.
const MOST_EVENTS: usize = 10_000;

/// One topic.
#[derive(Debug, Default)]
pub(super) struct Topic {
    /// When, in seconds since 1970, and what.
    events: VecDeque<Data>,
    pub(super) subscribers: BTreeSet<ClientId>,
}

impl Topic {
    pub(super) fn left_by(&mut self, client: ClientId) {
        self.subscribers.remove(&client);
    }
}

impl Coordination {
    /// Something is said about a topic.
    pub fn log(&mut self, now: Time, topic: &Arc<str>, body: Data) {
        let known = self.topics.entry(topic.clone()).or_default();
        let body = Data::List(vec![Data::Float(self.desk.wall_s(now)), body]);
        for &client in &known.subscribers {
            let (topic, body) = (topic.clone(), body.clone());
            self.desk.effects.push(Effect::Push { client, topic, body });
        }
        if known.events.len() == MOST_EVENTS {
            known.events.pop_front();
        }
        known.events.push_back(body);
    }

    /// Tells those who have subscribed, and keeps nothing.
    pub fn tell(&mut self, now: Time, topic: &Arc<str>, body: &Data) {
        let Some(known) = self.topics.get(topic) else { return };
        let body = Data::List(vec![Data::Float(self.desk.wall_s(now)), body.clone()]);
        for &client in &known.subscribers {
            let (topic, body) = (topic.clone(), body.clone());
            self.desk.effects.push(Effect::Push { client, topic, body });
        }
    }

    /// Whether anybody has subscribed.
    #[must_use]
    pub fn is_followed(&self, topic: &str) -> bool {
        self.topics.get(topic).is_some_and(|topic| !topic.subscribers.is_empty())
    }

    pub(super) fn topic_log(&mut self, call: Call<'_>) -> Outcome {
        let body = call.body.get("body").cloned().unwrap_or_default();
        match call.body.need("topic")? {
            Data::List(topics) => {
                for topic in topics.iter().filter_map(Data::as_text) {
                    self.log(call.now, topic, body.clone());
                }
            }
            _ => self.log(call.now, &call.text("topic")?, body),
        }
        Ok(Some(Data::Nil))
    }

    /// What is kept of one topic, or of all by name.
    pub(super) fn topic_events(&mut self, call: Call<'_>) -> Outcome {
        let events = |topic: &Topic| -> Data { topic.events.iter().cloned().collect() };
        if call.body.get("topic").is_none_or(Data::is_nil) {
            let all = self.topics.iter().filter(|(_, topic)| !topic.events.is_empty());
            return Ok(Some(Data::Map(
                all.map(|(name, topic)| (name.clone(), events(topic))).collect(),
            )));
        }
        let topic = self.topics.get(&call.text("topic")?);
        Ok(Some(topic.map_or_else(|| Data::List(Vec::new()), events)))
    }

    pub(super) fn topic_subscribe(&mut self, call: Call<'_>) -> Outcome {
        let topic = self.topics.entry(call.text("topic")?).or_default();
        topic.subscribers.insert(call.asker.client);
        Ok(Some(Data::Nil))
    }

    pub(super) fn topic_unsubscribe(&mut self, call: Call<'_>) -> Outcome {
        if let Some(topic) = self.topics.get_mut(&call.text("topic")?) {
            topic.left_by(call.asker.client);
        }
        Ok(Some(Data::Nil))
    }
}
