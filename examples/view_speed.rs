//! What the native engine costs behind a page: frames and days for each second of one processor.
//!
//!     cargo run --release --example view_speed -- [DAYS]
//!
//! The beside of `node web/speed.mjs`: the same requests, answered by the same session. The time is that of the thread on its
//! processor where the system tells it, else the clock's.

use std::error::Error;
use std::time::Instant;

use calcisim::view::{Message, Session};
use serde_json::{Value, json};

/// Steps between two frames, as the page begins.
const PACE: u64 = 6;

/// Seconds of this thread on a processor.
fn spent(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

fn ask(session: &mut Session, request: &Value) -> Result<(Value, usize), Box<dyn Error>> {
    let messages = session.ask(&request.to_string());
    let bytes = messages.iter().map(|m| match m {
        Message::Bytes(bytes) => bytes.len(),
        Message::Text(_) => 0,
    });
    let bytes = bytes.sum();
    match messages.last() {
        Some(Message::Text(text)) => Ok((serde_json::from_str(text)?, bytes)),
        _ => Err("an answer ends with a text".into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let days: u64 = std::env::args().nth(1).map_or(Ok(30), |word| word.parse())?;
    let start = Instant::now();
    for size in [Some("classroom"), None] {
        let mut session = Session::new("native", None);
        let name = size.unwrap_or("default");
        let mark = spent(start);
        let open = json!({ "do": "open", "scenario": "cua_warfarin", "size": size, "seed": 1, "days": days });
        let (opened, bytes) = ask(&mut session, &open)?;
        let first = spent(start) - mark;
        println!(
            "{}",
            json!({ "engine": "native", "size": name, "what": "open and first frame", "value": first, "unit": "s", "bytes": bytes })
        );
        let last = opened["last_step"].as_u64().ok_or("no last step")?;
        let (mark, mut frames, mut step) = (spent(start), 0, 0);
        let mut answer = opened;
        while step < last {
            let request = json!({ "do": "advance", "branch": 0, "steps": PACE.min(last - step) });
            answer = ask(&mut session, &request)?.0;
            step = answer["step"].as_u64().ok_or("no step")?;
            frames += 1;
        }
        let cost = spent(start) - mark;
        println!(
            "{}",
            json!({ "engine": "native", "size": name, "what": "advance", "days": days, "value": days as f64 / cost, "unit": "days/s of processor",
                    "frames_per_s": f64::from(frames) / cost, "hash": answer["hash"] })
        );
    }
    Ok(())
}
