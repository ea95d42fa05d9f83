//! What happened: closures, reopenings, deaths, doses, with their causes.

use serde::{Deserialize, Serialize};

/// Kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A challenge began.
    Challenge,
    /// A therapy was given.
    Dose,
    /// A segment closed.
    Closure,
    /// A closed segment opened again.
    Reopening,
    /// Flow in a segment turned round.
    Reversal,
    /// A patch of tissue died.
    Death,
    /// The surface broke.
    Ulceration,
    /// The wound closed.
    WoundClosure,
    /// Bacteria settled.
    Infection,
    /// A sprout joined the network.
    Anastomosis,
    /// Dead tissue was taken away.
    Debridement,
    /// A rule of care ordered a dose on a reading.
    Decision,
}

impl EventKind {
    /// Name in `events.csv`.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Challenge => "challenge",
            EventKind::Dose => "dose",
            EventKind::Closure => "closure",
            EventKind::Reopening => "reopening",
            EventKind::Reversal => "reversal",
            EventKind::Death => "death",
            EventKind::Ulceration => "ulceration",
            EventKind::WoundClosure => "wound_closure",
            EventKind::Infection => "infection",
            EventKind::Anastomosis => "anastomosis",
            EventKind::Debridement => "debridement",
            EventKind::Decision => "decision",
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Number in the run, from 1.
    pub id: u64,
    /// Step in which it happened.
    pub step: u64,
    /// Kind.
    pub kind: EventKind,
    /// What it happened to: `segment:118`, `adipocyte:7`, `therapy:msc`.
    pub entity: String,
    /// Place [µm].
    pub place_um: [f64; 3],
    /// Earlier event that caused it.
    pub cause: Option<u64>,
    /// Values at that moment.
    pub values: Vec<(String, f64)>,
}

/// Events not yet written, and the latest event of each thing that can be a cause.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventLog {
    /// Events so far in the run.
    pub count: u64,
    /// Events of the last step, for the recorder; the next step clears them.
    #[serde(skip)]
    pub pending: Vec<Event>,
    /// Latest challenge or dose.
    pub latest_trigger: Option<u64>,
    /// Latest closure or reopening of a segment.
    pub latest_closure: Option<u64>,
}

impl EventLog {
    /// Adds an event and returns its number.
    pub fn add(
        &mut self,
        step: u64,
        kind: EventKind,
        entity: String,
        place_um: [f64; 3],
        cause: Option<u64>,
        values: &[(&str, f64)],
    ) -> u64 {
        self.count += 1;
        self.pending.push(Event {
            id: self.count,
            step,
            kind,
            entity,
            place_um,
            cause,
            values: values.iter().map(|&(k, v)| (k.to_owned(), v)).collect(),
        });
        self.count
    }

    /// Hands over what was not yet taken.
    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.pending)
    }
}
