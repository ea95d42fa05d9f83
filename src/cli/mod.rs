//! The command line: arguments, one reply on stdout, faults on stderr, exit codes of the contract.
//!
//! A command returns a [`Reply`] or an error and prints neither: so stdout holds exactly one object under `--json`,
//! also on error, and a closed pipe is handled in one place.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::{Map, Value, json};

use crate::error::{Diagnostic, Error, Result};
use crate::solve::multigrid::Simd;
use crate::version;

mod biopsy;
mod biopsy_in_run;
mod biopsy_many;
mod branch;
mod check;
mod diff;
mod drawing;
pub mod experiment;
mod experiment_rest;
mod explain;
mod export;
mod flow;
mod list;
mod new;
mod oxygen;
mod pack;
mod report;
pub mod run;
pub mod schema;
mod show;
mod verify;
#[cfg(feature = "view")]
mod view;

pub use run::{CompareArgs, FiguresArgs, ResumeArgs, RunArgs};

/// Arguments of calcisim.
#[derive(Debug, Parser)]
#[command(
    name = "calcisim",
    version = version::long(),
    about = "A simulator of calciphylaxis: small vessels of skin and fat that calcify and clot until tissue starves.",
    long_about = "A simulator of calciphylaxis: small vessels of skin and fat that calcify and clot until tissue starves, \
                  and what treatments change.\n\nFor teaching and for making hypotheses. Never for prognosis, dosing or care.",
    after_help = "Examples:\n  calcisim list                            scenarios that ship with calcisim\n  \
                  calcisim run healthy                     run one\n  \
                  calcisim show cua_warfarin               every value and where it comes from\n  \
                  calcisim new my_case                     start a scenario of your own\n\n\
                  Exit codes: 0 ok, 1 our fault, 2 usage, 3 input, 4 files, 5 tool missing, 6 numerical,\n\
                  7 condition not met, 75 stopped and can be resumed, 130 interrupted.",
    arg_required_else_help = true,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, clap::Args)]
pub struct Global {
    /// Print exactly one JSON object on stdout, also on error
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours (NO_COLOR is honoured)
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// No progress and no warnings
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario
    Run(RunArgs),
    /// Run several scenarios with common random numbers and compare them with the first
    Compare(CompareArgs),
    /// Many runs: plan, run, status, merge, verify, sbatch, gc, page
    Experiment(experiment::ExperimentArgs),
    /// Go on with a run that was stopped, or make a finished one longer
    Resume(ResumeArgs),
    /// Another future of a run, from any of its days, with changed settings
    Branch(branch::BranchArgs),
    /// Check that a run is what this calcisim computes: digests, and stretches executed again
    Verify(verify::VerifyArgs),
    /// Explain in what two runs or two scenarios differ, and where two runs part
    Diff(diff::DiffArgs),
    /// Put a run into one archive that can verify itself
    Pack(pack::PackArgs),
    /// Draw the figures of a run or a comparison
    Figures(FiguresArgs),
    /// Write a report of a run, a comparison or an experiment: one HTML file
    Report(report::ReportArgs),
    /// Take a virtual punch biopsy of a run: sections in stains, a checklist, a verdict; or many of them
    Biopsy(biopsy::BiopsyArgs),
    /// Write a run in files that other programs open: VTK, OME-Zarr, Simularium, CSV; or a scenario as an offline page
    Export(export::ExportArgs),
    /// The live page: look at a scenario or a run while it runs, change it, compare
    #[cfg(feature = "view")]
    View(view::ViewArgs),
    /// Solve the flow of blood with red cells through a measured network
    Flow(flow::FlowArgs),
    /// Oxygen of a measured network, in its tissue and its blood
    Oxygen(oxygen::OxygenArgs),
    /// Check scenario and experiment files without running them
    Check(check::CheckArgs),
    /// Show every value of a scenario with its origin; the output is a scenario again
    Show(show::ShowArgs),
    /// Explain a parameter, a switch, a challenge or a therapy
    Explain(explain::ExplainArgs),
    /// List the scenarios and experiments that ship with calcisim, or parameters, switches, challenges, therapies
    List(list::ListArgs),
    /// Write a scenario file to start from
    New(new::NewArgs),
    /// Print the JSON Schema of scenario files, for editors
    Schema(schema::SchemaArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  calcisim completions bash > ~/.local/share/bash-completion/completions/calcisim"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What a command has to say.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// For a person, on stdout.
    pub text: String,
    /// For a program: the fields beside `ok` and `exit`.
    pub json: Map<String, Value>,
    /// Warnings, drawn on stderr.
    pub warnings: Vec<Diagnostic>,
    /// Faults that did not end the command (`check` of several files), drawn on stderr.
    pub faults: Vec<Diagnostic>,
    /// Exit code.
    pub exit: u8,
}

impl Reply {
    /// A reply with text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Adds a field for programs.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.json.insert(key.into(), value.into());
        self
    }
}

