//! A session: the courses that one page looks at, and its requests.
//!
//! `ask.rs` lists what can be asked, `origin.rs` reads the scenario of a branch.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ask::{Ask, Biopsy, Fork, Lottery, Open};
use super::branch::{Branch, Changes};
use super::origin::{Bundle, Origin, classroom, ids, joined, read};
use super::{Message, catalog, frame, lottery, slide};
use crate::error::{Error, Result};
use crate::grid::Plane;
use crate::model::Model;
use crate::output::summary::hex;
use crate::scenario::Shipped;

/// Most branches of a session.
const MOST_BRANCHES: usize = 32;
/// Most steps of one request, so that a page is answered soon.
const MOST_STEPS: u64 = 240;
/// Longest request [bytes].
pub const MOST_BYTES: usize = 512 * 1024;

/// What a page opens first, when the command line names it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// Name to show.
    pub name: String,
    /// Text of the scenario.
    pub text: String,
    /// Tables that it reads, by path beside it.
    pub files: BTreeMap<String, String>,
    /// Seed.
    pub seed: Option<u64>,
    /// Hashes of a recorded run by step: the live run is compared with them.
    pub recorded: BTreeMap<u64, u64>,
    /// Series of a recorded run, as in its folder.
    pub series: String,
}

/// The state of one page.
pub struct Session {
    engine: &'static str,
    start: Option<Start>,
    branches: Vec<Branch>,
    origins: Vec<Origin>,
}

type Answer = (Vec<Message>, Value);

impl Session {
    /// A session of an engine, `native` or `wasm`.
    pub fn new(engine: &'static str, start: Option<Start>) -> Self {
        Self {
            engine,
            start,
            branches: Vec::new(),
            origins: Vec::new(),
        }
    }

    /// Answers a request; the last message is always a text.
    pub fn ask(&mut self, request: &str) -> Vec<Message> {
        let mut id = Value::Null;
        let answer = self.understood(request, &mut id).and_then(|ask| self.answer(ask));
        let (mut messages, mut text) = answer.unwrap_or_else(|error| {
            let faults = error.diagnostics();
            (
                Vec::new(),
                json!({ "is": "error", "exit": error.exit_code(), "message": error.to_string(), "errors": faults }),
            )
        });
        text["id"] = id;
        messages.push(Message::Text(text.to_string()));
        messages
    }

    fn understood(&self, request: &str, id: &mut Value) -> Result<Ask> {
        let fault = |words: String| Error::input("request", words);
        if request.len() > MOST_BYTES {
            return Err(fault(format!("longer than {MOST_BYTES} bytes")));
        }
        let mut request: Value = serde_json::from_str(request).map_err(|f| fault(f.to_string()))?;
        if let Some(object) = request.as_object_mut() {
            *id = object.remove("id").filter(Value::is_u64).unwrap_or(Value::Null);
        }
        serde_json::from_value(request).map_err(|f| fault(f.to_string()))
    }

    fn answer(&mut self, ask: Ask) -> Result<Answer> {
        match ask {
            Ask::Hello => self.hello(),
            Ask::Open(open) => self.open(open),
            Ask::Advance { branch, steps } => self.advance(branch, steps),
            Ask::Fork(fork) => self.fork(fork),
            Ask::Look { branch, step } => self.look(branch, step),
            Ask::Ground {
                branch,
                stain,
                px_per_mm,
            } => {
                let branch = self.branch(branch)?;
                let lens = slide::lens(&branch.scenario)?;
                let picture = slide::ground(&branch.model, &lens, &stain, px_per_mm)?;
                Ok((vec![picture], json!({ "is": "ground", "stain": stain })))
            }
            Ask::Biopsy(order) => self.biopsy(&order),
            Ask::Lottery(order) => self.lottery(&order),
            Ask::Toml { branch } => {
                let text = self.toml(branch)?;
                Ok((Vec::new(), json!({ "is": "toml", "text": text })))
            }
        }
    }

    fn hello(&self) -> Result<Answer> {
        let mut hello = catalog::hello(self.engine)?;
        hello["is"] = "hello".into();
        if let Some(start) = &self.start {
            let recorded: BTreeMap<String, String> = start
                .recorded
                .iter()
                .map(|(step, hash)| (step.to_string(), hex(*hash)))
                .collect();
            hello["start"] = json!({
                "name": start.name,
                "text": start.text,
                "files": start.files,
                "is_shipped": Shipped::text(&start.name) == Some(start.text.as_str()),
                "seed": start.seed,
                "recorded": recorded,
                "series": start.series,
            });
        }
        Ok((Vec::new(), hello))
    }

    fn branch(&self, branch: usize) -> Result<&Branch> {
        let known = self.branches.get(branch);
        known.ok_or_else(|| Error::input("branch", format!("there is no branch {branch}")))
    }

