//! `calcisim pack`: a run folder as one archive.

use std::path::PathBuf;

use clap::Args;

use super::Reply;
use crate::error::Result;
use crate::simulation::pack;
use crate::simulation::progress::bytes;

/// `calcisim pack`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim pack output/cua_warfarin-s1 --out cua.omex\n  calcisim verify cua.omex\n\n\
                  The archive is a COMBINE archive (OMEX): a ZIP with a manifest, which any unzip opens."
)]
pub struct PackArgs {
    /// The run folder
    pub run: PathBuf,
    /// The archive; RUN.omex beside the run by default
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace an archive that exists
    #[arg(long)]
    pub force: bool,
}

pub(super) fn pack(args: &PackArgs) -> Result<Reply> {
    let packed = pack::pack(&args.run, args.out.as_deref(), args.force)?;
    let file = packed.path.display().to_string();
    let text = format!(
        "Wrote {file}: {} files, {}\nNext: calcisim verify {file}\n",
        packed.files,
        bytes(packed.bytes as f64)
    );
    Ok(Reply::text(text)
        .with("archive", file)
        .with("files", packed.files)
        .with("bytes", packed.bytes))
}
