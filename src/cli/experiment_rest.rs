//! Commands of an experiment that is done: its page, and a tidy plan.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Reply;
use super::run::object;
#[cfg(not(feature = "figures"))]
use crate::error::Error;
use crate::error::Result;
use crate::experiment::calibrate::course;
use crate::experiment::gc;
use crate::experiment::plan::Plan;

/// `calcisim experiment page`.
#[derive(Clone, Debug, Args)]
pub struct PageArgs {
    /// Folder of merged results
    pub results: PathBuf,
    /// Folder of the page
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace a page that exists
    #[arg(long)]
    pub force: bool,
}

/// `calcisim experiment gc`.
#[derive(Clone, Debug, Args)]
pub struct GcArgs {
    /// The plan
    pub plan: PathBuf,
    /// Only say what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Drop also results of runs that the plan does not have (of a plan that was made again with --force)
    #[arg(long)]
    pub others: bool,
}

#[cfg(feature = "figures")]
pub(super) fn paged(args: &PageArgs) -> Result<Reply> {
    let written = crate::figures::experiment_page::write(&args.results, &args.out, args.force)?;
    let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    let text = names.iter().map(|name| format!("Wrote {name}\n")).collect::<String>();
    Ok(Reply::text(text).with("files", names))
}

#[cfg(not(feature = "figures"))]
pub(super) fn paged(_: &PageArgs) -> Result<Reply> {
    Err(Error::MissingTool(
        "this build has no figures: build with the feature `figures`".into(),
    ))
}

pub(super) fn tidied(args: &GcArgs) -> Result<Reply> {
    let plan = course::grown(Plan::open(&args.plan)?)?;
    let swept = gc::sweep(&plan, args.others, args.dry_run)?;
    let json = json!({"plan": plan.folder.display().to_string(), "dry_run": args.dry_run, "segments": swept.segments,
                      "results": swept.results, "others": swept.others, "needless": swept.needless,
                      "claims": swept.claims, "partial": swept.partial, "scraps": swept.scraps, "bytes": swept.bytes});
    Ok(Reply {
        text: swept.text(&plan, args.dry_run),
        json: object(json),
        ..Reply::default()
    })
}
