//! A sheet of paper: lines, areas, text and pixel pictures in points, written as PNG or SVG.
//!
//! Everything is recorded first and drawn once for each format. Text is set from the embedded font, so a
//! figure looks the same everywhere and its bytes depend on nothing but the sheet.

use std::path::Path;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle};

use crate::error::{Error, Result};
use crate::picture::canvas::{Point, dashes};
use crate::picture::colours::{INK, WHITE};
use crate::picture::{Canvas, Rgb};

/// Pixels of a PNG in a point: a figure of 720 points is 2160 pixels wide, 300 dots an inch at 7.2 inches.
pub const PX_PER_PT: f64 = 3.0;

/// Whole units of an SVG in a point: plotters places in whole numbers.
const UNITS_PER_PT: f64 = 20.0;

/// x-height of the font, in em: the SVG backend sets its bottom anchor half of it below the baseline.
const X_HEIGHT_EM: f64 = 1536.0 / 2816.0;

/// plotters writes sizes of fonts divided by this.
const PLOTTERS_FONT_FACTOR: f64 = 1.24;

const REGULAR: &[u8] = include_bytes!("../../assets/Inter-Regular.otf");
const SEMIBOLD: &[u8] = include_bytes!("../../assets/Inter-SemiBold.otf");

/// Families of SVG text: the embedded font, then what every machine has.
const FAMILIES: &str = "Inter, Helvetica, Arial, sans-serif";

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Left end.
    Start,
    /// Middle.
    Middle,
    /// Right end.
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Type {
    /// Size of an em [pt].
    pub size: f64,
    /// Semi-bold instead of regular.
    pub bold: bool,
    /// Colour.
    pub colour: Rgb,
    /// Which end stands at the place.
    pub anchor: Anchor,
    /// Reads upwards, for the title of a vertical axis.
    pub upward: bool,
}

impl Type {
    /// Regular ink from the left.
    pub fn new(size: f64) -> Self {
        Self {
            size,
            bold: false,
            colour: INK,
            anchor: Anchor::Start,
            upward: false,
        }
    }

    /// The same, semi-bold.
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same in a colour.
    pub fn colour(self, colour: Rgb) -> Self {
        Self { colour, ..self }
    }

    /// The same, held at another end.
    pub fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// The same, reading upwards.
    pub fn upward(self) -> Self {
        Self { upward: true, ..self }
    }
}

enum Mark {
    Line {
        points: Vec<Point>,
        width: f64,
        colour: Rgb,
    },
    Area {
        points: Vec<Point>,
        colour: Rgb,
        opacity: f64,
    },
    Text {
        text: String,
        place: Point,
        face: Type,
    },
    Picture {
        canvas: Canvas,
        place: Point,
    },
}

impl Mark {
    fn is_picture(&self) -> bool {
        matches!(self, Self::Picture { .. })
    }

    /// A pixel picture as an element of an SVG; nothing for the other marks.
    fn svg_image(&self) -> Result<String> {
        let Self::Picture { canvas, place } = self else {
            return Ok(String::new());
        };
        let unit = |x: f64| (x * UNITS_PER_PT).round() as i32;
        let long = |px: usize| unit(px as f64 / PX_PER_PT);
        Ok(format!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>\n",
            unit(place[0]),
            unit(place[1]),
            long(canvas.width),
            long(canvas.height),
            base64(&super::palette::encode_rgb(canvas)?)
        ))
    }
}

/// A figure in the making; all lengths in points, y downward.
pub struct Sheet {
    width: f64,
    height: f64,
    title: String,
    description: String,
    marks: Vec<Mark>,
}

/// Whether the embedded font can set a character.
pub fn has_glyph(character: char) -> bool {
    [false, true]
        .into_iter()
        .all(|bold| font(bold).is_ok_and(|f| character == ' ' || f.glyph_id(character).0 != 0))
}

/// Text from a file or a name, with «?» for what the font cannot set.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if has_glyph(c) { c } else { '?' }).collect()
}

/// Width of a line of text [pt].
pub fn text_width(text: &str, face: Type) -> f64 {
    // A font that cannot be read is reported when the sheet is drawn.
    font(face.bold).map_or(0.0, |f| {
        let scaled = f.as_scaled(em(&f, face.size));
        text.chars()
            .map(|c| f64::from(scaled.h_advance(f.glyph_id(c))))
            .fold(0.0, |a, b| a + b)
    })
}

