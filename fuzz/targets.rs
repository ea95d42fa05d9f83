//! What is fuzzed, and with what: one function for each reader that strangers can feed, the shipped files as seeds, and slips
//! that know the structure of what they change. `tests/trust/fuzz.rs` runs a bounded number of them in every test run; the targets of
//! `fuzz/fuzz_targets` run them under libFuzzer with coverage.
//!
//! A target must not panic, must end, and must hold its memory within bounds, whatever the bytes. So that there can be a million
//! cases, a case is small: tissue of a hundred voxels, the first arms and factors of shipped experiments, and what costs most is
//! done with some of the inputs only ([`is_chosen`]).

use std::sync::OnceLock;

use calcisim::checkpoint::{self, Checkpoint, Lengths};
use calcisim::experiment::plan::RunId;
use calcisim::experiment::segment::{self, Record};
use calcisim::experiment::{file, validation, verdict};
use calcisim::initial::network_files::{self, CaseTables, Tables};
use calcisim::model::{Model, Parameters};
use calcisim::output::run_json::RunJson;
use calcisim::output::summary::Watch;
use calcisim::output::{hashes, seal};
use calcisim::scenario::{Library, Scenario, Shipped};
use calcisim::view::{Message, Session};

/// The targets.
pub const TARGETS: [&str; 8] = [
    "scenario",
    "experiment",
    "network",
    "checkpoint",
    "segment",
    "request",
    "record",
    "archive",
];

/// Feeds one target. Answers how far the bytes came: 0 refused at once, more = deeper.
pub fn feed(target: &str, data: &[u8]) -> usize {
    match target {
        "scenario" => scenario(&String::from_utf8_lossy(data)),
        "experiment" => experiment(&String::from_utf8_lossy(data)),
        "network" => network(&String::from_utf8_lossy(data)),
        "checkpoint" => checkpoint(data),
        "segment" => segments(data),
        "request" => request(&String::from_utf8_lossy(data)),
        "record" => record(data),
        "archive" => archive(data),
        other => panic!("there is no target {other}"),
    }
}

/// One input in `n`, the same ones each time.
fn is_chosen(data: &[u8], n: u64) -> bool {
    data.iter().map(|&byte| u64::from(byte)).sum::<u64>() % n == 0
}

/// A scenario; one that is accepted prints as one that is accepted and means the same.
fn scenario(text: &str) -> usize {
    match Scenario::from_text("x.toml", text, &[]) {
        Ok((scenario, _)) => {
            if let Err(fault) = scenario.parameters(&Shipped) {
                assert!([3, 4].contains(&fault.exit_code()), "{fault}");
            }
            if !is_chosen(text.as_bytes(), 4) {
                return 2;
            }
            let again = scenario.resolved_toml();
            let (second, _) = Scenario::from_text("again.toml", &again, &[]).unwrap_or_else(|fault| {
                panic!("the resolved text of an accepted scenario is refused: {fault}\n{again}")
            });
            assert_eq!(second.resolved_toml(), again, "resolved twice it is the same");
            3
        }
        Err(fault) => {
            let lines = text.lines().count() + 2;
            assert!([3, 4].contains(&fault.exit_code()), "{fault}");
            for found in fault.diagnostics() {
                // What it extends has lines of its own.
                assert!(found.file != "x.toml" || found.line <= lines, "{found}");
            }
            1
        }
    }
}

/// Whether an experiment may have a design of thousands of points and more, which is allowed and costs what it costs. Longer
/// numbers are refused at once.
fn is_costly(text: &str) -> bool {
    let written = text.lines().map(|line| line.split('#').next().unwrap_or(""));
    let mut words = written.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || ".-_".contains(c))));
    words.any(|word| (4..=8).contains(&word.len()) && word.bytes().all(|c| c.is_ascii_digit()))
}

