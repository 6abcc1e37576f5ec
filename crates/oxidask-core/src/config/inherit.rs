//! Handing a configuration to a child process: JSON in URL-safe base64, in one environment
//! variable. Python's half (`oxidask.config.serialize`) writes and reads the same text.

use std::fmt::Write;

use super::ConfigError;
use super::literal::parse_json;
use super::value::Value;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes a value as text that fits in an environment variable.
#[must_use]
pub fn serialize(value: &Value) -> String {
    let mut text = String::new();
    json(value, &mut text);
    encode(text.as_bytes())
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// [`ConfigError::Inherited`] if the text is not base64 of JSON.
pub fn deserialize(text: &str) -> Result<Value, ConfigError> {
    decode(text)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|json| parse_json(&json))
        .ok_or_else(|| ConfigError::Inherited { text: text.chars().take(40).collect() })
}

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            (0..3).fold(0, |word, at| word << 8 | chunk.get(at).map_or(0, |&b| u32::from(b)));
        for at in 0..4 {
            if at <= chunk.len() {
                out.push(char::from(ALPHABET[(word >> (18 - 6 * at) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// Takes both alphabets of base64, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches('=');
    if text.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut word, mut bits) = (0u32, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'+' => 62,
            b'/' => 63,
            _ => ALPHABET.iter().position(|&letter| letter == byte)?,
        };
        word = word << 6 | digit as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits & 255) as u8);
        }
    }
    Some(out)
}

fn json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Float(value) if value.is_nan() => out.push_str("NaN"),
        Value::Float(value) if value.is_infinite() => {
            out.push_str(if *value > 0.0 { "Infinity" } else { "-Infinity" });
        }
        // Writing to a string can't fail.
        Value::Float(value) => drop(write!(out, "{value:?}")),
        Value::Int(value) => drop(write!(out, "{value}")),
        Value::Str(text) => string(text, out),
        Value::List(values) => {
            out.push('[');
            for (at, inner) in values.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                json(inner, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (name, inner)) in map.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                match name {
                    Value::Str(name) => string(name, out),
                    // JSON's names are text: what else YAML allowed becomes its text.
                    other => {
                        let mut name = String::new();
                        json(other, &mut name);
                        string(&name, out);
                    }
                }
                out.push_str(": ");
                json(inner, out);
            }
            out.push('}');
        }
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Map;

    #[test]
    fn text_is_what_python_writes() {
        let value = Value::Map(Map::from_iter([("a", Value::Int(1))]));
        assert_eq!(serialize(&value), "eyJhIjogMX0=");
        assert_eq!(deserialize("eyJhIjogMX0=").unwrap(), value);
        // Python escapes all but ASCII, and writes infinities as words.
        let theirs =
            deserialize("eyJhIjogIlx1MDBlOT8-flx1MDBmZlx1ZDgzZFx1ZGUwMCIsICJpIjogSW5maW5pdHl9");
        let ours = Map::from_iter([("a", "é?>~ÿ😀".into()), ("i", Value::Float(f64::INFINITY))]);
        assert_eq!(theirs.unwrap(), Value::Map(ours));
    }

    #[test]
    fn garbage_is_refused() {
        for text in ["zz", "garbage", "eyJhIjogMX", "!", "é"] {
            assert!(deserialize(text).is_err(), "{text}");
        }
    }
}