/// Parses the arguments, runs the command, prints its reply.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let flag = |wanted: &str| args.iter().take_while(|a| *a != "--").any(|a| a == wanted);
    let colour = ["always", "never"].into_iter().find(|when| {
        flag(&format!("--color={when}")) || args.windows(2).any(|pair| pair[0] == "--color" && pair[1] == *when)
    });
    let mut command = Cli::command();
    if let Some(when) = colour {
        command = command.color(if when == "always" {
            ColorChoice::Always
        } else {
            ColorChoice::Never
        });
    }
    let parsed = command
        .try_get_matches_from(&args)
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(answer) => return unparsed(&answer, flag("--json")),
    };
    let global = cli.global.clone();
    let ending = match dispatch(cli) {
        Ok(reply) => answer(&global, reply),
        Err(error) => refuse(&global, &error),
    };
    ExitCode::from(ending)
}

/// `CALCISIM_SIMD=scalar|avx2|avx512` makes the solvers use one width of vector instructions: for tests, as results do
/// not depend on it.
fn choose_width() -> Result<()> {
    const VARIABLE: &str = "CALCISIM_SIMD";
    let Some(wanted) = std::env::var_os(VARIABLE) else {
        return Ok(());
    };
    let width = Simd::ALL.into_iter().find(|width| wanted == width.name());
    match width {
        Some(width) if width.force() => Ok(()),
        Some(width) => Err(Error::input(
            VARIABLE,
            format!("this machine has no {}; scalar works everywhere", width.name()),
        )),
        None => Err(Error::input(
            VARIABLE,
            format!(
                "{:?} is no width; expected scalar, avx2 or avx512",
                wanted.to_string_lossy()
            ),
        )),
    }
}

fn dispatch(cli: Cli) -> Result<Reply> {
    choose_width()?;
    let global = &cli.global;
    match cli.command {
        Command::Run(args) => run::run(&args, global),
        Command::Compare(args) => run::compare(&args, global),
        Command::Experiment(args) => experiment::experiment(&args, global),
        Command::Resume(args) => run::resume(&args, global),
        Command::Branch(args) => branch::branch(&args, global),
        Command::Verify(args) => verify::verify(&args, global),
        Command::Diff(args) => diff::diff(&args, global),
        Command::Pack(args) => pack::pack(&args),
        Command::Figures(args) => run::figures(&args, global),
        Command::Report(args) => report::report(&args),
        Command::Biopsy(args) => biopsy::biopsy(&args, global),
        Command::Export(args) => export::export(&args, global),
        #[cfg(feature = "view")]
        Command::View(args) => view::view(&args, global),
        Command::Flow(args) => flow::flow(&args),
        Command::Oxygen(args) => oxygen::oxygen(&args),
        Command::Check(args) => Ok(check::check(&args)),
        Command::Show(args) => show::show(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::List(args) => Ok(list::list(&args)),
        Command::New(args) => new::new(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "calcisim", &mut script);
            let script = String::from_utf8_lossy(&script).into_owned();
            Ok(Reply::text(script.clone()).with("script", script))
        }
    }
}

/// Help, version or a wrong command line.
fn unparsed(answer: &clap::Error, json: bool) -> ExitCode {
    use clap::error::ErrorKind;
    let help = matches!(answer.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if help || !json {
        let _ = answer.print();
    } else {
        let text = answer.render().to_string();
        let message = text.trim().trim_start_matches("error: ").to_string();
        let _ = say(&failure(&Error::Usage(message)).to_string());
    }
    ExitCode::from(if help { 0 } else { 2 })
}

/// Prints a reply; answers the exit code.
fn answer(global: &Global, reply: Reply) -> u8 {
    let Reply {
        text,
        json: mut fields,
        warnings,
        faults,
        exit,
    } = reply;
    if global.json {
        let mut object = Map::new();
        object.insert("ok".into(), json!(exit == 0));
        object.insert("exit".into(), json!(exit));
        if !fields.contains_key("warnings") {
            fields.insert("warnings".into(), json!(warnings));
        }
        object.extend(fields);
        return say(&Value::Object(object).to_string()).map_or_else(|error| refuse(global, &error), |()| exit);
    }
    let pen = drawing::Pen::new(global.color);
    let mut drawn = String::new();
    for fault in &faults {
        drawn += &pen.fault("error", fault);
    }
    if !global.quiet {
        for warning in &warnings {
            drawn += &pen.fault("warning", warning);
        }
    }
    complain(&drawn);
    say(&text).map_or_else(|error| refuse(global, &error), |()| exit)
}

/// Prints an error; answers the exit code.
fn refuse(global: &Global, error: &Error) -> u8 {
    if global.json {
        let _ = say(&failure(error).to_string());
    } else {
        complain(&drawing::Pen::new(global.color).error(error));
    }
    error.exit_code()
}

/// The one object of a failed command.
fn failure(error: &Error) -> Value {
    json!({ "ok": false, "exit": error.exit_code(), "errors": error.diagnostics() })
}

/// Writes on stdout. A reader that has gone away is not a fault; a full disk is.
fn say(text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(end.as_bytes()))
        .and_then(|()| out.flush());
    match written {
        Err(fault) if fault.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::files("stdout", format!("cannot be written: {fault}")))
        }
        _ => Ok(()),
    }
}

/// Writes on stderr, as far as there is one.
fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Wraps a paragraph at 96 columns, later lines indented.
fn wrapped(text: &str, indent: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.chars().count() + line.chars().count() + 1 + word.chars().count() > 96 {
            lines += &format!("{indent}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    lines + &format!("{indent}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_paragraph_is_wrapped_between_words() {
        let text = wrapped(&"word ".repeat(40), "  ");
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.chars().count() <= 96));
    }
}
