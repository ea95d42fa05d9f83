//! `calcisim view`: the live page on this machine.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Args;

use super::{Global, Reply};
use crate::error::Result;
use crate::library::Disk;
use crate::output::{files, hashes};
use crate::scenario::{Scenario, Shipped};
use crate::simulation::archive::Archive;
use crate::simulation::stop::Stop;
use crate::view::server::Server;
use crate::view::session::Start;

/// `calcisim view`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim view                           choose a scenario on the page\n  \
                  calcisim view cua_warfarin              begin with one\n  \
                  calcisim view output/cua_warfarin-s1    a recorded run, lived again and compared with its hashes"
)]
pub struct ViewArgs {
    /// Path or name of a scenario, or a run folder; the page offers all that ship with calcisim
    pub what: Option<String>,
    /// Change one value: a dotted path; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Seed of the dice, in place of the scenario's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Port of this machine; a free one by default
    #[arg(long, value_name = "P", default_value_t = 0)]
    pub port: u16,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
}

pub(super) fn view(args: &ViewArgs, global: &Global) -> Result<Reply> {
    let start = args
        .what
        .as_deref()
        .map(|what| start(what, &args.sets, args.seed))
        .transpose()?;
    let stop = Stop::by_signals()?;
    let server = Server::bind(args.port, start, stop)?;
    let url = server.url();
    if global.json {
        // The one object of `--json` comes at the end; a program that waits for the page reads its address here.
        eprintln!("{url}");
    } else {
        super::say(&format!("calcisim at {url}\nStop it with Ctrl-C."))?;
    }
    if !args.no_open && std::io::stdout().is_terminal() {
        open_browser(&url);
    }
    server.serve();
    Ok(Reply::default().with("url", url))
}

/// What the page begins with: a run folder, or a scenario by path or name.
pub(super) fn start(what: &str, sets: &[String], seed: Option<u64>) -> Result<Start> {
    let folder = Path::new(what);
    if folder.join("run.json").is_file() {
        let archive = Archive::open(folder)?;
        let scenario = archive.scenario.clone()?;
        let text = files::read_text(&folder.join("hashes.csv")).unwrap_or_default();
        return Ok(Start {
            recorded: if sets.is_empty() && seed.is_none() {
                hashes::parse(&text)
            } else {
                BTreeMap::new()
            },
            series: files::read_text(&folder.join("series.csv")).unwrap_or_default(),
            ..of(&scenario, seed.or(Some(archive.record.seed)))?
        });
    }
    let (scenario, _) = Scenario::load(&Disk, what, sets)?;
    if sets.is_empty() && Shipped::names().any(|name| name == what) {
        return Ok(Start {
            name: what.to_owned(),
            text: Shipped::text(what).unwrap_or_default().to_owned(),
            seed,
            ..Start::default()
        });
    }
    of(&scenario, seed)
}

/// A scenario with everything that it reads.
fn of(scenario: &Scenario, seed: Option<u64>) -> Result<Start> {
    let (copy, companions) = scenario.with_companions(&Disk)?;
    Ok(Start {
        name: scenario.name.clone(),
        text: copy.resolved_toml(),
        files: companions.into_iter().collect(),
        seed,
        ..Start::default()
    })
}

/// Asks the desktop for a browser; without one the address on the screen is enough.
fn open_browser(url: &str) {
    let (program, before): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("cmd", &["/C", "start", ""]),
        _ => ("xdg-open", &[]),
    };
    let _ = Command::new(program)
        .args(before)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}