    fn room(&self) -> Result<()> {
        if self.branches.len() >= MOST_BRANCHES {
            return Err(Error::input(
                "branch",
                format!("{MOST_BRANCHES} courses are open: load the page again to begin anew"),
            ));
        }
        Ok(())
    }

    fn open(&mut self, open: Open) -> Result<Answer> {
        if open.fresh {
            self.branches.clear();
            self.origins.clear();
        }
        self.room()?;
        let mut origin = match (&open.scenario, &open.text, &self.start) {
            (Some(name), _, _) => Origin {
                file: name.clone(),
                text: Shipped::text(name).ok_or_else(|| Shipped::missing(name))?.to_owned(),
                ..Origin::default()
            },
            (None, Some(text), _) => Origin {
                file: "scenario.toml".to_owned(),
                text: text.clone(),
                files: open.files.clone(),
                ..Origin::default()
            },
            (None, None, Some(start)) => Origin {
                file: start.name.clone(),
                text: start.text.clone(),
                files: start.files.clone(),
                seed: start.seed,
                ..Origin::default()
            },
            (None, None, None) => return Err(Error::input("scenario", "name one, or give its text")),
        };
        origin.text = joined(&origin.text, &open.append);
        origin.seed = open.seed.or(origin.seed);
        origin.days = open.days;
        let mut sets = Vec::new();
        if open.size.as_deref() == Some("classroom") {
            sets = classroom(&read(&origin, &[])?.0)?;
        }
        sets.extend(open.sets);
        let changes = Changes {
            sets,
            hold: ids(&open.hold)?,
            without: open.without,
        };
        let (scenario, warnings) = read(&origin, &changes.sets)?;
        let branch = Branch::new(scenario, changes, &Bundle(&origin.files))?;
        self.origins.push(origin);
        self.branches.push(branch);
        self.opened("opened", warnings)
    }

    fn fork(&mut self, fork: Fork) -> Result<Answer> {
        self.room()?;
        let Fork { mut branch, step, .. } = fork;
        // What lies before a branch belongs to the one that it left.
        while step < self.branch(branch)?.first_step()
            && let Some((parent, _)) = self.branch(branch)?.parent
        {
            branch = parent;
        }
        let parent = self.branch(branch)?;
        let mut origin = self.origins.get(fork.branch).cloned().unwrap_or_default();
        origin.text = joined(&origin.text, &fork.append);
        let mut changes = self.branch(fork.branch)?.changes.clone();
        changes.sets.extend(fork.sets);
        changes.without.extend(fork.without);
        changes.hold.extend(ids(&fork.hold)?);
        let (scenario, warnings) = read(&origin, &changes.sets)?;
        let (model, watch) = parent.at(step)?;
        let branch = Branch::fork(
            scenario,
            changes,
            &Bundle(&origin.files),
            (model.state(), watch),
            (fork.branch, step),
        )?;
        self.origins.push(origin);
        self.branches.push(branch);
        self.opened("forked", warnings)
    }

    /// What a page must know of the branch that was added last.
    fn opened(&mut self, is: &str, warnings: Vec<String>) -> Result<Answer> {
        let number = self.branches.len() - 1;
        let branch = &mut self.branches[number];
        let (scenario, grid) = (&branch.scenario, &branch.model.tissue.grid);
        let challenges: Vec<Value> = scenario
            .challenges()
            .iter()
            .filter(|entry| !branch.changes.without.contains(&entry.id))
            .map(|entry| {
                json!({
                    "list": "challenge", "id": entry.id, "kind": entry.kind.word(), "start_d": entry.course.start_d,
                    "every_d": entry.course.every_d, "count": entry.course.count, "x_mm": entry.x_mm,
                    "depth_mm": entry.depth_mm, "radius_mm": entry.radius_mm,
                    "set": entry.set.iter().map(|s| s.key.clone()).collect::<Vec<_>>(),
                })
            })
            .collect();
        let therapies: Vec<Value> = scenario
            .therapies()
            .iter()
            .filter(|entry| !branch.changes.without.contains(&entry.id))
            .map(|entry| {
                json!({
                    "list": "therapy", "id": entry.id, "kind": entry.kind.word(), "route": entry.route.word(),
                    "start_d": entry.course.start_d, "every_d": entry.course.every_d, "count": entry.course.count,
                })
            })
            .collect();
        let entries = [challenges, therapies].concat();
        let plane = match grid.plane {
            Plane::Section => "section",
            Plane::Plan => "plan",
            Plane::Block => "block",
        };
        let answer = json!({
            "is": is,
            "branch": number,
            "parent": branch.parent,
            "name": scenario.name,
            "question": scenario.question,
            "known": scenario.known,
            "assumed": scenario.assumed,
            "seed": branch.seed(),
            "days": scenario.days(),
            "step_h": branch.step_h(),
            "step": branch.model.clock.step(),
            "last_step": branch.last_step(),
            "plane": plane,
            "voxel_um": grid.voxel_um,
            "hypoxia_mmhg": scenario.number("oxygen.hypoxia_mmhg"),
            "extent_mm": grid.extent_um().map(|um| um / 1000.0),
            "entries": entries,
            "host": branch.host(),
            "warnings": warnings,
            "hash": branch.hash(),
            "events": branch.news(),
            "sets": branch.changes.sets,
        });
        let hash = branch.model.state_hash();
        let frame = frame::frame(&branch.model.tissue, &branch.row(), number, hash, branch.is_over());
        Ok((vec![frame::geometry(&branch.model.tissue, number), frame], answer))
    }

