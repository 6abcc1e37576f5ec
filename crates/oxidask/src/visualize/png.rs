//! PNG: the picture drawn with `tiny-skia`, the letters with `ab_glyph` and the embedded font.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont, point};
use tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

use super::curve::Curve;
use super::layout::{self, Layout, Line};
use super::stroke;
use super::text::{self, BASELINE, FONT_SIZE, LINE_HEIGHT, Label};
use super::{
    Colour, MAX_PNG_PIXELS, MAX_PNG_SIDE, Picture, PictureError, PictureNode, Placed, Shape,
};

/// Letters lower than this many pixels are not drawn: nobody could read them.
const MIN_LETTER_PX: f32 = 2.5;
/// Steps within a pixel at which letters may start.
const SUBPIXEL: f32 = 4.0;
/// All lines together are at most about this long: a picture with more would be black, late.
const MAX_LINE_PX: f64 = 60e6;
/// Up to so many bytes of pixels, time is spent on a smaller file.
const SMALL_BYTES: usize = 8 << 20;

pub(super) fn write(picture: &Picture, scale: f32) -> Result<Vec<u8>, PictureError> {
    if !(scale.is_finite() && scale > 0.0) {
        return Err(PictureError::Scale { scale });
    }
    let labels = text::measure(&picture.nodes);
    let sizes = labels.iter().map(|label| label.size).collect();
    let laid_out = layout::lay_out(sizes, &picture.edges, picture.direction);
    let (scale, width, height) = fit(&laid_out, scale);
    let encode = |source| PictureError::Encode { width, height, source };
    let pixmap = Pixmap::new(width, height)
        .ok_or_else(|| encode("there is no memory for so many pixels".into()))?;
    let mut canvas = Canvas { pixmap, scale };
    canvas.pixmap.fill(skia(picture.style.background));
    canvas.edges(picture, &laid_out);
    for (node, placed) in picture.nodes.iter().zip(&laid_out.nodes) {
        canvas.outline(node, *placed);
    }
    if FONT_SIZE * scale >= MIN_LETTER_PX {
        let mut letters = Letters::new(FONT_SIZE * scale);
        for ((node, placed), label) in picture.nodes.iter().zip(&laid_out.nodes).zip(&labels) {
            canvas.label(node, *placed, label, &mut letters);
        }
    }
    compress(canvas.pixmap).map_err(|error| encode(error.into()))
}

/// Encodes as grey, RGB or RGBA, whichever is the least that holds the pixels.
///
/// The encoder's default takes ten times as long as the drawing of a large picture; with one byte
/// a pixel, no filter and little effort it takes less than the drawing, for files a tenth larger.
fn compress(pixmap: Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = (pixmap.width(), pixmap.height());
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_filter(png::Filter::NoFilter);
    let is_opaque = pixmap.pixels().iter().all(|pixel| pixel.is_opaque());
    let mut pixels = pixmap.data().chunks_exact(4);
    let is_grey = pixels.all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    let data: Vec<u8> = if is_opaque && is_grey {
        encoder.set_color(png::ColorType::Grayscale);
        pixmap.data().iter().copied().step_by(4).collect()
    } else if is_opaque {
        encoder.set_color(png::ColorType::Rgb);
        pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    } else {
        encoder.set_color(png::ColorType::Rgba);
        pixmap.take_demultiplied()
    };
    let effort = if data.len() <= SMALL_BYTES { 4 } else { 1 };
    encoder.set_deflate_compression(png::DeflateCompression::Level(effort));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&data)?;
    writer.finish()?;
    Ok(file)
}

/// The scale that keeps the picture within the limits, and its size in pixels.
fn fit(laid_out: &Layout, scale: f32) -> (f32, u32, u32) {
    let Layout { width, height, .. } = *laid_out;
    let by_side = MAX_PNG_SIDE as f32 / width.max(height);
    let by_area = (MAX_PNG_PIXELS as f32 / width / height).sqrt();
    let length =
        |line: &Line| f64::from((line.to.0 - line.from.0).abs() + (line.to.1 - line.from.1).abs());
    let lines: f64 = laid_out.lines.iter().map(length).sum();
    let by_lines = (MAX_LINE_PX / lines.max(1.0)) as f32;
    let scale = scale.min(by_side).min(by_area).min(by_lines);
    let pixels = |length: f32| ((length * scale).ceil() as u32).clamp(1, MAX_PNG_SIDE);
    (scale, pixels(width), pixels(height))
}

