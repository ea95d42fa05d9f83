//! Faults as a person sees them: place, the line of the file, a mark under the word, what was expected, the repair.

use std::fmt::Write as _;
use std::io::IsTerminal;

use clap::ColorChoice;

use crate::error::{Diagnostic, Error};
use crate::library::Disk;
use crate::scenario::Library;

/// Draws with or without colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    colours: bool,
}

impl Pen {
    pub fn new(choice: ColorChoice) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => std::io::stderr().is_terminal() && !set("NO_COLOR") && !dumb,
        };
        Self { colours }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    }

    /// An error with everything it holds.
    pub fn error(self, error: &Error) -> String {
        match error {
            Error::Input(list) => {
                let mut text: String = list.iter().map(|fault| self.fault("error", fault)).collect();
                if list.len() > 1 {
                    let _ = writeln!(text, "{} errors; nothing was run", list.len());
                }
                text
            }
            other => format!("{} {other}\n", self.paint("1;31", "error:")),
        }
    }

    /// One fault.
    pub fn fault(self, word: &str, fault: &Diagnostic) -> String {
        let colour = if word == "error" { "1;31" } else { "1;33" };
        let mut text = format!("{} ", self.paint(colour, &format!("{word}:")));
        let mut place = fault.file.clone();
        if fault.line > 0 {
            let _ = write!(place, ":{}:{}", fault.line, fault.column);
        }
        let what = match (fault.key.is_empty(), fault.value.is_empty()) {
            (false, false) => format!("{} = {}", fault.key, fault.value),
            (false, true) => fault.key.clone(),
            (true, _) => fault.value.clone(),
        };
        let parts: Vec<String> = [place, what]
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| self.paint("1", &part))
            .collect();
        text += &parts.join(": ");
        text.push('\n');
        if let Some(line) = source_line(fault) {
            let number = fault.line.to_string();
            let bar = self.paint("34", "|");
            let shown: String = line.replace('\t', " ");
            let rest: String = shown.chars().skip(fault.column.saturating_sub(1)).collect();
            let length = rest
                .chars()
                .take_while(|c| !c.is_whitespace() && *c != '=')
                .count()
                .max(1);
            let mark = format!("{}{}", " ".repeat(fault.column.saturating_sub(1)), "^".repeat(length));
            let _ = writeln!(text, "  {number} {bar} {shown}");
            let _ = writeln!(
                text,
                "  {} {bar} {}",
                " ".repeat(number.len()),
                self.paint(colour, &mark)
            );
        }
        let mut say = |label: &str, words: &str| {
            if !words.is_empty() {
                for (i, line) in words.lines().enumerate() {
                    let _ = writeln!(text, "       {}{line}", if i == 0 { label } else { "" });
                }
            }
        };
        say("", &fault.message);
        say("expected ", &fault.expected);
        let repair = if fault.suggestion.is_empty() {
            String::new()
        } else {
            self.paint("1;36", &fault.suggestion)
        };
        say("", &repair);
        text
    }
}

/// The line of the file that a fault points at, when it can still be read and is not too long to help.
fn source_line(fault: &Diagnostic) -> Option<String> {
    if fault.line == 0 {
        return None;
    }
    let (_, text) = Disk.read(&fault.file, None).ok()?;
    let line = text.lines().nth(fault.line - 1)?.trim_end().to_string();
    (line.chars().count() <= 160).then_some(line)
}