fn experiment(text: &str) -> usize {
    if is_costly(text) {
        return 0;
    }
    match file::check(&Shipped, "experiments/x.toml", text) {
        Ok(_) => 2,
        Err(fault) => {
            assert!([3, 4].contains(&fault.exit_code()), "{fault}");
            // What stands beside experiments has readers of its own.
            let beside = |name: &str| Shipped::text(&format!("experiments/{name}")).unwrap_or_default();
            let _ = validation::validate(("t.toml", text), ("r.toml", beside("readings")), &[]);
            let _ = validation::validate(("t.toml", beside("targets")), ("r.toml", text), &[]);
            let _ = verdict::check("c.toml", text);
            1
        }
    }
}

/// Mark between the tables of one input.
pub const NEXT_TABLE: &str = "\n#----\n";

/// Nodes, segments, boundary, closed segments and diameters, one after the other.
fn network(text: &str) -> usize {
    let mut parts = text.split(NEXT_TABLE);
    let mut part = |name: &str| parts.next().map(|text| (name.to_owned(), text.to_owned()));
    let tables = Tables {
        nodes: part("nodes.csv").unwrap_or_default(),
        segments: part("segments.csv").unwrap_or_default(),
        boundary: part("boundary.csv"),
    };
    let case = CaseTables {
        boundary: None,
        occluded: part("occluded.csv"),
        diameters: part("diameters.csv"),
    };
    match network_files::read(&tables, &case) {
        Ok(network) => {
            let many = network.segment_id.len();
            assert!(
                network
                    .ends
                    .iter()
                    .flatten()
                    .all(|&node| (node as usize) < network.node_id.len())
            );
            assert!([network.diameter_um.len(), network.length_um.len(), network.open.len()] == [many; 3]);
            let _ = network_files::start(&tables.segments, &network);
            2
        }
        Err(_) => 1,
    }
}

/// A site of 10 × 10 voxels.
const SITE: &str = "[run]\ndays = 3\n[space]\nwidth_mm = 0.6\ndepth_mm = 0.6\nskin_mm = 0.3\nvoxel_um = 100.0\n\
                    [network]\narteriole_pitch_mm = 0.6\njudge = false\n";

/// Parameters and a state for checkpoints: small, sick, with cells.
fn small() -> &'static (Parameters, Vec<u8>) {
    static SMALL: OnceLock<(Parameters, Vec<u8>)> = OnceLock::new();
    SMALL.get_or_init(|| {
        let text = format!(
            "schema = 1\nname = \"small\"\n{SITE}[[challenge]]\nkind = \"trauma\"\nstart_d = 0\ndepth_mm = 0.3\nradius_mm = 0.2\n\
             [[therapy]]\nkind = \"msc\"\nroute = \"intradermal\"\nstart_d = 0.1\ndose_cells_per_cm2 = 1e6\n"
        );
        let made = || {
            let (scenario, _) = Scenario::from_text("small.toml", &text, &[])?;
            let parameters = scenario.parameters(&Shipped)?;
            let mut model = Model::new(parameters.clone(), 1)?;
            for _ in 0..8 {
                model.step()?;
            }
            let saved = Checkpoint {
                step: model.clock.step(),
                state_hash: model.state_hash(),
                scenario: 0,
                state: model.state(),
                watch: Watch::default(),
                lengths: Lengths::default(),
            };
            let plain = postcard::to_stdvec(&saved).unwrap_or_default();
            Ok::<_, calcisim::error::Error>((parameters, plain))
        };
        made().unwrap_or_else(|fault| panic!("a small state: {fault}"))
    })
}

/// The bytes of a file, or what such a file holds, framed with a sum that holds. What is accepted is stepped.
fn checkpoint(data: &[u8]) -> usize {
    let Some((&how, rest)) = data.split_first() else {
        return 0;
    };
    let framed = if how % 2 == 0 {
        Ok(rest.to_vec())
    } else {
        checkpoint::framed(rest)
    };
    let Ok(bytes) = framed else { return 0 };
    let Ok(saved) = checkpoint::decode(&bytes) else {
        return 0;
    };
    let Ok(mut model) = Model::restore(small().0.clone(), 1, saved.state) else {
        return 1;
    };
    if !is_chosen(rest, 2) {
        return 2;
    }
    // A state that is not physical is an error of the step, and no crash.
    match model.step() {
        Ok(()) => 3,
        Err(_) => 2,
    }
}

