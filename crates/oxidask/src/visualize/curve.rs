//! The geometry of an edge, for all formats that are drawn: strokes and arrowheads.

use super::layout::{ARROW_LENGTH, Arrow, Line};

const HALF_ARROW_WIDTH: f32 = 3.5;
/// Control points of a curve stand this far along it; where it runs far across, less far,
/// which keeps the lines of a wide fan apart.
const BEND: f32 = 0.5;
const FAR_BEND: f32 = 0.3;

pub(super) type Point = (f32, f32);

/// A straight piece, a curve given by its control points, a straight piece, and an arrowhead.
pub(super) struct Curve {
    pub(super) start: Point,
    pub(super) control: [Point; 4],
    pub(super) end: Point,
    pub(super) head: Option<[Point; 3]>,
}

impl Curve {
    /// The curve of `line`; `sideways` if the picture's direction is left or right.
    pub(super) fn new(line: &Line, sideways: bool) -> Self {
        // Work as if the direction were up or down, and turn what comes out.
        let turn = |(x, y): Point| if sideways { (y, x) } else { (x, y) };
        let (mut start, leave, arrive, mut end) =
            (turn(line.from), turn(line.leave), turn(line.arrive), turn(line.to));
        let towards = (end.1 - start.1).signum();
        let head = match line.arrow {
            Arrow::None => None,
            Arrow::AtStart => Some(cut_head(&mut start, -towards)),
            Arrow::AtEnd => Some(cut_head(&mut end, towards)),
        };
        // A head longer than the straight piece takes some of the curve.
        let leave =
            (leave.0, if towards > 0.0 { leave.1.max(start.1) } else { leave.1.min(start.1) });
        let arrive =
            (arrive.0, if towards > 0.0 { arrive.1.min(end.1) } else { arrive.1.max(end.1) });
        let (across, along) = (arrive.0 - leave.0, arrive.1 - leave.1);
        let bend = along * if across.abs() > 3.0 * along.abs() { FAR_BEND } else { BEND };
        let control = [leave, (leave.0, leave.1 + bend), (arrive.0, arrive.1 - bend), arrive];
        Self {
            start: turn(start),
            control: control.map(turn),
            end: turn(end),
            head: head.map(|corners| corners.map(turn)),
        }
    }

    /// Whether one straight stroke from start to end looks the same.
    pub(super) fn is_straight(&self) -> bool {
        (self.start.0 - self.end.0).abs() < 0.05 || (self.start.1 - self.end.1).abs() < 0.05
    }

    /// The curve as the corners of a polyline, `scale` pixels for each unit.
    pub(super) fn flatten(&self, scale: f32, corners: &mut Vec<Point>) {
        corners.clear();
        let scaled = |(x, y): Point| (x * scale, y * scale);
        corners.push(scaled(self.start));
        if !self.is_straight() {
            let [a, b, c, d] = self.control.map(scaled);
            let n_pieces = ((a.0 - d.0).abs().min((a.1 - d.1).abs()).sqrt() * 1.5).clamp(2.0, 24.0);
            for step in 0..=n_pieces as u32 {
                let t = step as f32 / n_pieces.floor();
                let s = 1.0 - t;
                let weigh = |p: f32, q: f32, r: f32, u: f32| {
                    s * s * s * p + 3.0 * s * s * t * q + 3.0 * s * t * t * r + t * t * t * u
                };
                corners.push((weigh(a.0, b.0, c.0, d.0), weigh(a.1, b.1, c.1, d.1)));
            }
        }
        corners.push(scaled(self.end));
    }
}

/// Moves the end of a line back by an arrowhead's length, and gives the arrowhead.
fn cut_head(tip: &mut Point, towards: f32) -> [Point; 3] {
    let point = *tip;
    tip.1 -= towards * ARROW_LENGTH;
    [(tip.0 - HALF_ARROW_WIDTH, tip.1), point, (tip.0 + HALF_ARROW_WIDTH, tip.1)]
}