fn font(bold: bool) -> Result<FontRef<'static>> {
    FontRef::try_from_slice(if bold { SEMIBOLD } else { REGULAR })
        .map_err(|e| Error::Internal(format!("the embedded font cannot be read: {e}")))
}

/// Scale of a font whose em is so large: ab_glyph counts from the lowest to the highest line.
fn em(font: &FontRef<'_>, size: f64) -> PxScale {
    let units = font.units_per_em().unwrap_or(1000.0);
    PxScale::from(size as f32 * font.height_unscaled() / units)
}

impl Sheet {
    /// An empty white sheet.
    pub fn new(width: f64, height: f64, title: &str, description: &str) -> Self {
        Self {
            width,
            height,
            title: title.to_owned(),
            description: description.to_owned(),
            marks: Vec::new(),
        }
    }

    /// Title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it shows, for those who cannot see it.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Width [pt].
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Whether pixel pictures are on it.
    pub fn has_pictures(&self) -> bool {
        self.marks.iter().any(Mark::is_picture)
    }

    /// A line through points.
    pub fn line(&mut self, points: &[Point], width: f64, colour: Rgb) {
        self.marks.push(Mark::Line {
            points: points.to_vec(),
            width,
            colour,
        });
    }

    /// A dashed line; the pattern counts in widths of the line.
    pub fn dashed(&mut self, points: &[Point], width: f64, colour: Rgb, pattern: &[f64]) {
        let pattern: Vec<f64> = pattern.iter().map(|x| x * width).collect();
        for piece in dashes(points, &pattern) {
            self.line(&piece, width, colour);
        }
    }

    /// A filled polygon.
    pub fn area(&mut self, points: &[Point], colour: Rgb, opacity: f64) {
        self.marks.push(Mark::Area {
            points: points.to_vec(),
            colour,
            opacity,
        });
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, corner: Point, size: Point, colour: Rgb, opacity: f64) {
        let [x, y] = corner;
        let (right, bottom) = (x + size[0], y + size[1]);
        self.area(&[[x, y], [right, y], [right, bottom], [x, bottom]], colour, opacity);
    }

    /// The outline of a rectangle.
    pub fn frame(&mut self, corner: Point, size: Point, width: f64, colour: Rgb) {
        let [x, y] = corner;
        let (right, bottom) = (x + size[0], y + size[1]);
        self.line(
            &[[x, y], [right, y], [right, bottom], [x, bottom], [x, y]],
            width,
            colour,
        );
    }

    /// A line of text, its baseline at the place.
    pub fn text(&mut self, text: impl Into<String>, place: Point, face: Type) {
        self.marks.push(Mark::Text {
            text: printable(&text.into()),
            place,
            face,
        });
    }

    /// Text broken into lines of a width; returns the baseline after the last.
    pub fn paragraph(&mut self, text: &str, place: Point, width: f64, face: Type) -> f64 {
        let text = printable(text);
        let mut line = String::new();
        let mut y = place[1];
        for word in text.split_whitespace() {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if !line.is_empty() && text_width(&longer, face) > width {
                self.text(std::mem::take(&mut line), [place[0], y], face);
                y += face.size * 1.35;
                line = word.to_owned();
            } else {
                line = longer;
            }
        }
        self.text(line, [place[0], y], face);
        y + face.size * 1.35
    }

    /// A pixel picture, [`PX_PER_PT`] pixels in a point.
    pub fn picture(&mut self, canvas: Canvas, place: Point) {
        self.marks.push(Mark::Picture { canvas, place });
    }

    /// The sheet as pixels.
    pub fn rasterise(&self) -> Result<Canvas> {
        let mut canvas = Canvas::new(
            (self.width * PX_PER_PT).round() as usize,
            (self.height * PX_PER_PT).round() as usize,
            WHITE,
        );
        let px = |p: &Point| [p[0] * PX_PER_PT, p[1] * PX_PER_PT];
        for mark in &self.marks {
            match mark {
                Mark::Line { points, width, colour } => {
                    let points: Vec<Point> = points.iter().map(px).collect();
                    canvas.polyline(&points, width * PX_PER_PT, *colour, &[]);
                }
                Mark::Area {
                    points,
                    colour,
                    opacity,
                } => {
                    let points: Vec<Point> = points.iter().map(px).collect();
                    canvas.polygon(&points, *colour, *opacity);
                }
                Mark::Text { text, place, face } => set(&mut canvas, text, px(place), *face)?,
                Mark::Picture { canvas: picture, place } => {
                    let [x, y] = px(place);
                    canvas.paste(picture, x.round() as usize, y.round() as usize);
                }
            }
        }
        Ok(canvas)
    }