fn segments(data: &[u8]) -> usize {
    let scan = segment::scan_bytes(data, true).unwrap_or_else(|fault| panic!("bytes in memory: {fault}"));
    assert!(scan.end <= data.len() as u64 && scan.torn <= data.len() as u64);
    let whole: u64 = scan.heads.iter().map(|head| head.size()).sum();
    assert!(whole <= data.len() as u64, "{scan:?}");
    usize::from(scan.bad > 0) + 2 * usize::from(!scan.heads.is_empty())
}

/// Requests of a page, one a line, of a small site.
fn request(text: &str) -> usize {
    let site = serde_json::Value::from(SITE).to_string();
    let site = site.trim_matches('"');
    let mut session = Session::new("fuzz", None);
    let mut depth = 0;
    for line in text.lines().take(5) {
        // Sites of any other size are allowed, and take their time. What a page is greeted with is made of every scenario.
        let rest = line.replacen(site, "", 1);
        let is_other_site = rest.contains("\"open\"")
            && (rest.len() == line.len()
                || ["scenario\"", "space", "width_mm", "voxel_um"]
                    .iter()
                    .any(|word| rest.contains(word)));
        if is_other_site || (line.contains("hello") && !is_chosen(text.as_bytes(), 64)) {
            continue;
        }
        let answers = session.ask(line);
        let Some(Message::Text(last)) = answers.last() else {
            panic!("a request is answered by a text: {line}");
        };
        let answer: serde_json::Value = serde_json::from_str(last).unwrap_or_else(|fault| panic!("{fault}: {last}"));
        depth += usize::from(answer["is"] != "error");
    }
    depth
}

fn record(data: &[u8]) -> usize {
    let text = String::from_utf8_lossy(data);
    let found = hashes::parse(&text).len();
    let Ok(record) = serde_json::from_slice::<RunJson>(data) else {
        return usize::from(found > 0);
    };
    let sealed = record.seal.clone().unwrap_or_default();
    let _ = seal::holds(&text, &sealed.record);
    2
}