fn skia(colour: Colour) -> Color {
    Color::from_rgba8(colour.red, colour.green, colour.blue, colour.alpha)
}

fn paint(colour: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(skia(colour));
    paint
}

struct Canvas {
    pixmap: Pixmap,
    scale: f32,
}

impl Canvas {
    fn transform(&self) -> Transform {
        Transform::from_scale(self.scale, self.scale)
    }

    fn fill(&mut self, path: &Path, colour: Colour) {
        let transform = self.transform();
        self.pixmap.fill_path(path, &paint(colour), FillRule::Winding, transform, None);
    }

    fn stroke(&mut self, path: &Path, colour: Colour, width: f32) {
        if colour.alpha == 0 || width == 0.0 {
            return;
        }
        let stroke = Stroke { width, ..Stroke::default() };
        let transform = self.transform();
        self.pixmap.stroke_path(path, &paint(colour), &stroke, transform, None);
    }

    fn edges(&mut self, picture: &Picture, laid_out: &Layout) {
        let style = &picture.style;
        let width_px = style.edge_width * self.scale;
        let mut corners = Vec::new();
        for line in &laid_out.lines {
            let curve = Curve::new(line, picture.is_sideways());
            curve.flatten(self.scale, &mut corners);
            stroke::polyline(&mut self.pixmap, &corners, width_px, style.edge);
            if let Some(path) = curve.head.and_then(|corners| polygon(&corners)) {
                self.fill(&path, style.edge);
            }
        }
    }

    fn outline(&mut self, node: &PictureNode, placed: Placed) {
        let Some(path) = shape_path(node.shape, placed) else { return };
        if let Some(fill) = node.fill {
            self.fill(&path, fill);
        }
        self.stroke(&path, node.outline.unwrap_or(Colour::BLACK), node.outline_width);
    }

    fn label(&mut self, node: &PictureNode, placed: Placed, label: &Label, letters: &mut Letters) {
        let colour = node.text_colour.unwrap_or(Colour::BLACK);
        let first = placed.y - (label.lines.len() as f32 - 1.0) * LINE_HEIGHT / 2.0 + BASELINE;
        for (at, line) in label.lines.iter().enumerate() {
            let baseline = (first + at as f32 * LINE_HEIGHT) * self.scale;
            let start = placed.x * self.scale - letters.width(line) / 2.0;
            self.line(line, (start, baseline.round()), colour, letters);
        }
    }

    fn line(&mut self, line: &str, start: (f32, f32), colour: Colour, letters: &mut Letters) {
        let mut x = start.0;
        for c in line.chars() {
            let id = letters.font.glyph_id(c);
            let step = (x.fract() * SUBPIXEL).floor();
            if let Some(mask) = letters.mask(id, step as u8) {
                let (left, top) = (x.floor() as i64 + mask.left, start.1 as i64 + mask.top);
                blend(&mut self.pixmap, mask, left, top, colour);
            }
            x += letters.advance(id);
        }
    }
}

fn polygon(corners: &[(f32, f32)]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (at, &(x, y)) in corners.iter().enumerate() {
        if at == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
    }
    builder.close();
    builder.finish()
}

fn shape_path(shape: Shape, placed: Placed) -> Option<Path> {
    let Placed { x, y, width, height } = placed;
    let (left, top) = (x - width / 2.0, y - height / 2.0);
    let (right, bottom) = (left + width, top + height);
    let rectangle = Rect::from_xywh(left, top, width, height)?;
    match shape {
        Shape::Plain => None,
        Shape::Box | Shape::Square => Some(PathBuilder::from_rect(rectangle)),
        Shape::Circle | Shape::Ellipse => PathBuilder::from_oval(rectangle),
        Shape::Diamond => polygon(&[(x, top), (right, y), (x, bottom), (left, y)]),
        Shape::RoundedBox => {
            let radius = 6.0;
            let mut builder = PathBuilder::new();
            builder.move_to(left + radius, top);
            builder.line_to(right - radius, top);
            builder.quad_to(right, top, right, top + radius);
            builder.line_to(right, bottom - radius);
            builder.quad_to(right, bottom, right - radius, bottom);
            builder.line_to(left + radius, bottom);
            builder.quad_to(left, bottom, left, bottom - radius);
            builder.line_to(left, top + radius);
            builder.quad_to(left, top, left + radius, top);
            builder.close();
            builder.finish()
        }
    }
}

