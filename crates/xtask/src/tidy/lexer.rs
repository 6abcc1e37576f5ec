//! Just enough of Rust's lexical grammar to tell code from comments and literals.
//!
//! A rule that searches for `std::thread` must not find it in a doc comment or in a string. The
//! masked text has the length and the lines of the source, with blanks for the contents of
//! comments, strings and characters, and knows which lines belong to `#[cfg(test)]` items.

/// A Rust source with its comments and literals blanked out.
#[derive(Debug)]
pub(crate) struct Masked {
    /// The text; byte for byte as long as the source.
    pub(crate) code: String,
    /// For each line: whether it holds anything but blanks and comments.
    has_code: Vec<bool>,
    /// For each line: whether it belongs to an item under `#[cfg(test)]`.
    in_test: Vec<bool>,
}

impl Masked {
    /// Masks a source.
    pub(crate) fn new(source: &str) -> Self {
        let (code, has_code) = mask(source);
        let mut in_test = vec![false; has_code.len()];
        for (from, to) in test_items(&code) {
            let (first, last) = (line_of(&code, from), line_of(&code, to));
            in_test[first - 1..last].fill(true);
        }
        Self { code, has_code, in_test }
    }

    /// Lines with code that are not under `#[cfg(test)]`.
    pub(crate) fn code_lines(&self) -> usize {
        self.has_code.iter().zip(&self.in_test).filter(|&(code, test)| *code && !test).count()
    }

    /// The line, from 1, of a byte offset.
    pub(crate) fn line(&self, offset: usize) -> usize {
        line_of(&self.code, offset)
    }

    /// Whether this line (from 1) is under `#[cfg(test)]`.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.in_test.get(line - 1).copied().unwrap_or(false)
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The masked text, and for each line whether it holds code.
fn mask(source: &str) -> (String, Vec<bool>) {
    let bytes = source.as_bytes();
    let mut out: Vec<u8> =
        bytes.iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }).collect();
    let mut has_code = vec![false; line_of(source, source.len())];
    let (mut at, mut line) = (0, 0);
    while at < bytes.len() {
        let token = Token::at(bytes, at);
        let end = (at + token.len()).min(bytes.len());
        if token.is_code() && !bytes[at].is_ascii_whitespace() {
            has_code[line] = true;
        }
        if let Token::Plain = token {
            out[at] = bytes[at];
        }
        for &byte in &bytes[at..end] {
            if byte == b'\n' {
                line += 1;
                has_code[line] |= matches!(token, Token::Literal(_));
            }
        }
        at = end;
    }
    // Plain bytes are copied one by one and the rest is ASCII, so this is lossless.
    (String::from_utf8_lossy(&out).into_owned(), has_code)
}

/// What starts at an offset, with its length in bytes.
enum Token {
    Plain,
    Comment(usize),
    Literal(usize),
}

impl Token {
    fn len(&self) -> usize {
        match *self {
            Self::Plain => 1,
            Self::Comment(n) | Self::Literal(n) => n,
        }
    }

    fn is_code(&self) -> bool {
        !matches!(self, Self::Comment(_))
    }

    fn at(bytes: &[u8], at: usize) -> Self {
        let rest = &bytes[at..];
        let starts_word = at == 0 || !is_word(bytes[at - 1]);
        match rest {
            [b'/', b'/', ..] => Self::Comment(find(rest, b"\n").unwrap_or(rest.len())),
            [b'/', b'*', ..] => Self::Comment(block_comment(rest)),
            [b'"', ..] => Self::Literal(quoted(rest, 1)),
            [b'b' | b'c', b'"', ..] if starts_word => Self::Literal(quoted(rest, 2)),
            [b'b', b'\'', ..] if starts_word => {
                Self::Literal(1 + character(&rest[1..]).unwrap_or(1))
            }
            [b'r', b'"' | b'#', ..] if starts_word => raw(rest, 1),
            [b'b' | b'c', b'r', b'"' | b'#', ..] if starts_word => raw(rest, 2),
            [b'\'', ..] => character(rest).map_or(Self::Plain, Self::Literal),
            _ => Self::Plain,
        }
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Length of a block comment; they nest.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of a string whose contents begin at `at`.
fn quoted(rest: &[u8], mut at: usize) -> usize {
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A raw string, or a raw identifier (`r#type`), which is plain.
fn raw(rest: &[u8], prefix: usize) -> Token {
    let hashes = rest[prefix..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(prefix + hashes) != Some(&b'"') {
        return Token::Plain;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let body = prefix + hashes + 1;
    Token::Literal(find(&rest[body..], &close).map_or(rest.len(), |at| body + at + close.len()))
}

/// Length of a character literal, or `None` for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return find(&rest[3.min(rest.len())..], b"'").map(|at| at + 4);
    }
    let width = std::str::from_utf8(&rest[1..rest.len().min(5)])
        .unwrap_or_else(|error| {
            std::str::from_utf8(&rest[1..1 + error.valid_up_to()]).unwrap_or_default()
        })
        .chars()
        .next()?
        .len_utf8();
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

/// Byte ranges of the items under `#[cfg(test)]`, attribute included.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    const ATTRIBUTE: &str = "#[cfg(test)]";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = code[from..].find(ATTRIBUTE).map(|at| from + at) {
        let end = item_end(code.as_bytes(), at + ATTRIBUTE.len());
        found.push((at, end));
        from = end.max(at + ATTRIBUTE.len());
    }
    found
}

/// The end of the item behind an attribute: its `;`, or the `}` that closes its first `{`.
fn item_end(code: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, &byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::Masked;

    fn code(source: &str) -> String {
        Masked::new(source).code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_blank() {
        assert_eq!(code("a // b\n/* c /* d */ e */ f"), "a f");
        assert_eq!(code(r#"x("b\"c", 'd', '\'', b'"', "e") y"#), "x( , , , , ) y");
        assert_eq!(code("x(r#\"a\" b\"#, br\"c\") y"), "x( , ) y");
        assert_eq!(code("fn f<'a>(r#type: &'a str) {}"), "fn f<'a>(r#type: &'a str) {}");
        assert_eq!(code("let c = 'é'; let s = \"ü\"; z"), "let c = ; let s = ; z");
    }

    #[test]
    fn lines_are_kept() {
        let source = "a\n\"b\nc\"\n/* d\n */ e\n";
        let masked = Masked::new(source);
        assert_eq!(masked.code.len(), source.len());
        assert_eq!(masked.line(masked.code.find('e').expect("e is code")), 5);
        assert_eq!(masked.code_lines(), 4, "a, the two lines of the string, and e");
    }

    #[test]
    fn test_items_do_not_count() {
        let masked = Masked::new(
            "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nuse c;\nfn d() {}\n",
        );
        assert_eq!(masked.code_lines(), 2);
        assert!(masked.is_test_line(5) && masked.is_test_line(8));
        assert!(!masked.is_test_line(1) && !masked.is_test_line(9));
    }
}