fn archive(data: &[u8]) -> usize {
    let at = std::env::temp_dir().join(format!(
        "calcisim-fuzz-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let found = calcisim::simulation::pack::unpack_bytes(data, &at);
    usize::from(found.is_ok())
}

/// Inputs that are fed without a slip: every shipped file, and small made ones.
pub fn whole(target: &str) -> Vec<Vec<u8>> {
    if target == "experiment" {
        // Thirty arms and more: seconds where much other work waits.
        let is_long = |text: &String| text.matches("[[arms]]").count() > 8;
        let texts = shipped_experiments().map(|text| if is_long(&text) { shortened(&text) } else { text });
        return texts.map(String::into_bytes).collect();
    }
    seeds(target)
}

fn shipped_experiments() -> impl Iterator<Item = String> {
    let text = |name: &str| Shipped::text(&format!("experiments/{name}")).unwrap_or_default();
    file::shipped().into_iter().map(move |name| text(name).to_owned())
}

/// A sweep with what no shipped experiment has: correlations, conditions, an end when the interval is narrow.
const SWEEP: &str = "schema = \"calcisim-experiment/1\"\nkind = \"sweep\"\nname = \"s\"\nbase = \"healthy\"\nreplicates = 20\n[design]\n\
    method = \"lhs\"\nn = 12\ncorrelations = [{ of = [\"mineral.growth_rate_per_d\", \"oxygen.hypoxia_mmhg\"], rank = 0.8 }]\n\
    [[factors]]\npath = \"mineral.growth_rate_per_d\"\n[[factors]]\npath = \"oxygen.hypoxia_mmhg\"\n\
    dist = { type = \"uniform\", low = 4.0, high = 9.0 }\n[constraints]\nkeep = [\"oxygen.hypoxia_mmhg * 2 + 1 < 18\"]\n\
    [outputs]\nendpoints = [\"mineral_ug\"]\n[sequential]\nendpoint = \"mineral_ug\"\nhalf_width = 0.5\n";

/// The first tables of each list: two arms, two factors; whole numbers of three digits at most.
fn shortened(text: &str) -> String {
    let mut kept = String::new();
    let mut count = std::collections::BTreeMap::new();
    let mut is_kept = true;
    for line in text.split_inclusive('\n') {
        if line.starts_with("[[") {
            let n: &mut usize = count.entry(line).or_default();
            *n += 1;
            is_kept = *n <= 2;
        } else if line.starts_with('[') {
            is_kept = true;
        }
        if is_kept {
            let words = line.split_inclusive(|c: char| !(c.is_alphanumeric() || ".-_".contains(c)));
            kept.extend(words.map(|word| {
                let digits = word.bytes().take_while(u8::is_ascii_digit).count();
                let is_whole = digits > 3 && word.len() <= digits + 1;
                if is_whole {
                    [&word[..3], &word[digits..]].concat()
                } else {
                    word.to_owned()
                }
            }));
        }
    }
    kept
}

/// Inputs in which slips are made.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let texts = |list: Vec<String>| list.into_iter().map(String::into_bytes).collect();
    let shipped = |name: &str, from| Shipped.read(name, from).map(|(_, text)| text).unwrap_or_default();
    match target {
        "scenario" => {
            let mut list: Vec<String> = Shipped::names().map(|name| shipped(name, None)).collect();
            let whole = Scenario::load(&Shipped, "multimodal", &[]).map(|(scenario, _)| scenario.resolved_toml());
            list.extend(whole.ok());
            texts(list)
        }
        "experiment" => {
            // With the targets, readings and criteria beside them.
            let all = Shipped::files("experiments").filter_map(Shipped::text);
            texts(all.chain([SWEEP]).map(shortened).collect())
        }
        "network" => {
            let parts = [
                "id,x_um,y_um,z_um\n0,0,0,0\n1,100,0,0\n2,200,50,0\n3,200,-50,0\n4,300,0,0\n",
                "id,from,to,diameter_um,type\n10,0,1,12.5,2\n11,1,2,8,1\n12,1,3,7.5,1\n13,2,4,9,3\n14,3,4,9,3\n",
                "node,kind,value,hd_inflow\n0,inflow_nl_min,2.5,0.4\n4,pressure_mmHg,15,\n",
                "segment_id\n12\n",
                "id,diameter_um\n13,6.25\n",
            ];
            texts(vec![
                parts.join(NEXT_TABLE),
                parts[..3].join(NEXT_TABLE),
                parts[..2].join(NEXT_TABLE),
            ])
        }
        "checkpoint" => {
            let plain = &small().1;
            let framed = checkpoint::framed(plain).unwrap_or_default();
            vec![[&[0], framed.as_slice()].concat(), [&[1], plain.as_slice()].concat()]
        }
        "segment" => {
            let one = |n: u8, failed: bool| Record {
                run: RunId([n; 16]),
                is_failed: failed,
                outcome: vec![n; 40],
                series: vec![n; 90],
                aside: vec![n; 12],
            };
            let two = [one(1, false).bytes(), one(2, true).bytes()].concat();
            let torn = [one(3, false).bytes(), one(4, false).bytes()[..80].to_vec()].concat();
            vec![two, torn, one(5, false).bytes()]
        }
        "request" => {
            let site = serde_json::Value::from(format!(
                "schema = 1\n{SITE}[[challenge]]\nkind = \"trauma\"\nstart_d = 0\ndepth_mm = 0.3\nradius_mm = 0.2\n"
            ));
            let open = format!("{{\"id\":1,\"do\":\"open\",\"text\":{site},\"days\":3,\"seed\":1}}\n");
            let asked = [
                "{\"id\":2,\"do\":\"advance\",\"branch\":0,\"steps\":2}\n\
                 {\"id\":3,\"do\":\"fork\",\"branch\":0,\"step\":1,\"sets\":[\"host.phosphate_mmol_per_l=2\"],\"append\":\"\",\"hold\":[\"1\"]}\n\
                 {\"id\":4,\"do\":\"look\",\"branch\":1,\"step\":1}\n",
                "{\"id\":5,\"do\":\"biopsy\",\"branch\":0,\"step\":0,\"x_mm\":0.3,\"punch_mm\":0.4,\"depth_mm\":0.5,\"stains\":[\"he\",\"vk\"],\"px_per_mm\":30}\n\
                 {\"id\":6,\"do\":\"ground\",\"branch\":0,\"stain\":\"section\",\"px_per_mm\":20}\n",
                "{\"id\":7,\"do\":\"lottery\",\"branch\":0,\"step\":0,\"n\":3,\"seed\":1,\"punch_mm\":0.4,\"depth_mm\":0.5,\"within\":[0.2,0.9]}\n\
                 {\"id\":8,\"do\":\"toml\",\"branch\":0}\n",
            ];
            let mut list: Vec<String> = asked.iter().map(|rest| format!("{open}{rest}")).collect();
            list.push("{\"id\":1,\"do\":\"hello\"}\n{\"id\":2,\"do\":\"toml\",\"branch\":0}\n".to_owned());
            texts(list)
        }
        "record" => {
            let text = "{\"status\":\"complete\",\"version\":\"0.1.0\",\"git\":\"x\",\"features\":[],\"scenario\":\"a\",\"seed\":1,\
                 \"threads\":1,\"days\":1.0,\"steps\":24,\"steps_executed\":24,\"wall_s\":1.0,\"steps_executed_total\":24,\
                 \"wall_s_total\":1.0,\"state_hash\":\"00\",\"network_attempts\":1,\"network\":{},\"warnings\":[],\
                 \"history\":[{\"scenario\":\"history-0.toml\",\"seed\":1,\"until_step\":3,\"state_hash\":\"00\"}],\
                 \"seal\":{\"files\":{\"series.csv\":\"00\"},\"record\":\"00\"}}";
            texts(vec![
                text.to_owned(),
                "step,state_hash\n0,0123456789abcdef\n24,fedcba9876543210\n".to_owned(),
            ])
        }
        "archive" => {
            let made = |is_large: bool| {
                let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
                let stored = zip::write::SimpleFileOptions::default()
                    .compression_method(zip::CompressionMethod::Stored)
                    .large_file(is_large);
                for name in ["manifest.xml", "run.json", "snapshots/day-0000.00.snap"] {
                    let put = zip.start_file(name, stored);
                    put.unwrap_or_else(|fault| panic!("{name}: {fault}"));
                    let _ = std::io::Write::write_all(&mut zip, b"0123456789");
                }
                zip.finish().map(std::io::Cursor::into_inner)
            };
            [made(false), made(true)].into_iter().flatten().collect()
        }
        other => panic!("there is no target {other}"),
    }
}

/// Dice of the slips: SplitMix64.
pub struct Slips(pub u64);

impl Slips {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `n`, 0 for 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.word() % n as u64) as usize }
    }

    fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// One or a few slips in an input; texts as texts, bytes as bytes.