/// How much of each pixel a letter covers, and where it lies from its origin.
struct Mask {
    left: i64,
    top: i64,
    width: usize,
    coverage: Vec<u8>,
}

/// The letters of one size, each drawn once for every place within a pixel.
struct Letters {
    font: FontRef<'static>,
    scale: PxScale,
    masks: HashMap<(GlyphId, u8), Option<Mask>>,
}

impl Letters {
    fn new(size_px: f32) -> Self {
        let font = text::font();
        let scale = PxScale::from(size_px * text::font_scale(&font));
        Self { font, scale, masks: HashMap::new() }
    }

    fn advance(&self, id: GlyphId) -> f32 {
        self.font.as_scaled(self.scale).h_advance(id)
    }

    fn width(&self, line: &str) -> f32 {
        line.chars().map(|c| self.advance(self.font.glyph_id(c))).sum()
    }

    fn mask(&mut self, id: GlyphId, step: u8) -> Option<&Mask> {
        let draw = || {
            let origin = point(f32::from(step) / SUBPIXEL, 0.0);
            let outline =
                self.font.outline_glyph(id.with_scale_and_position(self.scale, origin))?;
            let bounds = outline.px_bounds();
            let (width, height) = (bounds.width() as usize, bounds.height() as usize);
            let mut coverage = vec![0u8; width * height];
            outline.draw(|x, y, covered| {
                coverage[y as usize * width + x as usize] = (covered.min(1.0) * 255.0) as u8;
            });
            Some(Mask { left: bounds.min.x as i64, top: bounds.min.y as i64, width, coverage })
        };
        self.masks.entry((id, step)).or_insert_with(draw).as_ref()
    }
}

/// Paints `colour` through `mask`, the mask's first pixel being at (`left`, `top`).
fn blend(pixmap: &mut Pixmap, mask: &Mask, left: i64, top: i64, colour: Colour) {
    let (width, height) = (i64::from(pixmap.width()), i64::from(pixmap.height()));
    let pixels = pixmap.pixels_mut();
    for (row, line) in mask.coverage.chunks(mask.width.max(1)).enumerate() {
        let y = top + row as i64;
        if !(0..height).contains(&y) {
            continue;
        }
        for (column, &covered) in line.iter().enumerate() {
            let x = left + column as i64;
            if covered == 0 || !(0..width).contains(&x) {
                continue;
            }
            let pixel = &mut pixels[(y * width + x) as usize];
            *pixel = stroke::over(*pixel, colour, covered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Arrow;
    use super::*;

    fn laid_out(width: f32, height: f32, n_lines: usize) -> Layout {
        let (from, to) = ((0.0, 0.0), (width, 0.0));
        let line = || Line { from, leave: from, arrive: to, to, arrow: Arrow::None };
        Layout { nodes: Vec::new(), lines: (0..n_lines).map(|_| line()).collect(), width, height }
    }

    #[test]
    fn a_picture_that_fits_keeps_its_scale() {
        assert_eq!(fit(&laid_out(1_000.0, 500.0, 10), 2.0), (2.0, 2_000, 1_000));
    }

    #[test]
    fn sides_area_and_lines_are_bounded() {
        let (_, width, height) = fit(&laid_out(1e6, 1e3, 0), 1.0);
        assert_eq!((width, height), (MAX_PNG_SIDE, 17));
        let (_, width, height) = fit(&laid_out(1e5, 1e5, 0), 1.0);
        assert_eq!((width, height), (4_096, 4_096));
        let (scale, _, _) = fit(&laid_out(10_000.0, 100.0, 60_000), 1.0);
        assert!((scale - 0.1).abs() < 1e-6, "600 million pixels of lines become 60: {scale}");
    }
}
