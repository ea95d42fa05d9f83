//! Pixels, and the few shapes that pictures are made of. Edges are anti-aliased from the distance to the shape.

use crate::math;

/// A colour, sRGB.
pub type Rgb = [u8; 3];

/// A point in pixels; whole numbers are pixel corners.
pub type Point = [f64; 2];

/// A picture of RGB pixels, row after row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue of each pixel.
    pub pixels: Vec<u8>,
}

/// A mixture of two colours; share 0 is the first, 1 the second.
pub fn mix(a: Rgb, b: Rgb, share: f64) -> Rgb {
    let share = math::unit(share);
    let channel = |i: usize| {
        let (a, b) = (f64::from(a[i]), f64::from(b[i]));
        (a + (b - a) * share + 0.5) as u8
    };
    [channel(0), channel(1), channel(2)]
}

impl Canvas {
    /// A canvas of one colour.
    pub fn new(width: usize, height: usize, colour: Rgb) -> Self {
        Self {
            width,
            height,
            pixels: colour.repeat(width * height),
        }
    }

    /// The same picture with half as many pixels each way, each the mean of four.
    pub fn halved(&self) -> Self {
        self.shrunk(2)
    }

    /// The same picture with so many times fewer pixels each way, each the mean of its square.
    pub fn shrunk(&self, times: usize) -> Self {
        let mut small = Self::new(self.width / times, self.height / times, [0; 3]);
        let count = (times * times) as u32;
        for y in 0..small.height {
            for x in 0..small.width {
                let mut sum = [0u32; 3];
                for dy in 0..times {
                    for dx in 0..times {
                        let pixel = self.at(times * x + dx, times * y + dy);
                        (0..3).for_each(|channel| sum[channel] += u32::from(pixel[channel]));
                    }
                }
                let at = 3 * (x + small.width * y);
                (0..3).for_each(|channel| small.pixels[at + channel] = ((sum[channel] + count / 2) / count) as u8);
            }
        }
        small
    }

    /// Colour of a pixel.
    pub fn at(&self, x: usize, y: usize) -> Rgb {
        let i = 3 * (x + self.width * y);
        [self.pixels[i], self.pixels[i + 1], self.pixels[i + 2]]
    }

    /// Lays a colour over a pixel; nothing happens outside.
    pub fn blend(&mut self, x: i64, y: i64, colour: Rgb, opacity: f64) {
        if opacity <= 0.0 || x < 0 || y < 0 || x >= self.width as i64 || y >= self.height as i64 {
            return;
        }
        let i = 3 * (x as usize + self.width * y as usize);
        let under = [self.pixels[i], self.pixels[i + 1], self.pixels[i + 2]];
        self.pixels[i..i + 3].copy_from_slice(&mix(under, colour, opacity));
    }

    /// Calls `shade(x, y)` for each pixel of every row and lays what it returns over it; rows in parallel.
    pub fn shade(&mut self, shade: impl Fn(usize, usize) -> Option<(Rgb, f64)> + Sync) {
        if self.width == 0 {
            return;
        }
        let width = self.width;
        let mut rows: Vec<(usize, &mut [u8])> = self.pixels.chunks_mut(3 * width).enumerate().collect();
        crate::par::jobs(&mut rows, |(y, row)| {
            for x in 0..width {
                if let Some((colour, opacity)) = shade(x, *y) {
                    let pixel = &mut row[3 * x..3 * x + 3];
                    let under = [pixel[0], pixel[1], pixel[2]];
                    pixel.copy_from_slice(&mix(under, colour, opacity));
                }
            }
        });
    }

    /// Everything within half a width of the line from a to b, with round ends.
    pub fn line(&mut self, a: Point, b: Point, width: f64, colour: Rgb, opacity: f64) {
        let d = [b[0] - a[0], b[1] - a[1]];
        let length2 = d[0] * d[0] + d[1] * d[1];
        let reach = width / 2.0 + 1.0;
        self.within(
            [math::min(a[0], b[0]) - reach, math::min(a[1], b[1]) - reach],
            [math::max(a[0], b[0]) + reach, math::max(a[1], b[1]) + reach],
            colour,
            |p| {
                let t = if length2 > 0.0 {
                    math::unit(((p[0] - a[0]) * d[0] + (p[1] - a[1]) * d[1]) / length2)
                } else {
                    0.0
                };
                let (dx, dy) = (p[0] - a[0] - t * d[0], p[1] - a[1] - t * d[1]);
                opacity * coverage(width, (dx * dx + dy * dy).sqrt())
            },
        );
    }