pub fn spoil(target: &str, data: &[u8], other: &[u8], slips: &mut Slips) -> Vec<u8> {
    let mut bytes = data.to_vec();
    for _ in 0..=slips.below(3) {
        let is_text = !matches!(target, "checkpoint" | "segment" | "archive");
        bytes = if is_text && slips.below(8) > 0 {
            let (text, other) = (
                String::from_utf8_lossy(&bytes).into_owned(),
                String::from_utf8_lossy(other).into_owned(),
            );
            spoil_text(&text, &other, slips).into_bytes()
        } else {
            spoil_bytes(&bytes, other, slips)
        };
    }
    bytes
}

const NUMBERS: [&str; 16] = [
    "0",
    "-1",
    "1",
    "-0",
    "0.0",
    "1e308",
    "-1e308",
    "1e-308",
    "nan",
    "inf",
    "-inf",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0x7f",
    "1e9999",
];
const PIECES: [&str; 22] = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "=",
    ",",
    ".",
    "#",
    "\n",
    "\r\n",
    "\\",
    "\u{0}",
    "\u{feff}",
    "µ",
    "\u{10ffff}",
    "[[therapy]]\n",
    "extends = \"healthy\"\n",
];

fn spoil_text(text: &str, other: &str, slips: &mut Slips) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let theirs: Vec<&str> = other.split_inclusive('\n').collect();
    let (at, to) = (slips.below(lines.len()), slips.below(lines.len()));
    match slips.below(9) {
        0 if !lines.is_empty() => {
            lines.remove(at);
            lines.concat()
        }
        1 if !lines.is_empty() => {
            lines.insert(to, lines[at]);
            lines.concat()
        }
        2 if !lines.is_empty() => {
            lines.swap(at, to);
            lines.concat()
        }
        3 if !theirs.is_empty() => {
            lines.insert(at, theirs[slips.below(theirs.len())]);
            lines.concat()
        }
        // A number becomes one at the end of what is possible.
        4 | 5 => replace(text, |c| c.is_ascii_digit() || "+-.eE".contains(c), slips, &NUMBERS),
        // A word becomes another word of the same or the other text.
        6 => {
            let words: Vec<&str> = other
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .filter(|w| !w.is_empty())
                .collect();
            replace(text, |c| c.is_alphanumeric() || c == '_', slips, &words)
        }
        7 => {
            let mut at = slips.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            format!("{}{}{}", &text[..at], slips.pick(&PIECES), &text[at..])
        }
        _ => String::from_utf8_lossy(&spoil_bytes(text.as_bytes(), other.as_bytes(), slips)).into_owned(),
    }
}

