//! Writing YAML: [`Value`]s become block style text that this and every other reader take back
//! unchanged.

use std::fmt::Write;

use super::scalar;
use super::value::Value;

/// Names of more bytes than this are written in the form for long names. The bound of YAML is 1024
/// characters.
const MAX_NAME: usize = 128;

/// Writes a value as a YAML document, sections in their order, indented by two.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

/// Writes `value` where a line of its own begins, at the given depth.
fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Map(map) if !map.is_empty() => {
            for (at, (name, inner)) in map.iter().enumerate() {
                if at > 0 {
                    indent(depth, out);
                }
                let start = out.len();
                inline(name, out);
                // Readers look only so far ahead for the colon; a longer name is announced.
                let long = out.len() - start > MAX_NAME;
                if long {
                    out.insert_str(start, "? ");
                    out.push('\n');
                    indent(depth, out);
                }
                out.push(':');
                nested(inner, depth, long, out);
            }
        }
        Value::List(values) if !values.is_empty() => {
            for (at, inner) in values.iter().enumerate() {
                if at > 0 {
                    indent(depth, out);
                }
                out.push_str("- ");
                block(inner, depth + 1, out);
            }
        }
        _ => {
            inline(value, out);
            out.push('\n');
        }
    }
}

/// Writes what follows the colon of a name; a `long` one needs its list indented.
fn nested(value: &Value, depth: usize, long: bool, out: &mut String) {
    let deeper = match value {
        Value::Map(map) if !map.is_empty() => depth + 1,
        // The dash of a list in a section indents enough.
        Value::List(values) if !values.is_empty() => depth + usize::from(long),
        _ => {
            out.push(' ');
            inline(value, out);
            out.push('\n');
            return;
        }
    };
    out.push('\n');
    indent(deeper, out);
    block(value, deeper, out);
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Writes a value that fits on one line.
fn inline(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => {
            // Writing to a string can't fail.
            let _ = write!(out, "{value}");
        }
        Value::Float(value) => out.push_str(&float(*value)),
        Value::Str(text) => string(text, out),
        Value::List(_) => out.push_str("[]"),
        Value::Map(_) => out.push_str("{}"),
    }
}

/// The shortest digits, with the dot and the sign without which YAML 1.1 sees text.
fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let dot = if mantissa.contains('.') { "" } else { ".0" };
            let plus = if exponent.starts_with('-') { "" } else { "+" };
            format!("{mantissa}{dot}e{plus}{exponent}")
        }
    }
}

fn string(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push_str(text);
    } else if text.chars().all(|c| c == ' ' || c.is_alphanumeric() || c.is_ascii_graphic()) {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        quoted(text, out);
    }
}

/// Whether text can stand without quotes: a word that no reader takes for anything else.
fn is_plain(text: &str) -> bool {
    let starts_well = match text.chars().next() {
        // With a letter that is in no number ("128MiB"); readers differ on the rest ("0x_").
        Some('0'..='9') => {
            text.contains(|c: char| matches!(c, 'g'..='z' | 'G'..='Z') && !"oxOX".contains(c))
        }
        Some(c) => c.is_alphanumeric() || c == '/' || c == '_',
        None => false,
    };
    let harmless = |c: char| c.is_alphanumeric() || "/_-.+()$;\\ ".contains(c);
    starts_well
        && !text.ends_with(' ')
        && text.chars().all(harmless)
        && !looks_like_date(text)
        // Readers of YAML 1.2 see numbers where those of 1.1 see text.
        && text.parse::<f64>().is_err()
        && !text.starts_with("0o")
        && !matches!(text, "y" | "Y" | "n" | "N")
        && matches!(scalar::resolve(text), Value::Str(_))
}

fn looks_like_date(text: &str) -> bool {
    text.len() >= 8
        && text.bytes().take(4).all(|b| b.is_ascii_digit())
        && text[4..].starts_with('-')
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_alphanumeric() || (c.is_ascii() && !c.is_ascii_control()) => out.push(c),
            c => {
                let code = u32::from(c);
                let _ = if code > 0xffff {
                    write!(out, "\\U{code:08x}")
                } else {
                    write!(out, "\\u{code:04x}")
                };
            }
        }
    }
    out.push('"');
}
