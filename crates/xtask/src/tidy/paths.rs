//! The paths that a Rust source names: its `use` trees written out, and paths in expressions.
//!
//! `use std::{fs, thread::spawn as go};` names `std::fs` and `std::thread::spawn`. Names that
//! reach code through an alias are not followed: that is clippy's part (`clippy.toml` of the
//! pure crates), which resolves them.

use super::lexer::{Masked, is_word};

/// A path, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathUse {
    /// Its segments, without generic arguments.
    pub(crate) segments: Vec<String>,
    /// Line from 1.
    pub(crate) line: usize,
}

impl PathUse {
    /// Whether these segments stand in the path, one behind the other.
    pub(crate) fn contains(&self, segments: &[&str]) -> bool {
        self.segments.windows(segments.len()).any(|window| window == segments)
    }

    /// Whether the path begins with these segments.
    pub(crate) fn starts_with(&self, segments: &[&str]) -> bool {
        self.segments.len() >= segments.len()
            && self.segments.iter().zip(segments).all(|(ours, theirs)| ours == theirs)
    }

    /// The path as one writes it.
    pub(crate) fn joined(&self) -> String {
        self.segments.join("::")
    }
}

/// All paths of a source, in order.
pub(crate) fn of(masked: &Masked) -> Vec<PathUse> {
    let mut parser = Parser { code: &masked.code, at: 0, found: Vec::new() };
    parser.run();
    let line = |offset| masked.line(offset);
    parser
        .found
        .into_iter()
        .map(|(segments, offset)| PathUse { segments, line: line(offset) })
        .collect()
}

struct Parser<'a> {
    code: &'a str,
    at: usize,
    found: Vec<(Vec<String>, usize)>,
}

impl Parser<'_> {
    fn run(&mut self) {
        while self.at < self.code.len() {
            match self.word() {
                Some(word) if word == "use" => {
                    self.use_tree(&[]);
                }
                Some(word) => self.plain_path(word),
                None => self.at += 1,
            }
        }
    }

    /// A word at the present place, and steps behind it.
    fn word(&mut self) -> Option<String> {
        let rest = &self.code.as_bytes()[self.at..];
        let len = rest.iter().take_while(|&&byte| is_word(byte)).count();
        if len == 0 {
            return None;
        }
        let word = &self.code[self.at..self.at + len];
        self.at += len;
        Some(word.to_owned())
    }

    fn skip_blanks(&mut self) {
        let rest = &self.code.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    /// Steps over `token`, if it comes next.
    fn eat(&mut self, token: &str) -> bool {
        self.skip_blanks();
        let found = self.code[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// `first::second::third` in an expression or a type; a single word is no path.
    fn plain_path(&mut self, first: String) {
        let start = self.at;
        let mut segments = vec![first];
        while self.code[self.at..].trim_start().starts_with("::") {
            self.eat("::");
            self.skip_blanks();
            match self.word() {
                Some(word) => segments.push(word),
                None => break,
            }
        }
        if segments.len() > 1 {
            self.found.push((segments, start));
        }
    }

    /// One tree of a `use` item, below `prefix`.
    fn use_tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        self.eat("::");
        loop {
            self.skip_blanks();
            let start = self.at;
            if self.eat("{") {
                while !self.eat("}") && self.at < self.code.len() {
                    let before = self.at;
                    self.use_tree(&segments);
                    self.eat(",");
                    // Whatever this is, it is no use tree: go on rather than stand still.
                    self.at = self.at.max(before + 1);
                }
                return;
            }
            if self.eat("*") {
                self.found.push((segments, start));
                return;
            }
            match self.word() {
                Some(word) if word == "self" && !segments.is_empty() => {}
                Some(word) => segments.push(word),
                None => return,
            }
            if !self.eat("::") {
                self.found.push((segments, start));
                self.skip_alias();
                return;
            }
        }
    }

    fn skip_alias(&mut self) {
        self.skip_blanks();
        if self.code[self.at..].starts_with("as ") {
            self.at += 3;
            self.skip_blanks();
            self.word();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Masked;

    fn paths(source: &str) -> Vec<String> {
        super::of(&Masked::new(source)).iter().map(super::PathUse::joined).collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        assert_eq!(
            paths("use std::{fs, thread::{self, spawn as go}, io::*};\nuse a;"),
            ["std::fs", "std::thread", "std::thread::spawn", "std::io", "a"]
        );
        assert_eq!(paths("pub(crate) use crate::x::Y as Z;"), ["crate::x::Y"]);
    }

    #[test]
    fn paths_in_code_are_found() {
        assert_eq!(
            paths("let x = std::env::var(a); y.z(); Vec::<u8>::new(); ::rand :: random()"),
            ["std::env::var", "rand::random"]
        );
    }

    #[test]
    fn lines_are_right() {
        let found = super::of(&Masked::new("use a::{\n    b,\n    c,\n};\n\nd::e();\n"));
        assert_eq!(found.iter().map(|path| path.line).collect::<Vec<_>>(), [2, 3, 6]);
    }
}
