//! Graphviz's DOT language, for those who have Graphviz or another reader of it.

use std::borrow::Cow;

use super::{Picture, PictureNode, Shape};

pub(super) fn write(picture: &Picture) -> String {
    let style = &picture.style;
    let mut dot = String::from("digraph {\n");
    let mut graph = vec![("rankdir", Cow::Borrowed(picture.direction.as_rankdir()))];
    override_with(&mut graph, &style.dot_graph);
    statement(&mut dot, "graph", &graph);
    for (keyword, attributes) in [("node", &style.dot_node), ("edge", &style.dot_edge)] {
        if !attributes.is_empty() {
            let mut all = Vec::new();
            override_with(&mut all, attributes);
            statement(&mut dot, keyword, &all);
        }
    }
    for (at, node) in picture.nodes.iter().enumerate() {
        statement(&mut dot, &at.to_string(), &node_attributes(node));
    }
    for (from, to) in &picture.edges {
        dot.push_str(&format!("\t{from} -> {to}\n"));
    }
    dot.push_str("}\n");
    dot
}

type Attributes<'a> = Vec<(&'a str, Cow<'a, str>)>;

fn node_attributes(node: &PictureNode) -> Attributes<'_> {
    if let Some(given) = &node.dot_attributes {
        let mut attributes = Vec::new();
        override_with(&mut attributes, given);
        return attributes;
    }
    let shape = match node.shape {
        Shape::Box | Shape::RoundedBox => "box",
        Shape::Square => "square",
        Shape::Circle => "circle",
        Shape::Ellipse => "ellipse",
        Shape::Diamond => "diamond",
        Shape::Plain => "plaintext",
    };
    let mut attributes: Attributes<'_> =
        vec![("label", Cow::Borrowed(&*node.label)), ("shape", Cow::Borrowed(shape))];
    let mut add = |name, value: Option<String>| {
        attributes.extend(value.map(|value| (name, Cow::Owned(value))));
    };
    let rounded = node.shape == Shape::RoundedBox;
    add(
        "style",
        match (node.fill.is_some(), rounded) {
            (true, true) => Some("filled,rounded".to_owned()),
            (true, false) => Some("filled".to_owned()),
            (false, true) => Some("rounded".to_owned()),
            (false, false) => None,
        },
    );
    add("fillcolor", node.fill.map(|colour| colour.to_string()));
    add("color", node.outline.map(|colour| colour.to_string()));
    add("fontcolor", node.text_colour.map(|colour| colour.to_string()));
    add("penwidth", (node.outline_width != 1.0).then(|| node.outline_width.to_string()));
    add("tooltip", node.tooltip.clone());
    attributes
}

fn override_with<'a>(attributes: &mut Attributes<'a>, others: &'a [(String, String)]) {
    for (name, value) in others {
        let value = Cow::Borrowed(value.as_str());
        match attributes.iter_mut().find(|(known, _)| known == name) {
            Some(attribute) => attribute.1 = value,
            None => attributes.push((name, value)),
        }
    }
}

fn statement(dot: &mut String, subject: &str, attributes: &Attributes<'_>) {
    dot.push('\t');
    dot.push_str(subject);
    dot.push_str(" [");
    for (at, (name, value)) in attributes.iter().enumerate() {
        if at > 0 {
            dot.push(' ');
        }
        push_id(dot, name);
        dot.push('=');
        push_id(dot, value);
    }
    dot.push_str("]\n");
}

/// An ID of the language: bare where it may be, else quoted.
fn push_id(dot: &mut String, text: &str) {
    if is_name(text) || is_numeral(text) {
        dot.push_str(text);
        return;
    }
    dot.push('"');
    for c in text.chars() {
        match c {
            '"' => dot.push_str("\\\""),
            // In a label, Graphviz reads a backslash as the start of an escape.
            '\\' => dot.push_str("\\\\"),
            '\n' => dot.push_str("\\n"),
            // A NUL ends the text for Graphviz.
            '\0' => dot.push('\u{fffd}'),
            _ => dot.push(c),
        }
    }
    dot.push('"');
}

fn is_name(text: &str) -> bool {
    const KEYWORDS: [&str; 6] = ["node", "edge", "graph", "digraph", "subgraph", "strict"];
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(starts)
        && text.chars().all(|c| starts(c) || c.is_ascii_digit())
        && !KEYWORDS.iter().any(|keyword| text.eq_ignore_ascii_case(keyword))
}

fn is_numeral(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    (!whole.is_empty() || !part.is_empty())
        && whole.bytes().chain(part.bytes()).all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> String {
        let mut dot = String::new();
        push_id(&mut dot, text);
        dot
    }

    #[test]
    fn names_and_numerals_are_bare_and_the_rest_is_quoted() {
        for bare in ["c", "ones_like", "_x1", "0", "-1.5", ".5", "12."] {
            assert_eq!(id(bare), bare);
        }
        for quoted in ["", "(0, 1)", "Graph", "strict", "1x", "-", ".", "a-b", "caf\u{e9}"] {
            assert_eq!(id(quoted), format!("\"{quoted}\""));
        }
    }

    #[test]
    fn quotes_backslashes_and_newlines_cannot_leave_the_string() {
        assert_eq!(id("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
        assert_eq!(id("\\\""), r#""\\\"""#);
    }
}
