//! GIF: one palette for all frames, found by cutting the space of colours at its medians, and of each frame only what changed.

use std::borrow::Cow;
use std::path::Path;

use crate::error::{Error, Result};
use crate::output::files;
use crate::picture::{Canvas, Rgb};

/// Colours of the palette; one more index means «as before».
const COLOURS: usize = 255;
/// Bits of a channel by which colours are told apart.
const BITS: u32 = 5;

/// Writes frames of one size, each shown for so many hundredths of a second.
pub fn write(frames: &[Canvas], delays_cs: &[u16], path: &Path) -> Result<()> {
    let Some(first) = frames.first() else {
        return Err(Error::Internal("an animation without a frame".into()));
    };
    let too_large = || Error::Internal("a frame is too large for GIF".into());
    let [width, height] = [first.width, first.height].map(u16::try_from);
    let (width, height) = (width.map_err(|_| too_large())?, height.map_err(|_| too_large())?);
    let palette = palette(frames);
    let index = Index::of(&palette);
    let fault = |why: gif::EncodingError| Error::Internal(format!("GIF: {why}"));
    let flat: Vec<u8> = palette.iter().flatten().copied().collect();
    let mut bytes = Vec::new();
    {
        let mut encoder = gif::Encoder::new(&mut bytes, width, height, &flat).map_err(fault)?;
        encoder.set_repeat(gif::Repeat::Infinite).map_err(fault)?;
        let mut before: Option<Vec<u8>> = None;
        for (frame, &delay) in frames.iter().zip(delays_cs) {
            let now: Vec<u8> = frame
                .pixels
                .chunks_exact(3)
                .map(|p| index.nearest([p[0], p[1], p[2]]))
                .collect();
            let patch = patch(&now, before.as_deref(), first.width, first.height);
            encoder
                .write_frame(&gif::Frame {
                    delay,
                    dispose: gif::DisposalMethod::Keep,
                    transparent: before.is_some().then_some(COLOURS as u8),
                    left: patch.left as u16,
                    top: patch.top as u16,
                    width: patch.width as u16,
                    height: patch.height as u16,
                    buffer: Cow::Owned(patch.pixels),
                    ..gif::Frame::default()
                })
                .map_err(fault)?;
            before = Some(now);
        }
    }
    files::write_whole(path, &bytes)
}

/// The smallest rectangle that holds what changed.
struct Patch {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

fn patch(now: &[u8], before: Option<&[u8]>, width: usize, height: usize) -> Patch {
    let whole = |pixels| Patch {
        left: 0,
        top: 0,
        width,
        height,
        pixels,
    };
    let Some(before) = before else {
        return whole(now.to_vec());
    };
    let changed: Vec<usize> = (0..now.len()).filter(|&i| now[i] != before[i]).collect();
    let column = |i: &usize| i % width;
    let (Some(first), Some(last)) = (changed.first(), changed.last()) else {
        // Nothing moved: one pixel that says so.
        return Patch {
            width: 1,
            height: 1,
            ..whole(vec![COLOURS as u8])
        };
    };
    let left = changed.iter().map(column).min().unwrap_or(0);
    let right = changed.iter().map(column).max().unwrap_or(0);
    let (top, bottom) = (first / width, last / width);
    let pixels = (top..=bottom)
        .flat_map(|y| (left..=right).map(move |x| x + width * y))
        .map(|i| if now[i] == before[i] { COLOURS as u8 } else { now[i] })
        .collect();
    Patch {
        left,
        top,
        width: right - left + 1,
        height: bottom - top + 1,
        pixels,
    }
}

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

/// The palette of all frames. Small areas count more than their share: a clot is few pixels.
fn palette(frames: &[Canvas]) -> Vec<Rgb> {
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
    while regions.len() < COLOURS {
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
    palette.resize(COLOURS + 1, [0; 3]);
    palette[COLOURS - 1] = [255; 3];
    palette
}

fn key(c: Rgb) -> usize {
    let coarse = |channel: u8| usize::from(channel >> (8 - BITS));
    (coarse(c[0]) << (2 * BITS)) | (coarse(c[1]) << BITS) | coarse(c[2])
}

/// Nearest colour of a palette, by table.
struct Index {
    of: Vec<u8>,
}

impl Index {
    fn of(palette: &[Rgb]) -> Self {
        let step = 1usize << (8 - BITS);
        let mask = (1usize << BITS) - 1;
        let of = (0..1usize << (3 * BITS))
            .map(|k| {
                let c = [k >> (2 * BITS), (k >> BITS) & mask, k & mask].map(|v| (v * step + step / 2) as i64);
                let far = |p: &Rgb| (0..3).map(|i| (c[i] - i64::from(p[i])).pow(2)).sum::<i64>();
                // White paper falls into the last step of each channel.
                if k == (1 << (3 * BITS)) - 1 {
                    return (COLOURS - 1) as u8;
                }
                let best = (0..COLOURS).min_by_key(|&i| (far(&palette[i]), i));
                best.unwrap_or(0) as u8
            })
            .collect();
        Self { of }
    }

    fn nearest(&self, c: Rgb) -> u8 {
        self.of[key(c)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Canvas> {
        (0..3)
            .map(|i| {
                let mut canvas = Canvas::new(40, 30, [255; 3]);
                canvas.rectangle([5.0, 5.0], [20.0, 20.0], [200, 30, 40], 1.0);
                canvas.disc([12.0 + 6.0 * f64::from(i), 15.0], 4.0, [10, 10, 10], 1.0);
                canvas
            })
            .collect()
    }

    #[test]
    fn frames_decode_to_what_was_drawn() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.gif");
        let frames = frames();
        write(&frames, &[10, 10, 200], &path)?;
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(std::fs::File::open(&path)?)?;
        let mut screen = vec![0u8; 3 * 40 * 30];
        for expected in &frames {
            let frame = decoder.read_next_frame()?.ok_or("a frame is missing")?;
            for (i, p) in frame.buffer.chunks_exact(4).enumerate() {
                let (x, y) = (i % usize::from(frame.width), i / usize::from(frame.width));
                let at = 3 * (x + usize::from(frame.left) + 40 * (y + usize::from(frame.top)));
                if p[3] > 0 {
                    screen[at..at + 3].copy_from_slice(&p[..3]);
                }
            }
            let worst = screen.iter().zip(&expected.pixels).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(9), "{worst:?}");
        }
        assert!(decoder.read_next_frame()?.is_none());
        Ok(())
    }

    #[test]
    fn a_still_picture_costs_next_to_nothing() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.gif");
        let still = vec![frames().remove(0); 20];
        write(&still[..1], &[10], &path)?;
        let one = std::fs::metadata(&path)?.len();
        write(&still, &[10; 20], &path)?;
        assert!(std::fs::metadata(&path)?.len() < one + 20 * 40);
        Ok(())
    }
}