    /// Writes a PNG, whole or not at all.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        Self::write_canvas(&self.rasterise()?, path)
    }

    /// Writes a PNG of half the resolution, for pages.
    pub fn write_small_png(&self, path: &Path) -> Result<()> {
        Self::write_canvas(&self.rasterise()?.halved(), path)
    }

    /// Writes a PNG of a third of the resolution in few colours, small enough to be kept beside a page.
    pub fn write_page_png(&self, path: &Path) -> Result<()> {
        const COLOURS: usize = 72;
        let bytes = super::palette::encode_png(&self.rasterise()?.shrunk(3), COLOURS)?;
        crate::output::files::write_whole(path, &bytes)
    }

    fn write_canvas(canvas: &Canvas, path: &Path) -> Result<()> {
        crate::output::files::write_whole(path, &super::palette::encode_rgb(canvas)?)
    }

    /// Writes an SVG with the font inside, whole or not at all.
    pub fn write_svg(&self, path: &Path) -> Result<()> {
        crate::output::files::write_whole(path, self.svg()?.as_bytes())
    }

    /// The sheet as SVG; pixel pictures are inside as PNG.
    pub fn svg(&self) -> Result<String> {
        let unit = |x: f64| (x * UNITS_PER_PT).round() as i32;
        let mut body = String::new();
        // plotters knows no pictures of ours: what lies between two of them is drawn by itself.
        for marks in self.marks.chunk_by(|a, b| a.is_picture() == b.is_picture()) {
            if marks[0].is_picture() {
                for mark in marks {
                    body += &mark.svg_image()?;
                }
            } else {
                body += &self.svg_of(marks)?;
            }
        }
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {vw} {vh}\" stroke-linecap=\"round\" stroke-linejoin=\"round\" role=\"img\">\n\
             <title>{title}</title>\n<desc>{description}</desc>\n\
             <style>{regular}{bold}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n{body}</svg>\n",
            w = f64::from(unit(self.width)) / UNITS_PER_PT,
            h = f64::from(unit(self.height)) / UNITS_PER_PT,
            vw = unit(self.width),
            vh = unit(self.height),
            title = escape(&self.title),
            description = escape(&self.description),
            regular = font_face(REGULAR, "normal"),
            bold = font_face(SEMIBOLD, "bold"),
        ))
    }

    /// Lines, areas and text as elements of an SVG.
    fn svg_of(&self, marks: &[Mark]) -> Result<String> {
        let unit = |x: f64| (x * UNITS_PER_PT).round() as i32;
        let place = |p: &Point| (unit(p[0]), unit(p[1]));
        let mut body = String::new();
        let fault = |e: &dyn std::fmt::Display| Error::Internal(format!("SVG: {e}"));
        {
            let size = (unit(self.width) as u32, unit(self.height) as u32);
            let mut backend = SVGBackend::with_string(&mut body, size);
            for mark in marks {
                match mark {
                    Mark::Line { points, width, colour } => {
                        let style = ShapeStyle {
                            color: paint(*colour).to_rgba(),
                            filled: false,
                            stroke_width: unit(*width).max(1) as u32,
                        };
                        backend
                            .draw_path(points.iter().map(place), &style)
                            .map_err(|e| fault(&e))?;
                    }
                    Mark::Area {
                        points,
                        colour,
                        opacity,
                    } => {
                        let style = ShapeStyle {
                            color: paint(*colour).mix(*opacity),
                            filled: true,
                            stroke_width: 0,
                        };
                        backend
                            .fill_polygon(points.iter().map(place), &style)
                            .map_err(|e| fault(&e))?;
                    }
                    Mark::Text { text, place, face } => {
                        let (style, at) = svg_text(*place, *face);
                        backend
                            .draw_text(text, &style, (unit(at[0]), unit(at[1])))
                            .map_err(|e| fault(&e))?;
                    }
                    Mark::Picture { .. } => {}
                }
            }
            backend.present().map_err(|e| fault(&e))?;
        }
        // Without the frame that the backend draws around it.
        let start = body.find("<svg").unwrap_or(0);
        let head = body[start..].find('>').map_or(0, |i| start + i + 1);
        let end = body.rfind("</svg>").unwrap_or(body.len());
        Ok(body[head..end].trim_start().to_owned())
    }
}

