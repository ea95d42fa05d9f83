//! `calcisim new`: a scenario file to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use clap::Args;

use super::Reply;
use crate::error::{Error, Result};
use crate::library::Disk;
use crate::scenario::{Library, Scenario, stem};

/// `calcisim new`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim new my_case\n  calcisim new studies/high_phosphate.toml --extends ckd_chronic"
)]
pub struct NewArgs {
    /// Name of the scenario, or the path of its file
    pub name: String,
    /// Start from this scenario: only differences need be written
    #[arg(long, value_name = "SCENARIO")]
    pub extends: Option<String>,
}

pub(super) fn new(args: &NewArgs) -> Result<Reply> {
    let path = if args.name.ends_with(".toml") {
        args.name.clone()
    } else {
        format!("{}.toml", args.name)
    };
    let name = stem(&path).to_string();
    let plain = !name.is_empty()
        && !name.starts_with(['.', '-'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if !plain {
        return Err(Error::Usage(format!(
            "`{name}` cannot be a name: letters, digits, _ - and . only"
        )));
    }
    let text = starter(&name, args.extends.as_deref());
    if let Some(parent) = &args.extends {
        let (parent, _) = Disk.read(parent, Some(&path))?;
        Scenario::load(&Disk, &parent, &[])?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|fault| match fault.kind() {
            ErrorKind::AlreadyExists => Error::files(&path, "this file exists and is not replaced"),
            ErrorKind::NotFound => Error::files(&path, "the folder does not exist"),
            _ => Error::files(&path, format!("cannot be written: {fault}")),
        })?;
    // What we hand out must be a scenario.
    let (_, warnings) = Scenario::load(&Disk, &path, &[])?;
    let mut reply = Reply::text(format!(
        "wrote {path}\n\n  calcisim check {path}    after a change\n  calcisim show {path}     every value and where it comes from\n  calcisim run {path}      run it\n"
    ))
    .with("file", path);
    reply.warnings = warnings;
    Ok(reply)
}

fn starter(name: &str, extends: Option<&str>) -> String {
    let extends = extends.map_or_else(
        || {
            "# extends = \"healthy\"              # a path or a shipped name; this file then holds only differences"
                .into()
        },
        |parent| format!("extends = {}", toml::Value::String(parent.into())),
    );
    format!(
        r#"# A scenario of calcisim. Lines that begin with # are not read: take the # away to use one.
# `calcisim explain KEY` tells what a key means, `calcisim show {name}.toml` every value and its origin.
schema = 1
name = "{name}"
question = "What do you want to know?"
known = "What is known about it, with its source."
assumed = "What you assume."
{extends}

[run]
# days = 90                           # length of the run
# seed = 1                            # one seed is one site at risk, never a patient

[space]
# plane = "section"                   # section (x-z), plan (x-y) or block
# width_mm = 4
# depth_mm = 8
# voxel_um = 20

# Plasma and patient. What is missing takes the default of a healthy adult and is reported as such.
[host]
# phosphate_mmol_per_l = 1.1          # or in the clinic's unit: phosphate_mg_per_dl = 3.5
# calcium_mg_per_dl = 9.4             # total; or calcium_ionised_mmol_per_l
# albumin_g_per_dl = 4.3
# dialysis = false
# warfarin = false

# Causal arrows, all on: turning one off is an experiment. `calcisim list switches` shows them.
[mechanisms]
# damp_loop = false

# Strength of an arrow, or a factor on any number of the registry.
[scale]
# thrombosis = 0.5
# "host.repair_factor" = 0.5

# A dated insult: trauma, mineral_nidus, hypotension or chemistry.
# [[challenge]]
# kind = "trauma"
# start_d = 10
# depth_mm = 2.3
# radius_mm = 0.3

# A treatment; `calcisim list therapies` shows the kinds, `calcisim explain therapy.msc` what one takes.
# [[therapy]]
# kind = "msc"
# route = "intradermal"
# start_d = 14
# every_d = 14
# count = 3
# dose_cells_per_cm2 = 1e6

[output]
# series_every_h = 24
# snapshot_days = [30, 60]            # beside one a week and the last day
"#
    )
}
