//! `calcisim schema`: the JSON Schema of scenario files, for editors.

use std::path::PathBuf;

use clap::Args;

use super::Reply;
use crate::error::{Error, Result};
use crate::output::files;
use crate::scenario::schema;

/// `calcisim schema`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim schema > scenario.schema.json\n  calcisim schema --out scenario.schema.json --force\n\n\
                  Then the first line of a scenario beside it: #:schema ./scenario.schema.json"
)]
pub struct SchemaArgs {
    /// Write it here instead of on stdout
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long)]
    pub force: bool,
}

/// The schema as it lies in `docs/`.
pub fn text() -> Result<String> {
    let text = serde_json::to_string_pretty(&schema::schema())
        .map_err(|fault| Error::Internal(format!("the schema could not be written: {fault}")))?;
    Ok(text + "\n")
}

pub(super) fn schema(args: &SchemaArgs) -> Result<Reply> {
    let Some(path) = &args.out else {
        return Ok(Reply::text(text()?).with("schema", schema::schema()));
    };
    let name = path.display().to_string();
    if path.exists() && !args.force {
        return Err(Error::files(name, "exists already; --force replaces it"));
    }
    files::write_whole(path, text()?.as_bytes())?;
    Ok(Reply::text(format!("Wrote {name}\n")).with("path", name))
}
