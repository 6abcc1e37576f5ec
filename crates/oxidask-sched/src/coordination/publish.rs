//! Published data sets, and metadata: values by name that stay until they are deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Call, Coordination, Outcome};
use crate::data::{AskError, Data};

/// Data sets by the text that shows their names.
pub(super) type Datasets = BTreeMap<Arc<str>, Dataset>;

/// A data set: its name, as it was given, its own form and the keys that it is made of.
#[derive(Debug)]
pub(super) struct Dataset {
    name: Data,
    /// `data` and `keys`.
    pub(super) value: Data,
}

impl Coordination {
    pub(super) fn publish_put(&mut self, call: Call<'_>) -> Outcome {
        let (text, name) = (call.name()?, call.body.need("name")?.clone());
        let keys = call.body.get("keys").map_or(&[][..], Data::items);
        let keys: Data = keys.iter().filter_map(Data::as_key).collect();
        let data = call.body.get("data").cloned().unwrap_or_default();
        let value = Data::map([("data", data), ("keys", keys)]);
        let may_replace = call.body.get("override").is_some_and(Data::is_true);
        if !may_replace && self.datasets.contains_key(&text) {
            let text = format!(
                "data set {text} is published already: unpublish it first, or publish with override=True"
            );
            return Err(AskError::new("KeyError", text));
        }
        self.desk.hold(&value);
        if let Some(before) = self.datasets.insert(text, Dataset { name, value }) {
            self.desk.let_go(&before.value);
        }
        Ok(Some(Data::Nil))
    }

    pub(super) fn publish_get(&mut self, call: Call<'_>) -> Outcome {
        let name = call.name()?;
        let Some(dataset) = self.datasets.get(&name) else {
            return Err(AskError::new("KeyError", format!("no data set {name} is published")));
        };
        self.desk.give(call.asker.client, &dataset.value);
        Ok(Some(dataset.value.clone()))
    }

    pub(super) fn publish_delete(&mut self, call: Call<'_>) -> Outcome {
        if let Some(dataset) = self.datasets.remove(&call.name()?) {
            self.desk.let_go(&dataset.value);
        }
        Ok(Some(Data::Nil))
    }

    pub(super) fn publish_list(&mut self, _: Call<'_>) -> Outcome {
        Ok(Some(self.datasets.values().map(|dataset| dataset.name.clone()).collect()))
    }

    /// Sets what is at the end of a path of names; what is in its way and is no map goes.
    pub(super) fn metadata_set(&mut self, call: Call<'_>) -> Outcome {
        let mut at = &mut self.metadata;
        for name in call.body.need("keys")?.items() {
            at = entry(at, &text_of(name));
        }
        *at = call.body.need("value")?.clone();
        Ok(Some(Data::Nil))
    }

    pub(super) fn metadata_get(&mut self, call: Call<'_>) -> Outcome {
        let keys = call.body.need("keys")?.items();
        let nothing = Data::Map(Vec::new());
        let root = if self.metadata.is_nil() { &nothing } else { &self.metadata };
        let found = keys.iter().try_fold(root, |at, name| at.get(&text_of(name)));
        match found.or_else(|| call.body.get("default")) {
            Some(value) => Ok(Some(value.clone())),
            None => {
                let path: Vec<String> = keys.iter().map(Data::to_string).collect();
                let text = format!("there is no metadata at {}", path.join("/"));
                Err(AskError::new("KeyError", text))
            }
        }
    }
}

fn text_of(name: &Data) -> Arc<str> {
    name.as_text().cloned().unwrap_or_else(|| name.to_string().into())
}

/// The entry of a map by name, made if it is not there.
fn entry<'a>(at: &'a mut Data, name: &Arc<str>) -> &'a mut Data {
    if !matches!(at, Data::Map(_)) {
        *at = Data::Map(Vec::new());
    }
    let Data::Map(entries) = at else { unreachable!("it is a map now") };
    let known = entries.iter().position(|(other, _)| other == name);
    let index = known.unwrap_or_else(|| {
        entries.push((name.clone(), Data::Nil));
        entries.len() - 1
    });
    &mut entries[index].1
}
