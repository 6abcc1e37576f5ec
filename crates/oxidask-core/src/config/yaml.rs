//! Reading YAML: the events of the parser become [`Value`]s.
//!
//! Syntax is `saphyr-parser`'s (YAML 1.2, a superset in practice); what unquoted words mean is
//! [`super::scalar`]'s (YAML 1.1). The parser tells quoted from plain words, which decides between
//! `yes` and `"yes"`. Aliases are copied, up to a bound, so that no document of a few lines can
//! fill the memory. Tags beyond the basic ones, dates among them, are refused or left as text.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::ConfigError;
use super::scalar;
use super::value::{Map, Value};

/// Deeper nesting than this is refused: reading recurses.
const MAX_DEPTH: usize = 128;
/// More values than this, counting what aliases repeat, are refused.
const MAX_VALUES: usize = 4_000_000;

/// Reads a document of one value; an empty one is null.
///
/// # Errors
/// [`ConfigError::Yaml`] with the place, if the text is no YAML, holds more than one document, or
/// says what a [`Value`] can't hold.
pub fn parse_yaml(text: &str) -> Result<Value, ConfigError> {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), at: (1, 1), anchors: Vec::new(), count: 0 };
    let mut result = None;
    loop {
        match reader.next()? {
            Event::StreamEnd => return Ok(result.unwrap_or(Value::Null)),
            Event::DocumentStart(_) if result.is_some() => {
                return Err(reader.error("a second document begins here; one was expected"));
            }
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => result = Some(reader.value(event, 0)?),
        }
    }
}

struct Reader<'input> {
    parser: Parser<'input, StrInput<'input>>,
    /// Line and column of the last event, from one.
    at: (usize, usize),
    /// What anchors name, with the number of values inside.
    anchors: Vec<(usize, Value, usize)>,
    count: usize,
}

impl<'input> Reader<'input> {
    fn error(&self, problem: impl Into<String>) -> ConfigError {
        ConfigError::Yaml { line: self.at.0, column: self.at.1, problem: problem.into() }
    }

    fn next(&mut self) -> Result<Event<'input>, ConfigError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let span: Span = span;
                self.at = (span.start.line(), span.start.col() + 1);
                Ok(event)
            }
            Some(Err(error)) => {
                let error: ScanError = error;
                self.at = (error.marker().line(), error.marker().col() + 1);
                Err(self.error(error.info()))
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn value(&mut self, event: Event<'input>, depth: usize) -> Result<Value, ConfigError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let before = self.count;
        self.count += 1;
        if self.count > MAX_VALUES {
            return Err(self.error(format!("more than {MAX_VALUES} values, aliases counted")));
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(&text, style, tag.as_deref())?)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq")?;
                (anchor, self.list(depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "map")?;
                (anchor, self.map(depth)?)
            }
            other => return Err(self.error(format!("expected a value, found {other:?}"))),
        };
        if anchor > 0 {
            let size = self.count - before;
            self.anchors.retain(|(id, ..)| *id != anchor);
            self.anchors.push((anchor, value.clone(), size));
        }
        Ok(value)
    }

    fn alias(&mut self, anchor: usize) -> Result<Value, ConfigError> {
        let Some((_, value, size)) = self.anchors.iter().find(|(id, ..)| *id == anchor) else {
            return Err(self.error("an alias inside of what it names"));
        };
        // Checked before the copy is made: a few nested aliases can stand for billions of values.
        if self.count + size > MAX_VALUES {
            return Err(self.error(format!("more than {MAX_VALUES} values, aliases counted")));
        }
        self.count += size;
        Ok(value.clone())
    }

    fn list(&mut self, depth: usize) -> Result<Value, ConfigError> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::List(values)),
                event => values.push(self.value(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, ConfigError> {
        let mut own = Vec::new();
        let mut merged = Map::new();
        loop {
            let event = self.next()?;
            let merges = match &event {
                Event::MappingEnd => break,
                Event::Scalar(text, ScalarStyle::Plain, _, None) => text == "<<",
                _ => false,
            };
            let key = self.value(event, depth + 1)?;
            if matches!(key, Value::List(_) | Value::Map(_)) {
                return Err(self.error(format!("{} can't be a name", key.kind())));
            }
            let next = self.next()?;
            let value = self.value(next, depth + 1)?;
            if merges {
                self.merge(value, &mut merged)?;
            } else {
                own.push((key, value));
            }
        }
        // Merged names come first, and a mapping's own values win over them.
        for (key, value) in own {
            merged.insert(key, value);
        }
        Ok(Value::Map(merged))
    }

    /// Takes in the mappings behind a `<<`; of several, the first that has a name decides.
    fn merge(&self, value: Value, into: &mut Map) -> Result<(), ConfigError> {
        match value {
            Value::Map(map) => {
                for (key, value) in map {
                    into.insert(key, value);
                }
                Ok(())
            }
            Value::List(maps) if maps.iter().all(|map| map.as_map().is_some()) => {
                maps.into_iter().rev().try_for_each(|map| self.merge(map, into))
            }
            other => Err(self.error(format!("'<<' merges mappings, and this is {}", other.kind()))),
        }
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
    ) -> Result<Value, ConfigError> {
        let Some(tag) = tag else {
            return Ok(if style == ScalarStyle::Plain {
                scalar::resolve(text)
            } else {
                text.into()
            });
        };
        let value = match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
            (true, "str") => Some(text.into()),
            (true, "null") => Some(Value::Null),
            (true, "bool") => scalar::keyword(text).filter(|value| value.as_bool().is_some()),
            (true, "int") => scalar::int(text),
            (true, "float") => scalar::float(text).or_else(|| text.parse().ok().map(Value::Float)),
            (false, _) if tag.handle.is_empty() && tag.suffix == "!" => Some(text.into()),
            _ => return Err(self.unknown_tag(tag)),
        };
        value.ok_or_else(|| self.error(format!("{text:?} is no {}", tag.suffix)))
    }

    fn check_tag(&self, tag: Option<&Tag>, expected: &str) -> Result<(), ConfigError> {
        match tag {
            None => Ok(()),
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == expected => Ok(()),
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(()),
            Some(tag) => Err(self.unknown_tag(tag)),
        }
    }

    fn unknown_tag(&self, tag: &Tag) -> ConfigError {
        let Tag { handle, suffix } = tag;
        self.error(format!("the tag '{handle}{suffix}' is not supported; write plain data"))
    }
}