fn paint(colour: Rgb) -> RGBColor {
    RGBColor(colour[0], colour[1], colour[2])
}

/// A text style for plotters, and the place from which its bottom anchor puts the baseline where we want it.
fn svg_text(place: Point, face: Type) -> (TextStyle<'static>, Point) {
    let size = face.size * UNITS_PER_PT * PLOTTERS_FONT_FACTOR;
    let style = if face.bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = (FontFamily::Name(FAMILIES), size, style).into_font();
    let font = if face.upward {
        font.transform(FontTransform::Rotate270)
    } else {
        font
    };
    let h_pos = match face.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let lift = X_HEIGHT_EM / 2.0 * face.size;
    let at = if face.upward {
        [place[0] + lift, place[1]]
    } else {
        [place[0], place[1] + lift]
    };
    let mut style = TextStyle::from(font).pos(Pos::new(h_pos, VPos::Bottom));
    style.color = paint(face.colour).to_backend_color();
    (style, at)
}

/// Sets a line of text into pixels.
fn set(canvas: &mut Canvas, text: &str, place_px: Point, face: Type) -> Result<()> {
    let font = font(face.bold)?;
    let scale = em(&font, face.size * PX_PER_PT);
    let scaled = font.as_scaled(scale);
    let length = text_width(text, face) * PX_PER_PT;
    let back = match face.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => length / 2.0,
        Anchor::End => length,
    };
    // Along and across the line of text; turned text stands on a whole pixel.
    let (along, across) = if face.upward {
        (-back, 0.0)
    } else {
        (place_px[0] - back, place_px[1])
    };
    let corner = [place_px[0].round() as i64, place_px[1].round() as i64];
    let mut pen = along as f32;
    for character in text.chars() {
        let id = font.glyph_id(character);
        let glyph = id.with_scale_and_position(scale, point(pen, across as f32));
        if let Some(outline) = font.outline_glyph(glyph) {
            let bounds = outline.px_bounds();
            let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
            outline.draw(|x, y, cover| {
                let (x, y) = (left + i64::from(x), top + i64::from(y));
                let (x, y) = if face.upward {
                    (corner[0] + y, corner[1] - x)
                } else {
                    (x, y)
                };
                canvas.blend(x, y, face.colour, f64::from(cover));
            });
        }
        pen += scaled.h_advance(id);
    }
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn font_face(bytes: &[u8], weight: &str) -> String {
    format!(
        "@font-face{{font-family:Inter;font-weight:{weight};src:url(data:font/otf;base64,{})}}",
        base64(bytes)
    )
}

/// Bytes as text.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |w, i| (w << 8) | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            if i <= chunk.len() {
                let digit = (word >> (18 - 6 * i)) & 63;
                out.push(char::from(DIGITS[digit as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_known_one() {
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }

    #[test]
    fn a_character_that_the_font_lacks_becomes_a_question_mark() {
        assert_eq!(printable("PO₂ ≥ 15 mmHg, µm, «é»"), "PO₂ ≥ 15 mmHg, µm, «é»");
        assert_eq!(printable("腿"), "?");
    }

    #[test]
    fn text_is_as_wide_as_its_letters_and_stands_on_its_baseline() {
        let face = Type::new(10.0);
        assert!((text_width("AA", face) - 2.0 * text_width("A", face)).abs() < 1e-4);
        let mut sheet = Sheet::new(60.0, 20.0, "t", "d");
        sheet.text("HHH", [5.0, 15.0], face);
        let canvas = sheet.rasterise().unwrap();
        let dark_rows: Vec<usize> = (0..canvas.height)
            .filter(|&y| (0..canvas.width).any(|x| canvas.at(x, y)[0] < 100))
            .collect();
        assert_eq!(dark_rows.last(), Some(&44));
    }
}