    fn advance(&mut self, number: usize, steps: u64) -> Result<Answer> {
        self.branch(number)?;
        let branch = &mut self.branches[number];
        let vessels = branch.model.tissue.vessels.id.clone();
        branch.advance(steps.min(MOST_STEPS))?;
        let (tissue, hash) = (&branch.model.tissue, branch.model.state_hash());
        let mut messages = Vec::new();
        if tissue.vessels.id != vessels {
            messages.push(frame::geometry(tissue, number));
        }
        messages.push(frame::frame(tissue, &branch.row(), number, hash, branch.is_over()));
        let mut answer = json!({
            "is": "advanced",
            "branch": number,
            "step": branch.model.clock.step(),
            "hash": hex(hash),
            "is_last": branch.is_over(),
            "host": branch.host(),
        });
        if branch.is_over() {
            answer["summary"] = branch.summary();
        }
        answer["events"] = branch.news().into();
        Ok((messages, answer))
    }

    /// The model of a branch at a step; before the branch began, that of the branch that it left.
    fn at(&self, number: usize, step: u64) -> Result<Model> {
        let branch = self.branch(number)?;
        match branch.parent {
            Some((parent, _)) if step < branch.first_step() => self.at(parent, step),
            _ => Ok(branch.at(step)?.0),
        }
    }

    fn look(&self, number: usize, step: u64) -> Result<Answer> {
        let model = self.at(number, step)?;
        let branch = self.branch(number)?;
        let row = branch.row_of(&model);
        let hash = model.state_hash();
        let messages = vec![
            frame::geometry(&model.tissue, number),
            frame::frame(&model.tissue, &row, number, hash, false),
        ];
        Ok((
            messages,
            json!({ "is": "look", "branch": number, "step": step, "hash": hex(hash) }),
        ))
    }

    fn biopsy(&self, order: &Biopsy) -> Result<Answer> {
        let branch = self.branch(order.branch)?;
        let snapshot = self.at(order.branch, order.step)?.snapshot();
        let (pictures, mut answer) = slide::biopsy(
            &snapshot,
            &slide::lens(&branch.scenario)?,
            &slide::Order {
                x_um: 1000.0 * order.x_mm,
                diameter_um: 1000.0 * order.punch_mm,
                depth_um: 1000.0 * order.depth_mm,
                stains: order.stains.clone(),
                px_per_mm: order.px_per_mm,
            },
        )?;
        answer["is"] = "biopsy".into();
        answer["day"] = snapshot.day.into();
        Ok((pictures, answer))
    }

    fn lottery(&self, order: &Lottery) -> Result<Answer> {
        let branch = self.branch(order.branch)?;
        let snapshot = self.at(order.branch, order.step)?.snapshot();
        let draw = lottery::Draw {
            n: order.n,
            seed: order.seed,
            diameter_um: 1000.0 * order.punch_mm,
            depth_um: 1000.0 * order.depth_mm,
            within: order.within,
        };
        let mut answer = lottery::take(&snapshot, &draw, &slide::lens(&branch.scenario)?)?;
        answer["is"] = "lottery".into();
        answer["day"] = snapshot.day.into();
        Ok((Vec::new(), answer))
    }

    /// The scenario of a branch as a file that `calcisim run` takes; what no scenario can say stands above it in words.
    fn toml(&self, number: usize) -> Result<String> {
        let branch = self.branch(number)?;
        let mut head = String::from("# Written by the page of calcisim. For teaching; never for care.\n");
        if let Some((parent, step)) = branch.parent {
            let day = step as f64 * branch.step_h() / 24.0;
            head += &format!("# This course left course {parent} on day {day}.\n");
            if !branch.changes.sets.is_empty() {
                head +=
                    "# Switches and rates below were changed on that day; a run of this file has them from day 0.\n";
            }
        }
        if !branch.changes.hold.is_empty() {
            let ids: Vec<String> = branch.changes.hold.iter().map(u64::to_string).collect();
            head += &format!(
                "# Vessels held open, which a scenario cannot say: {}.\n",
                ids.join(", ")
            );
        }
        if !branch.changes.without.is_empty() {
            head += &format!(
                "# Left out: {}. Delete their tables.\n",
                branch.changes.without.join(", ")
            );
        }
        Ok(head + &branch.scenario.resolved_toml())
    }
}

#[cfg(test)]
mod tests;