/// Replaces one run of characters by one of a list.
fn replace(text: &str, is_of: impl Fn(char) -> bool, slips: &mut Slips, list: &[&str]) -> String {
    let mut runs = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices().chain([(text.len(), '\n')]) {
        match (start, is_of(c)) {
            (None, true) => start = Some(i),
            (Some(begin), false) => {
                runs.push(begin..i);
                start = None;
            }
            _ => {}
        }
    }
    if runs.is_empty() || list.is_empty() {
        return text.to_owned();
    }
    let run = runs[slips.below(runs.len())].clone();
    format!("{}{}{}", &text[..run.start], slips.pick(list), &text[run.end..])
}

fn spoil_bytes(data: &[u8], other: &[u8], slips: &mut Slips) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let at = slips.below(bytes.len());
    match slips.below(8) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << slips.below(8),
        1 if !bytes.is_empty() => bytes[at] = slips.pick(&[&0u8, &1, &0x7f, &0x80, &0xff]).to_owned(),
        2 => bytes.truncate(at),
        3 => {
            let end = (at + slips.below(64)).min(bytes.len());
            bytes.drain(at..end);
        }
        4 if !other.is_empty() => {
            let from = slips.below(other.len());
            let many = slips.below(64).min(other.len() - from);
            bytes.splice(at..at, other[from..from + many].iter().copied());
        }
        5 if !bytes.is_empty() => {
            let end = (at + slips.below(64)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        // A length or a count in place.
        6 if bytes.len() >= at + 8 => {
            let value = slips
                .pick(&[&0u64, &1, &0xff, &0xffff_ffff, &u64::MAX, &(1 << 40)])
                .to_le_bytes();
            let width = [1, 2, 4, 8][slips.below(4)];
            bytes[at..at + width].copy_from_slice(&value[..width]);
        }
        _ => bytes.push(slips.below(256) as u8),
    }
    bytes
}

/// [`spoil`] as libFuzzer wants it: half of its own slips, half of ours.
pub fn mutate(target: &str, data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut slips = Slips(u64::from(seed));
    let list = seeds(target);
    let other = &list[slips.below(list.len())];
    let begin = if size == 0 { other.as_slice() } else { &data[..size] };
    let spoilt = spoil(target, begin, other, &mut slips);
    let many = spoilt.len().min(max_size);
    data[..many].copy_from_slice(&spoilt[..many]);
    many
}
