//! Reading literals: Python's, for the values of environment variables, and JSON, for the
//! configuration that a process inherits. Both are one small grammar in two dialects.
//!
//! Of Python's literals, what no [`Value`] can hold (sets, bytes, complex numbers) is not read.
//! JSON is what Python's `json` writes: `Infinity` and `NaN` included.

use super::value::{Map, Value};

const MAX_DEPTH: usize = 128;

/// The meaning of a variable's text: `none`, `null`, `true` and `false` in any case, a Python
/// literal, or else the text itself.
#[must_use]
pub fn interpret_value(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "none" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => read(text, Dialect::Python).unwrap_or_else(|| text.into()),
    }
}

/// Reads JSON; `None` if it is none.
pub(super) fn parse_json(text: &str) -> Option<Value> {
    read(text, Dialect::Json)
}

#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    Python,
    Json,
}

fn read(text: &str, dialect: Dialect) -> Option<Value> {
    let mut reader = Reader { rest: text, dialect };
    let value = reader.value(0)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    dialect: Dialect,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest.chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.rest = &self.rest[c.len_utf8()..];
        }
        found
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            '[' => self.items('[', ']', depth).map(|(values, _)| Value::List(values)),
            '(' if self.dialect == Dialect::Python => self.parenthesised(depth),
            '{' => self.map(depth),
            '"' => self.strings(),
            '\'' if self.dialect == Dialect::Python => self.strings(),
            c if c.is_ascii_digit() || matches!(c, '.' | '+' | '-') => self.number(),
            c if c.is_ascii_alphabetic() => self.word(),
            _ => None,
        }
    }

    /// The values between two brackets, and whether a comma was among them.
    fn items(&mut self, open: char, close: char, depth: usize) -> Option<(Vec<Value>, bool)> {
        self.eat(open);
        let (mut values, mut comma) = (Vec::new(), false);
        loop {
            if self.eat(close) {
                // JSON has no comma before the closing bracket.
                let trailing = comma && self.dialect == Dialect::Json;
                return (!trailing).then_some((values, comma));
            }
            values.push(self.value(depth + 1)?);
            if !self.eat(',') {
                let several = values.len() > 1;
                return self.eat(close).then_some((values, several));
            }
            comma = true;
        }
    }

    /// A tuple, or one value in parentheses.
    fn parenthesised(&mut self, depth: usize) -> Option<Value> {
        let (mut values, comma) = self.items('(', ')', depth)?;
        if comma || values.is_empty() { Some(Value::List(values)) } else { values.pop() }
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        self.eat('{');
        let mut map = Map::new();
        if self.eat('}') {
            return Some(Value::Map(map));
        }
        loop {
            let name = self.value(depth + 1)?;
            let json = self.dialect == Dialect::Json;
            if matches!(name, Value::List(_) | Value::Map(_)) || (json && name.as_str().is_none()) {
                return None;
            }
            if !self.eat(':') {
                return None;
            }
            let value = self.value(depth + 1)?;
            map.insert(name, value);
            if self.eat('}') {
                return Some(Value::Map(map));
            }
            if !self.eat(',') {
                return None;
            }
            if !json && self.eat('}') {
                return Some(Value::Map(map));
            }
        }
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (word, behind) = self.rest.split_at(end);
        let value = match (self.dialect, word) {
            (Dialect::Python, "None") | (Dialect::Json, "null") => Value::Null,
            (Dialect::Python, "True") | (Dialect::Json, "true") => Value::Bool(true),
            (Dialect::Python, "False") | (Dialect::Json, "false") => Value::Bool(false),
            (Dialect::Json, "NaN") => Value::Float(f64::NAN),
            (Dialect::Json, "Infinity") => Value::Float(f64::INFINITY),
            _ => return None,
        };
        self.rest = behind;
        Some(value)
    }

    fn number(&mut self) -> Option<Value> {
        let mut negative = false;
        while let Some(sign @ ('+' | '-')) = self.peek() {
            negative ^= sign == '-';
            self.rest = &self.rest[1..];
        }
        if self.dialect == Dialect::Json && self.rest.starts_with("Infinity") {
            self.rest = &self.rest["Infinity".len()..];
            return Some(Value::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }));
        }
        let hexadecimal = self.rest.starts_with("0x") || self.rest.starts_with("0X");
        let mut end = 0;
        for (at, c) in self.rest.char_indices() {
            let exponent_sign = matches!(c, '+' | '-')
                && !hexadecimal
                && matches!(self.rest.as_bytes().get(at.wrapping_sub(1)), Some(b'e' | b'E'));
            if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || exponent_sign) {
                break;
            }
            end = at + 1;
        }
        let (word, behind) = self.rest.split_at(end);
        let value = number(word, negative)?;
        self.rest = behind;
        Some(value)
    }

    /// One string, or in Python several, which are joined.
    fn strings(&mut self) -> Option<Value> {
        let mut text = String::new();
        self.string(&mut text)?;
        while self.dialect == Dialect::Python && matches!(self.peek(), Some('"' | '\'')) {
            self.string(&mut text)?;
        }
        Some(Value::Str(text))
    }

    fn string(&mut self, out: &mut String) -> Option<()> {
        let quote = self.peek()?;
        let mut chars = self.rest[1..].chars();
        loop {
            match chars.next()? {
                '\n' => return None,
                '\\' => escape(&mut chars, out)?,
                c if c == quote => break,
                c => out.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(())
    }
}

/// Reads what follows a backslash.
fn escape(chars: &mut std::str::Chars<'_>, out: &mut String) -> Option<()> {
    let c = match chars.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'x' => char::from_u32(hex(chars, 2)?)?,
        'U' => char::from_u32(hex(chars, 8)?)?,
        'u' => {
            let high = hex(chars, 4)?;
            if (0xd800..0xdc00).contains(&high) {
                // A character beyond the first plane comes in two halves.
                if chars.next()? != '\\' || chars.next()? != 'u' {
                    return None;
                }
                let low = hex(chars, 4)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?
            } else {
                char::from_u32(high)?
            }
        }
        c @ ('\\' | '\'' | '"' | '/') => c,
        _ => return None,
    };
    out.push(c);
    Some(())
}

