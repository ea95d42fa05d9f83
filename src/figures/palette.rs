//! A palette of few colours for many: the space of colours cut at its medians (Heckbert 1982), and the way back.

use crate::error::{Error, Result};
use crate::picture::{Canvas, Rgb};

/// Bits of a channel by which colours are told apart.
const BITS: u32 = 5;

/// A box of colours: how often each occurs.
struct Region {
    colours: Vec<([u32; 3], u64)>,
}

impl Region {
    /// Channel with the widest range, and that range.
    fn widest(&self) -> (usize, u32) {
        (0..3)
            .map(|channel| {
                let values = self.colours.iter().map(|c| c.0[channel]);
                let (low, high) = (values.clone().min().unwrap_or(0), values.max().unwrap_or(0));
                (channel, high - low)
            })
            .fold((0, 0), |best, next| if next.1 > best.1 { next } else { best })
    }

    fn count(&self) -> u64 {
        self.colours.iter().map(|c| c.1).sum()
    }

    /// Two halves, parted at the median of the widest channel.
    fn halves(mut self) -> [Self; 2] {
        let (channel, _) = self.widest();
        self.colours.sort_by_key(|c| (c.0[channel], c.0));
        let half = self.count() / 2;
        let (mut sum, mut at) = (0, 0);
        for (i, c) in self.colours.iter().enumerate() {
            sum += c.1;
            at = i + 1;
            if sum >= half {
                break;
            }
        }
        let at = at.clamp(1, self.colours.len() - 1);
        let rest = self.colours.split_off(at);
        [self, Self { colours: rest }]
    }

    fn mean(&self) -> Rgb {
        let n = self.count().max(1);
        std::array::from_fn(|channel| {
            let sum: u64 = self.colours.iter().map(|c| u64::from(c.0[channel]) * c.1).sum();
            // The middle of a step of the coarse scale.
            let step = 1u64 << (8 - BITS);
            (((sum * step + n * step / 2) / n).min(255)) as u8
        })
    }
}

/// A palette of a size for pictures, white last. Small areas count more than their share: a clot is few pixels.
pub fn of(frames: &[Canvas], size: usize) -> Vec<Rgb> {
    let mut counts = vec![0u64; 1 << (3 * BITS)];
    for frame in frames {
        for p in frame.pixels.chunks_exact(3) {
            counts[key([p[0], p[1], p[2]])] += 1;
        }
    }
    let mask = (1 << BITS) - 1;
    let colours: Vec<([u32; 3], u64)> = counts
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(k, n)| {
            let k = k as u32;
            (
                [k >> (2 * BITS), (k >> BITS) & mask, k & mask],
                1 + (*n as f64).sqrt() as u64,
            )
        })
        .collect();
    let mut regions = vec![Region { colours }];
    while regions.len() + 1 < size {
        let worth = |r: &Region| u64::from(r.widest().1) * r.count();
        let Some(at) = (0..regions.len())
            .filter(|&i| regions[i].colours.len() > 1)
            .max_by_key(|&i| (worth(&regions[i]), std::cmp::Reverse(i)))
        else {
            break;
        };
        let [a, b] = regions.swap_remove(at).halves();
        regions.extend([a, b]);
    }
    let mut palette: Vec<Rgb> = regions.iter().map(Region::mean).collect();
    palette.sort_unstable();
    // White stays white: paper must not turn grey.
    palette.push([255; 3]);
    palette
}

fn key(c: Rgb) -> usize {
    let coarse = |channel: u8| usize::from(channel >> (8 - BITS));
    (coarse(c[0]) << (2 * BITS)) | (coarse(c[1]) << BITS) | coarse(c[2])
}

/// Nearest colour of a palette, by table.
pub struct Index {
    of: Vec<u8>,
}

impl Index {
    /// The table of a palette of at most 256 colours, white last.
    pub fn of(palette: &[Rgb]) -> Self {
        let step = 1usize << (8 - BITS);
        let mask = (1usize << BITS) - 1;
        let of = (0..1usize << (3 * BITS))
            .map(|k| {
                let c = [k >> (2 * BITS), (k >> BITS) & mask, k & mask].map(|v| (v * step + step / 2) as i64);
                let far = |p: &Rgb| (0..3).map(|i| (c[i] - i64::from(p[i])).pow(2)).sum::<i64>();
                // White paper falls into the last step of each channel.
                if k == (1 << (3 * BITS)) - 1 {
                    return (palette.len() - 1) as u8;
                }
                let best = (0..palette.len()).min_by_key(|&i| (far(&palette[i]), i));
                best.unwrap_or(0) as u8
            })
            .collect();
        Self { of }
    }

    /// Number of the nearest colour.
    pub fn nearest(&self, c: Rgb) -> u8 {
        self.of[key(c)]
    }
}

/// A picture as a PNG of so many colours: a quarter of the bytes of one with all colours.
pub fn encode_png(canvas: &Canvas, colours: usize) -> Result<Vec<u8>> {
    let palette = of(std::slice::from_ref(canvas), colours);
    let index = Index::of(&palette);
    let pixels: Vec<u8> = canvas
        .pixels
        .chunks_exact(3)
        .map(|p| index.nearest([p[0], p[1], p[2]]))
        .collect();
    let fault = |e: png::EncodingError| Error::Internal(format!("PNG: {e}"));
    let mut bytes = Vec::new();
    {
        let mut encoder = png::Encoder::new(&mut bytes, canvas.width as u32, canvas.height as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette.concat());
        encoder.set_compression(png::Compression::Best);
        let mut writer = encoder.write_header().map_err(fault)?;
        writer.write_image_data(&pixels).map_err(fault)?;
    }
    Ok(bytes)
}

/// A picture as a PNG of all its colours.
pub fn encode_rgb(canvas: &Canvas) -> Result<Vec<u8>> {
    let fault = |e: png::EncodingError| Error::Internal(format!("PNG: {e}"));
    let mut bytes = Vec::new();
    {
        let mut encoder = png::Encoder::new(&mut bytes, canvas.width as u32, canvas.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().map_err(fault)?;
        writer.write_image_data(&canvas.pixels).map_err(fault)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_are_kept_and_white_is_white() {
        let mut canvas = Canvas::new(20, 20, [255; 3]);
        canvas.rectangle([2.0, 2.0], [8.0, 8.0], [200, 30, 40], 1.0);
        canvas.rectangle([10.0, 2.0], [18.0, 8.0], [20, 30, 200], 1.0);
        let palette = of(std::slice::from_ref(&canvas), 16);
        let index = Index::of(&palette);
        for colour in [[200, 30, 40], [20, 30, 200], [255; 3]] {
            let found = palette[usize::from(index.nearest(colour))];
            let far = (0..3).map(|i| found[i].abs_diff(colour[i])).max();
            assert!(
                far <= Some(if colour == [255; 3] { 0 } else { 8 }),
                "{found:?} {colour:?}"
            );
        }
    }
}
