//! `calcisim report`: one HTML file that holds all of itself.

use std::path::PathBuf;

use clap::Args;

use super::Reply;
use crate::error::Result;

/// `calcisim report`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  calcisim report output/cua_warfarin-s1\n  \
                        calcisim report output/compare-msc_vehicle-vs-msc_local --out arms.html\n  \
                        calcisim report output/compare-a-vs-b output/sensitivity_sobol-results    with what the outcome hangs on\n  \
                        calcisim report output/cua_warfarin-s1 output/ckd_chronic-s1              two runs side by side\n\n\
                        The file loads nothing from anywhere and can be sent, opened and printed as it is.")]
pub struct ReportArgs {
    /// Run folders, or one comparison or merged results of an experiment; further results with a sensitivity.csv say what the
    /// outcome hangs on
    #[arg(required = true)]
    pub folders: Vec<PathBuf>,
    /// The file; report.html in the first folder by default
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[cfg(feature = "figures")]
pub(super) fn report(args: &ReportArgs) -> Result<Reply> {
    let written = crate::report::write(&args.folders, args.out.as_deref())?;
    let path = written.path.display().to_string();
    let text = format!(
        "{}\nWrote {path} ({} kB): open it in any browser, no network is needed\n",
        super::wrapped(&written.headline, ""),
        written.bytes / 1000
    );
    Ok(Reply::text(text)
        .with("report", path)
        .with("bytes", written.bytes)
        .with("headline", written.headline))
}

#[cfg(not(feature = "figures"))]
pub(super) fn report(_: &ReportArgs) -> Result<Reply> {
    Err(crate::error::Error::MissingTool(
        "this build has no reports: build with the feature `figures`".into(),
    ))
}
