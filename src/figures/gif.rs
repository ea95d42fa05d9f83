//! GIF: one palette for all frames, and of each frame only what changed.

use std::borrow::Cow;
use std::path::Path;

use super::palette::{self, Index};
use crate::error::{Error, Result};
use crate::output::files;
use crate::picture::Canvas;

/// Colours of the palette; one more index means «as before».
const COLOURS: usize = 255;

/// Writes frames of one size, each shown for so many hundredths of a second.
pub fn write(frames: &[Canvas], delays_cs: &[u16], path: &Path) -> Result<()> {
    let Some(first) = frames.first() else {
        return Err(Error::Internal("an animation without a frame".into()));
    };
    let too_large = || Error::Internal("a frame is too large for GIF".into());
    let [width, height] = [first.width, first.height].map(u16::try_from);
    let (width, height) = (width.map_err(|_| too_large())?, height.map_err(|_| too_large())?);
    let mut palette = palette::of(frames, COLOURS);
    let index = Index::of(&palette);
    palette.resize(COLOURS + 1, [0; 3]);
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