    /// A line through points; `dash` is lengths on and off in turn, empty for a solid line.
    pub fn polyline(&mut self, points: &[Point], width: f64, colour: Rgb, dash: &[f64]) {
        for piece in dashes(points, dash) {
            for pair in piece.windows(2) {
                self.line(pair[0], pair[1], width, colour, 1.0);
            }
        }
    }

    /// A filled circle.
    pub fn disc(&mut self, centre: Point, radius: f64, colour: Rgb, opacity: f64) {
        self.line(centre, centre, 2.0 * radius, colour, opacity);
    }

    /// A circle of a line.
    pub fn ring(&mut self, centre: Point, radius: f64, width: f64, colour: Rgb) {
        let reach = radius + width / 2.0 + 1.0;
        self.within(
            [centre[0] - reach, centre[1] - reach],
            [centre[0] + reach, centre[1] + reach],
            colour,
            |p| {
                let (dx, dy) = (p[0] - centre[0], p[1] - centre[1]);
                coverage(width, ((dx * dx + dy * dy).sqrt() - radius).abs())
            },
        );
    }

    /// A filled polygon (even–odd), four samples in height and exact in width.
    pub fn polygon(&mut self, points: &[Point], colour: Rgb, opacity: f64) {
        const SAMPLES: usize = 4;
        if points.len() < 3 || self.width == 0 {
            return;
        }
        let (mut top, mut bottom) = (f64::INFINITY, f64::NEG_INFINITY);
        for p in points {
            top = math::min(top, p[1]);
            bottom = math::max(bottom, p[1]);
        }
        let first = math::max(top.floor(), 0.0) as usize;
        let end = math::min(bottom.ceil(), self.height as f64) as usize;
        let mut cover = vec![0.0f64; self.width];
        for y in first..end {
            cover.fill(0.0);
            for sample in 0..SAMPLES {
                let level = y as f64 + (sample as f64 + 0.5) / SAMPLES as f64;
                for span in crossings(points, level).chunks_exact(2) {
                    let left = math::clamp(span[0], 0.0, self.width as f64);
                    let right = math::clamp(span[1], 0.0, self.width as f64);
                    let (from, to) = (left.floor() as usize, right.ceil() as usize);
                    for (x, share) in cover[from..to].iter_mut().enumerate() {
                        let x = (from + x) as f64;
                        let part = math::min(right, x + 1.0) - math::max(left, x);
                        *share += math::positive(part) / SAMPLES as f64;
                    }
                }
            }
            for (x, &share) in cover.iter().enumerate() {
                self.blend(x as i64, y as i64, colour, share * opacity);
            }
        }
    }

    /// A filled rectangle between two corners.
    pub fn rectangle(&mut self, a: Point, b: Point, colour: Rgb, opacity: f64) {
        self.within(a, b, colour, |p| {
            let cover = |p: f64, low: f64, high: f64| math::unit(math::min(p + 0.5, high) - math::max(p - 0.5, low));
            opacity * cover(p[0], a[0], b[0]) * cover(p[1], a[1], b[1])
        });
    }

    /// Copies another canvas in, its top left corner at (x, y).
    pub fn paste(&mut self, other: &Canvas, x: usize, y: usize) {
        let width = other.width.min(self.width.saturating_sub(x));
        for row in 0..other.height.min(self.height.saturating_sub(y)) {
            let to = 3 * (x + self.width * (y + row));
            let from = 3 * other.width * row;
            self.pixels[to..to + 3 * width].copy_from_slice(&other.pixels[from..from + 3 * width]);
        }
    }

    /// Blends every pixel whose square touches the box by what `opacity` says of its centre.
    fn within(&mut self, low: Point, high: Point, colour: Rgb, opacity: impl Fn(Point) -> f64) {
        let edge = |value: f64, limit: usize| math::clamp(value, 0.0, limit as f64) as i64;
        for y in edge(low[1].floor(), self.height)..edge(high[1].ceil(), self.height) {
            for x in edge(low[0].floor(), self.width)..edge(high[0].ceil(), self.width) {
                self.blend(x, y, colour, opacity([x as f64 + 0.5, y as f64 + 0.5]));
            }
        }
    }
}

