//! `events.csv`: what happened, to what, where, because of what.

use super::{number, quoted};
use crate::state::Event;

/// The header line.
pub const HEADER: &str = "id,t_d,kind,entity,x_um,y_um,z_um,cause,values\n";

/// One event as a line.
pub fn line(event: &Event, step_h: f64) -> String {
    let values: Vec<String> = event
        .values
        .iter()
        .map(|(key, value)| format!("{key}={}", number(*value)))
        .collect();
    let [x, y, z] = event.place_um.map(number);
    format!(
        "{},{},{},{},{x},{y},{z},{},{}\n",
        event.id,
        number(event.step as f64 * step_h / 24.0),
        event.kind.name(),
        quoted(&event.entity),
        event.cause.map_or_else(String::new, |id| id.to_string()),
        quoted(&values.join(";")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::EventKind;

    #[test]
    fn a_line_reads_as_the_contract_says() {
        let event = Event {
            id: 3,
            step: 36,
            kind: EventKind::Closure,
            entity: "segment:118".to_owned(),
            place_um: [10.0, 0.0, 250.5],
            cause: Some(1),
            values: vec![("thrombus".to_owned(), 0.95), ("flow".to_owned(), 0.0)],
        };
        assert_eq!(
            line(&event, 1.0),
            "3,1.5,closure,segment:118,10,0,250.5,1,thrombus=0.95;flow=0\n"
        );
    }
}
