//! Labels: how they break into lines and how large they are, and so how large their nodes are.
//!
//! Measured with the font that PNG pictures are drawn in, DejaVu Sans; the fonts that a browser
//! takes for SVG are narrower, so labels measured here fit there too.

use ab_glyph::{Font, FontRef};

use super::{PictureNode, Shape};

/// Size of the letters, in units of the SVG.
pub(super) const FONT_SIZE: f32 = 14.0;
/// From one baseline to the next.
pub(super) const LINE_HEIGHT: f32 = 17.0;
/// From the middle of a line of text to its baseline.
pub(super) const BASELINE: f32 = FONT_SIZE * 0.35;
/// A line longer than this loses its middle: a key can hold anything, even a whole file.
const MAX_LINE_CHARS: usize = 120;
const MAX_LINES: usize = 12;

/// A label in lines, and the size of the node that holds it.
pub(super) struct Label {
    pub(super) lines: Vec<String>,
    pub(super) size: (f32, f32),
}

/// The embedded font: the Latin, Greek and Cyrillic letters and some symbols of DejaVu Sans.
pub(super) fn font() -> FontRef<'static> {
    FontRef::try_from_slice(include_bytes!("font/DejaVuSans-subset.ttf"))
        .expect("the embedded font is well-formed")
}

/// The label of each node with the size that its node needs.
pub(super) fn measure(nodes: &[PictureNode]) -> Vec<Label> {
    let ruler = Ruler::new();
    nodes
        .iter()
        .map(|node| {
            let mut lines = split_lines(&node.label);
            if matches!(node.shape, Shape::Circle | Shape::Ellipse | Shape::Diamond) {
                lines = lines.iter().flat_map(|line| fold_line(line, &ruler)).collect();
            }
            let width = lines.iter().map(|line| ruler.width(line)).fold(0.0, f32::max);
            let height = lines.len() as f32 * LINE_HEIGHT;
            Label { lines, size: node_size(node.shape, width, height) }
        })
        .collect()
}

/// The size of a node around a text of `width` by `height`.
fn node_size(shape: Shape, width: f32, height: f32) -> (f32, f32) {
    let diagonal = width.hypot(height);
    match shape {
        Shape::Box | Shape::RoundedBox => ((width + 16.0).max(40.0), (height + 10.0).max(28.0)),
        Shape::Square => {
            let side = (width + 14.0).max(height + 10.0).max(32.0);
            (side, side)
        }
        Shape::Circle => {
            let diameter = (diagonal + 10.0).max(40.0);
            (diameter, diameter)
        }
        // An ellipse around a rectangle, with the rectangle's proportions, is sqrt(2) as large.
        Shape::Ellipse => ((width * 1.4143 + 12.0).max(44.0), (height * 1.4143 + 8.0).max(28.0)),
        // The corners of a rectangle w x h touch the sides of a diamond w + h wide and high.
        Shape::Diamond => {
            let side = (width + height + 10.0).max(40.0);
            (side, side)
        }
        Shape::Plain => ((width + 6.0).max(12.0), (height + 4.0).max(12.0)),
    }
}

fn split_lines(label: &str) -> Vec<String> {
    if label.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = label.lines().take(MAX_LINES).map(shorten).collect();
    if label.lines().nth(MAX_LINES).is_some() {
        lines.push("\u{2026}".to_owned());
    }
    lines
}

fn shorten(line: &str) -> String {
    let n_chars = line.chars().count();
    if n_chars <= MAX_LINE_CHARS {
        return line.to_owned();
    }
    let kept = MAX_LINE_CHARS / 2;
    let head: String = line.chars().take(kept).collect();
    let tail: String = line.chars().skip(n_chars - kept).collect();
    format!("{head}\u{2026}{tail}")
}

/// Breaks a line after separators so that it comes near to a square, as a circle likes it.
fn fold_line(line: &str, ruler: &Ruler) -> Vec<String> {
    let whole = ruler.width(line);
    let target = (whole * LINE_HEIGHT * 1.6).sqrt().max(70.0);
    if whole <= target * 1.3 {
        return vec![line.to_owned()];
    }
    let mut folded = Vec::new();
    let mut current = String::new();
    for piece in line.split_inclusive(['-', '_', '.', '/', ',', ' ']) {
        if !current.is_empty() && ruler.width(&current) + ruler.width(piece.trim_end()) > target {
            folded.push(std::mem::take(&mut current).trim_end().to_owned());
        }
        current.push_str(piece);
    }
    folded.push(current);
    folded
}

struct Ruler {
    font: FontRef<'static>,
    scale: f32,
    ascii: Vec<f32>,
}

impl Ruler {
    fn new() -> Self {
        let font = font();
        let scale = FONT_SIZE / font.height_unscaled() * font_scale(&font);
        let ascii = (0..128).map(|c: u8| advance(&font, char::from(c)) * scale).collect();
        Self { font, scale, ascii }
    }

    fn width(&self, text: &str) -> f32 {
        let advance_of = |c: char| match self.ascii.get(c as usize) {
            Some(&known) => known,
            None => advance(&self.font, c) * self.scale,
        };
        text.chars().map(advance_of).sum()
    }
}

/// `ab_glyph` scales by the height of a line where typographers scale by the em.
pub(super) fn font_scale(font: &FontRef<'static>) -> f32 {
    font.height_unscaled() / font.units_per_em().unwrap_or(2048.0)
}

fn advance(font: &FontRef<'static>, c: char) -> f32 {
    let glyph = font.glyph_id(c);
    if glyph.0 == 0 && !c.is_ascii() {
        // Not in our font: the browser's may be as wide as it is high.
        return font.units_per_em().unwrap_or(2048.0);
    }
    font.h_advance_unscaled(glyph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_folded_at_its_separators_and_loses_nothing() {
        let name = "read-parquet-and-filter_rows-of-the-large-table";
        let folded = fold_line(name, &Ruler::new());
        assert!(folded.len() > 2, "{folded:?}");
        assert_eq!(folded.concat(), name);
    }

    #[test]
    fn an_endless_line_keeps_its_ends() {
        let line = shorten(&format!("a{}z", "-".repeat(5_000)));
        assert!(line.starts_with('a') && line.ends_with('z'));
        assert_eq!(line.chars().count(), MAX_LINE_CHARS + 1);
    }

    #[test]
    fn letters_are_measured_by_the_em() {
        // DejaVu Sans' "m" advances 1995 of 2048 units.
        assert!((Ruler::new().width("m") - 1995.0 / 2048.0 * FONT_SIZE).abs() < 0.01);
    }
}