/// Share of a pixel that a stroke covers, from the distance of its centre to the middle of the stroke.
fn coverage(width: f64, distance: f64) -> f64 {
    // A stroke thinner than a pixel keeps a pixel's reach and fades.
    let fade = math::min(width, 1.0);
    let half = math::max(width, 1.0) / 2.0;
    fade * math::unit(half + 0.5 - distance)
}

/// Where the sides of a polygon cross a height, from left to right.
fn crossings(points: &[Point], level: f64) -> Vec<f64> {
    let mut at: Vec<f64> = (0..points.len())
        .filter_map(|i| {
            let (a, b) = (points[i], points[(i + 1) % points.len()]);
            ((a[1] <= level) != (b[1] <= level)).then(|| a[0] + (level - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        })
        .collect();
    at.sort_by(f64::total_cmp);
    at
}

/// A line cut into its dashes; `dash` is lengths on and off in turn, empty for a solid line.
pub fn dashes(points: &[Point], dash: &[f64]) -> Vec<Vec<Point>> {
    let whole = dash.iter().fold(0.0, |sum, x| sum + x);
    if dash.is_empty() || whole <= 0.0 {
        return vec![points.to_vec()];
    }
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut index, mut left) = (0, dash[0]);
    for pair in points.windows(2) {
        let (mut a, b) = (pair[0], pair[1]);
        loop {
            let d = [b[0] - a[0], b[1] - a[1]];
            let length = (d[0] * d[0] + d[1] * d[1]).sqrt();
            let on = index % 2 == 0;
            if length <= left {
                left -= length;
                if on {
                    piece.push(b);
                }
                break;
            }
            let turn = [a[0] + d[0] * left / length, a[1] + d[1] * left / length];
            if on {
                piece.push(turn);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![turn];
            }
            a = turn;
            index += 1;
            left = math::max(dash[index % dash.len()], 1e-3);
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Rgb = [255; 3];
    const BLACK: Rgb = [0; 3];

    fn darkness(canvas: &Canvas) -> f64 {
        canvas
            .pixels
            .chunks(3)
            .fold(0.0, |sum, p| sum + 1.0 - f64::from(p[0]) / 255.0)
    }

    #[test]
    fn shapes_cover_their_area() {
        let mut canvas = Canvas::new(40, 40, WHITE);
        canvas.polygon(&[[5.3, 5.0], [25.3, 5.0], [25.3, 15.0], [5.3, 15.0]], BLACK, 1.0);
        assert!((darkness(&canvas) - 200.0).abs() < 2.0);
        let mut canvas = Canvas::new(40, 40, WHITE);
        canvas.disc([20.0, 20.0], 10.0, BLACK, 1.0);
        assert!((darkness(&canvas) - 314.0).abs() < 6.0);
        let mut canvas = Canvas::new(40, 40, WHITE);
        canvas.rectangle([1.25, 1.0], [3.75, 2.0], BLACK, 1.0);
        assert!((darkness(&canvas) - 2.5).abs() < 0.05);
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let mut canvas = Canvas::new(4, 4, WHITE);
        canvas.disc([-50.0, 90.0], 3.0, BLACK, 1.0);
        canvas.rectangle([-9.0, -9.0], [-5.0, 20.0], BLACK, 1.0);
        canvas.polygon(&[[-9.0, -9.0], [-5.0, 20.0], [-7.0, 30.0]], BLACK, 1.0);
        assert_eq!(canvas, Canvas::new(4, 4, WHITE));
    }

    #[test]
    fn a_dashed_line_is_on_for_its_share() {
        let pieces = dashes(&[[0.0, 0.0], [7.0, 0.0], [20.0, 0.0]], &[3.0, 2.0]);
        let on = pieces.iter().fold(0.0, |sum, p| sum + p[p.len() - 1][0] - p[0][0]);
        assert_eq!(pieces.len(), 4);
        assert!((on - 12.0).abs() < 1e-9);
        assert_eq!(dashes(&[[0.0, 0.0], [1.0, 0.0]], &[]).len(), 1);
    }
}
