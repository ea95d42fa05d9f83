//! What can go wrong, said so that a person can mend it.
//!
//! Every error knows its exit code (CONTRACT section 3). Faults of input are
//! collected and shown all at once, each as a [`Diagnostic`].

use std::fmt;

/// Result of everything in calcisim that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One fault of the input: where it is, what was found, what was expected, how to mend it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// File as the user named it, or `--set 1` for the first `--set`.
    pub file: String,
    /// Line, from 1; 0 when the place is not inside a text.
    pub line: usize,
    /// Column, from 1; 0 when the place is not inside a text.
    pub column: usize,
    /// Dotted path of the key, empty when the fault is not about a key.
    pub key: String,
    /// The value as written.
    pub value: String,
    /// What would have been right, with unit and range.
    pub expected: String,
    /// The nearest name or the converted value; empty when there is none.
    pub suggestion: String,
    /// Why, in one sentence.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": ")?;
        match (self.key.is_empty(), self.value.is_empty()) {
            (false, false) => write!(f, "{} = {}", self.key, self.value)?,
            (false, true) => write!(f, "{}", self.key)?,
            (true, false) => write!(f, "{}", self.value)?,
            (true, true) => {}
        }
        if !self.message.is_empty() {
            let bare = self.key.is_empty() && self.value.is_empty();
            write!(f, "{}{}", if bare { "" } else { "\n       " }, self.message)?;
        }
        if !self.expected.is_empty() {
            write!(f, "\n       expected {}", self.expected)?;
        }
        if !self.suggestion.is_empty() {
            write!(f, "\n       {}", self.suggestion)?;
        }
        Ok(())
    }
}

/// Everything that can end a command early.
#[derive(Clone, Debug)]
pub enum Error {
    /// The command line is wrong (exit 2).
    Usage(String),
    /// Scenario, network or `--set` is wrong; all faults at once (exit 3).
    Input(Vec<Diagnostic>),
    /// A file or the disk is the trouble (exit 4).
    Files {
        /// Path as the user named it.
        path: String,
        /// What happened and how to mend it.
        message: String,
    },
    /// An optional tool is missing (exit 5).
    MissingTool(String),
    /// The state became unphysical or a solver found no finite state (exit 6).
    Numerical(Unphysical),
    /// A condition was not met, or results are in conflict (exit 7).
    Condition(String),
    /// Stopped cleanly by TERM, USR1 or `--max-time` (exit 75).
    Stopped(String),
    /// Interrupted by the keyboard, resumable (exit 130).
    Interrupted(String),
    /// A fault of calcisim itself (exit 1).
    Internal(String),
}

/// An unphysical state, at the process where it was born.
#[derive(Clone, Debug)]
pub struct Unphysical {
    /// Step of the run, from 0.
    pub step: u64,
    /// Day of the run.
    pub day: f64,
    /// Process of the schedule that made it.
    pub process: String,
    /// Quantity, with unit.
    pub quantity: String,
    /// Where: a voxel, segment or cell.
    pub place: String,
    /// The value found and the bound it broke.
    pub message: String,
}

impl fmt::Display for Unphysical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "step {} (day {:.3}), process `{}`: {} at {}: {}",
            self.step, self.day, self.process, self.quantity, self.place, self.message
        )
    }
}

impl Error {
    /// One fault of the input without a place in a text.
    pub fn input(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Input(vec![Diagnostic {
            file: file.into(),
            message: message.into(),
            ..Diagnostic::default()
        }])
    }

    /// A fault of a file or the disk.
    pub fn files(path: impl fmt::Display, message: impl Into<String>) -> Self {
        Self::Files {
            path: path.to_string(),
            message: message.into(),
        }
    }

    /// Exit code of CONTRACT section 3.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Internal(_) => 1,
            Self::Usage(_) => 2,
            Self::Input(_) => 3,
            Self::Files { .. } => 4,
            Self::MissingTool(_) => 5,
            Self::Numerical(_) => 6,
            Self::Condition(_) => 7,
            Self::Stopped(_) => 75,
            Self::Interrupted(_) => 130,
        }
    }

    /// The faults as a list, one entry for an error that is not about input.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Input(list) => list.clone(),
            Self::Files { path, message } => vec![Diagnostic {
                file: path.clone(),
                message: message.clone(),
                ..Diagnostic::default()
            }],
            other => vec![Diagnostic {
                message: other.to_string(),
                ..Diagnostic::default()
            }],
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(list) => {
                for (i, fault) in list.iter().enumerate() {
                    if i > 0 {
                        writeln!(f)?;
                    }
                    write!(f, "{fault}")?;
                }
                Ok(())
            }
            Self::Files { path, message } => write!(f, "{path}: {message}"),
            Self::Numerical(place) => write!(f, "the state became unphysical: {place}"),
            Self::Usage(text)
            | Self::MissingTool(text)
            | Self::Condition(text)
            | Self::Stopped(text)
            | Self::Interrupted(text)
            | Self::Internal(text) => write!(f, "{text}"),
        }
    }
}

impl std::error::Error for Error {}
