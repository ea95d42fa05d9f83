//! A job script for Slurm: one array task per shard, which stops cleanly before its time is over and asks to be queued
//! again, and a job that merges behind it.

use std::path::Path;
use std::process::Command;

use super::plan::Plan;
use crate::error::{Error, Result};

/// Largest array where Slurm does not say (its own default).
const ARRAY: u64 = 1001;
/// Seconds of work that a shard should have.
const SHARD_S: f64 = 1800.0;

/// What the script asks for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Shards; from the forecast when absent.
    pub shards: Option<u64>,
    /// Tasks at the same time; all when absent.
    pub at_once: Option<u64>,
    /// Cores of a task.
    pub cpus: u64,
    /// Time of a task, as Slurm writes it.
    pub time: Option<String>,
    /// Memory of a task, as Slurm writes it.
    pub mem: Option<String>,
    /// Partition.
    pub partition: Option<String>,
    /// Account.
    pub account: Option<String>,
    /// The program, as the nodes see it.
    pub program: String,
}

/// Largest number of tasks of an array on this machine's Slurm.
pub fn largest_array() -> u64 {
    let answer = Command::new("scontrol").args(["show", "config"]).output();
    let text = answer
        .map(|a| String::from_utf8_lossy(&a.stdout).into_owned())
        .unwrap_or_default();
    let line = text.lines().find(|line| line.trim_start().starts_with("MaxArraySize"));
    let found = line.and_then(|line| line.split('=').nth(1)?.trim().parse().ok());
    found.unwrap_or(ARRAY)
}

/// Shards that give each half an hour of work on its cores, at most one per run.
fn shards(plan: &Plan, request: &Request, most: u64) -> u64 {
    let work_s = plan.manifest.forecast.as_ref().map_or(0.0, |f| 3600.0 * f.core_hours);
    let wanted = (work_s / (SHARD_S * request.cpus as f64)).ceil() as u64;
    wanted.max(1).min(most).min(plan.manifest.runs.max(1))
}

/// A word as the shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c));
    if is_plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The script.
///
/// # Errors
/// [`Error::Usage`] when more shards are asked for than an array may have.
pub fn script(plan: &Plan, request: &Request, largest: u64) -> Result<String> {
    let count = request.shards.unwrap_or_else(|| shards(plan, request, largest));
    if count > largest {
        return Err(Error::Usage(format!(
            "--shards {count}: this Slurm allows arrays of {largest} (MaxArraySize); a shard may hold many runs"
        )));
    }
    let folder = absolute(&plan.folder);
    let short = &plan.manifest.digest[..plan.manifest.digest.len().min(8)];
    let mut head = vec![
        format!("--job-name=calcisim-{short}"),
        match request.at_once {
            Some(n) => format!("--array=0-{}%{n}", count - 1),
            None => format!("--array=0-{}", count - 1),
        },
        format!("--ntasks=1 --cpus-per-task={}", request.cpus),
        "--requeue".to_owned(),
        "--open-mode=append".to_owned(),
        format!("--output={folder}/logs/%A_%a.log"),
        "--signal=B:USR1@120".to_owned(),
    ];
    let options = [
        ("time", &request.time),
        ("mem", &request.mem),
        ("partition", &request.partition),
        ("account", &request.account),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            head.push(format!("--{name}={value}"));
        }
    }
    let head: String = head.iter().map(|line| format!("#SBATCH {line}\n")).collect();
    let (program, at) = (quoted(&request.program), quoted(&folder));
    Ok(format!(
        "#!/bin/bash\n\
         # {name}: {runs} runs in {count} shards. Submit it, then merge when all tasks have ended:\n\
         #   job=$(sbatch --parsable THIS_FILE)\n\
         #   sbatch --dependency=afterany:$job --wrap \"{program} experiment merge {at} -o {at}-results\"\n\
         # `merge` ends with 7 when runs are missing: submit this file again, it does only what is missing.\n\
         {head}\
         set -u\n\
         {program} experiment run {at} --shard \"$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT\" \
         --threads \"${{SLURM_CPUS_PER_TASK:-1}}\" &\n\
         worker=$!\n\
         again() {{ [ \"${{SLURM_RESTART_COUNT:-0}}\" -lt 20 ] && scontrol requeue \
         \"${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}\"; }}\n\
         # Shortly before the time is over, or when the task is taken off its node: stop cleanly, then queue again.\n\
         trap 'kill -TERM $worker; wait $worker; again; exit 0' USR1 TERM\n\
         wait $worker; code=$?\n\
         # 75: stopped cleanly with work left; 137, 143: killed.\n\
         case $code in 75|137|143) again ;; esac\n\
         exit $code\n",
        name = plan.manifest.name,
        runs = plan.manifest.runs,
    ))
}

fn absolute(path: &Path) -> String {
    path.canonicalize()
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_space_is_one_word_of_the_shell() {
        assert_eq!(quoted("/a/b-c.d"), "/a/b-c.d");
        assert_eq!(quoted("my plan's"), "'my plan'\\''s'");
    }
}