fn hex(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<u32> {
    (0..digits).try_fold(0, |total, _| Some(total * 16 + chars.next()?.to_digit(16)?))
}

fn number(word: &str, negative: bool) -> Option<Value> {
    // Python allows one underscore between digits, nowhere else.
    if word.starts_with('_') || word.ends_with('_') || word.contains("__") {
        return None;
    }
    let plain = word.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((lower.strip_prefix(prefix)?, radix)));
    let int = match radix {
        Some((digits, radix)) => Some(i128::from_str_radix(digits, radix).ok()?),
        None if plain.bytes().all(|b| b.is_ascii_digit()) => {
            if plain.starts_with('0') && plain.bytes().any(|b| b != b'0') {
                return None;
            }
            Some(plain.parse().ok()?)
        }
        None => None,
    };
    if let Some(int) = int {
        return Some(Value::Int(if negative { -int } else { int }));
    }
    let looks_right = plain.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && plain.chars().all(|c| c.is_ascii_digit() || "eE.+-".contains(c));
    let float: f64 = if looks_right { plain.parse().ok()? } else { return None };
    Some(Value::Float(if negative { -float } else { float }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_as_python_reads_literals() {
        for (text, expected) in [
            ("NULL", Value::Null),
            ("true", true.into()),
            (" 12", Value::Int(12)),
            ("1_000", Value::Int(1000)),
            ("-5", Value::Int(-5)),
            ("0x1F", Value::Int(31)),
            ("0777", "0777".into()),
            ("1e3", 1000.0.into()),
            ("1.", 1.0.into()),
            (".5", 0.5.into()),
            ("1.2.3", "1.2.3".into()),
            ("yes", "yes".into()),
            ("inf", "inf".into()),
            ("'a' \"b\"", "ab".into()),
            ("'a\\n\\u00e9'", "a\né".into()),
            ("(1)", Value::Int(1)),
            ("(1,)", vec![Value::Int(1)].into()),
            ("[1, 'a', ]", vec![Value::Int(1), "a".into()].into()),
            ("[1, 2", "[1, 2".into()),
            ("128 MiB", "128 MiB".into()),
            ("/not/a/literal", "/not/a/literal".into()),
            ("", "".into()),
            (
                "{'a': {'b': None}}",
                Value::Map(Map::from_iter([("a", Map::from_iter([("b", Value::Null)]))])),
            ),
        ] {
            assert_eq!(interpret_value(text), expected, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_text_and_no_crash() {
        let text = "[".repeat(100_000);
        assert_eq!(interpret_value(&text), Value::Str(text));
    }

    #[test]
    fn json_is_strict_about_what_python_is_not() {
        assert_eq!(
            parse_json("[1, \"\\ud83d\\ude00\"]"),
            Some(vec![Value::Int(1), "😀".into()].into())
        );
        assert_eq!(parse_json("-Infinity"), Some(Value::Float(f64::NEG_INFINITY)));
        for text in ["[1,]", "(1, 2)", "'a'", "None", "{1: 2}", "\"\\ud83d\"", "{\"a\" 1}"] {
            assert_eq!(parse_json(text), None, "{text}");
        }
    }
}
