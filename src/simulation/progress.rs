//! Progress on standard error: a bar with the time left on a terminal, a plain line every 10 % otherwise.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far the work is.
pub struct Progress {
    bar: Option<ProgressBar>,
    is_quiet: bool,
    total: u64,
    from: u64,
    next_line: u64,
    started: Instant,
}

impl Progress {
    /// Of `total` pieces of work `done` were done before.
    pub fn new(total: u64, done: u64, is_quiet: bool) -> Self {
        let bar = (!is_quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
            if let Ok(style) = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {elapsed}, {eta} left") {
                bar.set_style(style);
            }
            bar.set_position(done);
            bar.reset_eta();
            bar
        });
        Self {
            bar,
            is_quiet,
            total,
            from: done,
            next_line: tenths(done, total) + 1,
            started: Instant::now(),
        }
    }

    /// So many pieces are done; `note` says where that is.
    pub fn at(&mut self, done: u64, note: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(note());
            return;
        }
        if self.is_quiet || tenths(done, self.total) < self.next_line {
            return;
        }
        self.next_line = tenths(done, self.total) + 1;
        let elapsed = self.started.elapsed();
        let share = (done - self.from) as f64 / (self.total - self.from) as f64;
        let left = elapsed.as_secs_f64() * (1.0 - share) / share;
        eprintln!(
            "{:>3} %  {}  {} so far, about {} left",
            100 * done / self.total,
            note(),
            duration(elapsed.as_secs_f64()),
            duration(left)
        );
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Seconds since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn tenths(done: u64, total: u64) -> u64 {
    (10 * done).checked_div(total).unwrap_or(10)
}

/// A time in words: `4.2 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// An amount of memory or disk in words.
pub fn bytes(amount: f64) -> String {
    if amount < 1e6 {
        format!("{:.0} kB", amount / 1e3)
    } else if amount < 1e9 {
        format!("{:.0} MB", amount / 1e6)
    } else {
        format!("{:.1} GB", amount / 1e9)
    }
}
