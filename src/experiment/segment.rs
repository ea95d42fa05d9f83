//! Segments: files that only grow, one per worker, in which every result is framed and checked.
//!
//! A record is a head of 64 bytes and a body:
//!
//! | bytes | what |
//! |---|---|
//! | 8  | `CALCRUN1` |
//! | 16 | `run_id` |
//! | 1 + 3 | 1 = ok, 2 = failed; zeros |
//! | 4, 4, 4 | lengths of outcome, series, circumstances |
//! | 8 | xxh3 of outcome and series: what must be the same for the same run |
//! | 8 | xxh3 of the circumstances (time, host) |
//! | 8 | xxh3 of the head before it |
//!
//! A reader takes only records whose sums hold, looks for the next magic word after damage, and leaves a torn tail alone.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use xxhash_rust::xxh3::xxh3_64;

use super::plan::RunId;
use crate::error::Result;
use crate::output::files::{self, trouble};

const MAGIC: &[u8; 8] = b"CALCRUN1";
const HEAD: usize = 64;
/// No outcome is as large: a damaged length is not believed.
const LARGEST: u32 = 1 << 30;
/// Runs longer than this are synced one by one; of shorter ones a second may be lost.
const WORTH_SYNCING: Duration = Duration::from_secs(1);

/// The head of a record, and where its body lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The run.
    pub run: RunId,
    /// Whether it failed.
    pub is_failed: bool,
    lengths: [u32; 3],
    sum: u64,
    aside_sum: u64,
    /// Offset of the body in its file.
    pub offset: u64,
}

impl Head {
    /// Sum of what must be the same for the same run.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    fn body(&self) -> u64 {
        self.lengths.iter().map(|&n| u64::from(n)).sum()
    }

    /// Bytes of the whole record.
    pub fn size(&self) -> u64 {
        HEAD as u64 + self.body()
    }
}

/// A whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The run.
    pub run: RunId,
    /// Whether it failed.
    pub is_failed: bool,
    /// What came out.
    pub outcome: Vec<u8>,
    /// Its course in time; may be empty.
    pub series: Vec<u8>,
    /// Time, host and the like: may differ between attempts.
    pub aside: Vec<u8>,
}

impl Record {
    /// Sum of what must be the same for the same run.
    pub fn sum(&self) -> u64 {
        sum_of(&self.outcome, &self.series)
    }

    /// The bytes of the record.
    pub fn bytes(&self) -> Vec<u8> {
        let body = self.outcome.len() + self.series.len() + self.aside.len();
        let mut bytes = Vec::with_capacity(HEAD + body);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.run.0);
        bytes.extend_from_slice(&[1 + u8::from(self.is_failed), 0, 0, 0]);
        for part in [&self.outcome, &self.series, &self.aside] {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        bytes.extend_from_slice(&self.sum().to_le_bytes());
        bytes.extend_from_slice(&xxh3_64(&self.aside).to_le_bytes());
        let head_sum = xxh3_64(&bytes);
        bytes.extend_from_slice(&head_sum.to_le_bytes());
        for part in [&self.outcome, &self.series, &self.aside] {
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

fn sum_of(outcome: &[u8], series: &[u8]) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    hasher.update(outcome);
    hasher.update(&(outcome.len() as u64).to_le_bytes());
    hasher.update(series);
    hasher.digest()
}

/// A head from its bytes; nothing when a sum or a number is wrong.
fn head(bytes: &[u8], at: u64) -> Option<Head> {
    let bytes = bytes.get(..HEAD)?;
    let word = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).ok();
    let short = |at: usize| bytes[at..at + 4].try_into().map(u32::from_le_bytes).ok();
    let is_whole = bytes.starts_with(MAGIC) && word(HEAD - 8)? == xxh3_64(&bytes[..HEAD - 8]);
    let lengths = [short(28)?, short(32)?, short(36)?];
    if !is_whole || lengths.iter().any(|&n| n > LARGEST) || !matches!(bytes[24], 1 | 2) {
        return None;
    }
    Some(Head {
        run: RunId(bytes[8..24].try_into().ok()?),
        is_failed: bytes[24] == 2,
        lengths,
        sum: word(40)?,
        aside_sum: word(48)?,
        offset: at + HEAD as u64,
    })
}

/// A whole record from its bytes; nothing when anything is wrong.
fn record(head: &Head, body: &[u8]) -> Option<Record> {
    let [outcome, series, aside] = head.lengths.map(|n| n as usize);
    if body.len() != outcome + series + aside {
        return None;
    }
    let (outcome, rest) = body.split_at(outcome);
    let (series, aside) = rest.split_at(series);
    (sum_of(outcome, series) == head.sum && xxh3_64(aside) == head.aside_sum).then(|| Record {
        run: head.run,
        is_failed: head.is_failed,
        outcome: outcome.to_vec(),
        series: series.to_vec(),
        aside: aside.to_vec(),
    })
}

/// What a walk over a segment found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Records whose sums hold.
    pub heads: Vec<Head>,
    /// Damaged places inside the file.
    pub bad: usize,
    /// Bytes of an unfinished record at its end.
    pub torn: u64,
    /// Where the next walk goes on.
    pub end: u64,
}

/// Walks over a segment from an offset. `is_thorough` checks bodies as well as heads.
pub fn scan(path: &Path, from: u64, is_thorough: bool) -> Result<Scan> {
    let mut file = File::open(path).map_err(|fault| trouble(path, "read", &fault))?;
    walk(&mut file, from, is_thorough).map_err(|fault| trouble(path, "read", &fault))
}

/// [`scan`] of bytes in memory.
pub fn scan_bytes(bytes: &[u8], is_thorough: bool) -> std::io::Result<Scan> {
    walk(&mut std::io::Cursor::new(bytes), 0, is_thorough)
}

/// The part of a file that is in memory while it is walked over.
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

fn walk(file: &mut (impl Read + Seek), from: u64, is_thorough: bool) -> std::io::Result<Scan> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut found = Scan {
        end: from,
        ..Scan::default()
    };
    let mut window = Window {
        start: from,
        bytes: Vec::new(),
    };
    let (mut at, mut was_bad) = (from, false);
    while at < size {
        let left = size - at;
        if left < HEAD as u64 && !was_bad {
            let start = window.get(file, at, left as usize)?;
            let is_torn = start.len() < MAGIC.len() || start.starts_with(MAGIC);
            if is_torn {
                found.torn = left;
                return Ok(found);
            }
        }
        let bytes = window.get(file, at, HEAD)?;
        let read = head(bytes, at);
        if let Some(head) = read {
            if head.size() > left {
                // The head is whole, so its length is right: the end of the record is missing.
                found.torn = left;
                return Ok(found);
            }
            let is_good = !is_thorough || {
                let body = window.get(file, head.offset, head.body() as usize)?;
                record(&head, body).is_some()
            };
            if is_good {
                found.heads.push(head);
            } else {
                found.bad += 1;
            }
            was_bad = false;
            at += head.size();
            found.end = at;
            continue;
        }
        found.bad += usize::from(!was_bad);
        was_bad = true;
        at = match next_magic(&mut window, file, at + 1, size)? {
            Some(next) => next,
            None => {
                // Nothing to go on with; a writer may still append a whole record here.
                return Ok(found);
            }
        };
    }
    Ok(found)
}

/// Offset of the next magic word.
fn next_magic(
    window: &mut Window,
    file: &mut (impl Read + Seek),
    from: u64,
    size: u64,
) -> std::io::Result<Option<u64>> {
    let mut at = from;
    while at < size {
        let bytes = window.get(file, at, 1 << 16)?;
        if let Some(place) = bytes.windows(MAGIC.len()).position(|word| word == MAGIC) {
            return Ok(Some(at + place as u64));
        }
        if bytes.len() < 1 << 16 {
            return Ok(None);
        }
        at += (bytes.len() - MAGIC.len() + 1) as u64;
    }
    Ok(None)
}

impl Window {
    /// So many bytes from an offset, fewer at the end of the file.
    fn get(&mut self, file: &mut (impl Read + Seek), at: u64, count: usize) -> std::io::Result<&[u8]> {
        const AHEAD: usize = 1 << 18;
        let is_inside = at >= self.start && at + count as u64 <= self.start + self.bytes.len() as u64;
        if !is_inside {
            file.seek(SeekFrom::Start(at))?;
            self.start = at;
            self.bytes.clear();
            let wanted = if count > AHEAD { count } else { AHEAD };
            file.take(wanted as u64).read_to_end(&mut self.bytes)?;
        }
        let start = (at - self.start) as usize;
        let end = (start + count).min(self.bytes.len());
        Ok(&self.bytes[start.min(end)..end])
    }
}

/// Reads one record again, as a walk has found it.
pub fn read(file: &mut File, head: &Head) -> std::io::Result<Option<Record>> {
    file.seek(SeekFrom::Start(head.offset))?;
    let mut body = Vec::new();
    file.take(head.body()).read_to_end(&mut body)?;
    Ok(record(head, &body))
}

/// Segments of a plan, sorted by name.
pub fn list(plan: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(plan.join("segments")) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .collect();
    found.sort();
    found
}

/// The segment of one worker.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: Option<File>,
    length: u64,
    synced: Instant,
}

impl Writer {
    /// A segment that nobody else writes. It appears with its first record.
    pub fn new(plan: &Path, shard: (u64, u64), worker: &str) -> Self {
        let (i, n) = shard;
        Self {
            path: plan.join("segments").join(format!("s{i}of{n}.{worker}.seg")),
            file: None,
            length: 0,
            synced: Instant::now(),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a record that took so long to compute. When the disk is full, what was there stays whole.
    pub fn append(&mut self, record: &Record, took: Duration) -> Result<()> {
        let written = self.try_append(&record.bytes(), took);
        written.map_err(|fault| {
            if let Some(file) = &mut self.file {
                let _ = file.set_len(self.length);
                let _ = file.seek(SeekFrom::Start(self.length));
            }
            trouble(&self.path, "write", &fault)
        })
    }

    fn try_append(&mut self, bytes: &[u8], took: Duration) -> std::io::Result<()> {
        if self.file.is_none() {
            let file = OpenOptions::new().write(true).create_new(true).open(&self.path)?;
            files::sync_folder(self.path.parent())?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        files::fail_point("before_write");
        if files::is_asked_to_fail("mid_write") {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            file.write_all(first)?;
            files::fail_point("mid_write");
            file.write_all(second)?;
        } else {
            file.write_all(bytes)?;
        }
        if took.as_secs_f64() > 0.1 || self.synced.elapsed() > WORTH_SYNCING {
            file.sync_data()?;
            self.synced = Instant::now();
        }
        self.length += bytes.len() as u64;
        files::fail_point("after_write");
        Ok(())
    }

    /// Makes the last records last.
    pub fn sync(&self) -> Result<()> {
        match &self.file {
            Some(file) => file.sync_data().map_err(|fault| trouble(&self.path, "write", &fault)),
            None => Ok(()),
        }
    }
}

/// A name that no other worker has: process, time, and what the random number of a fresh hash map gives.
pub fn worker_name() -> String {
    use std::hash::{BuildHasher, Hasher};
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let chance = std::hash::RandomState::new().build_hasher().finish();
    format!("{}-{now}-{:08x}", std::process::id(), chance as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn some(n: u8) -> Record {
        Record {
            run: RunId([n; 16]),
            is_failed: n == 2,
            outcome: vec![n; 40],
            series: vec![n; usize::from(n) * 7],
            aside: vec![9; 5],
        }
    }

    fn three() -> Vec<u8> {
        [1, 2, 3].iter().flat_map(|&n| some(n).bytes()).collect()
    }

    fn found(bytes: &[u8]) -> Scan {
        match walk(&mut Cursor::new(bytes), 0, true) {
            Ok(scan) => scan,
            Err(fault) => panic!("memory can be read: {fault}"),
        }
    }

    #[test]
    fn records_come_back_as_they_were_written() {
        let bytes = three();
        let scan = found(&bytes);
        assert_eq!((scan.heads.len(), scan.bad, scan.torn), (3, 0, 0));
        for (n, head) in (1..).zip(&scan.heads) {
            let body = &bytes[head.offset as usize..][..head.body() as usize];
            assert_eq!(record(head, body), Some(some(n)));
        }
        assert_eq!(scan.end, bytes.len() as u64);
    }

    /// Every cut of the file: whole records stay, the torn one is left alone, nothing is invented.
    #[test]
    fn a_file_cut_anywhere_loses_only_its_torn_record() {
        let bytes = three();
        for cut in 0..bytes.len() {
            let scan = found(&bytes[..cut]);
            let whole = scan.heads.iter().map(Head::size).sum::<u64>();
            assert_eq!(whole + scan.torn, cut as u64, "cut at {cut}");
            assert_eq!(scan.bad, 0, "cut at {cut}");
        }
    }

    /// Every bit of the file: a flip costs one record, and no wrong record is read.
    #[test]
    fn a_flipped_bit_costs_one_record_and_never_gives_a_wrong_one() {
        let bytes = three();
        for place in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[place / 8] ^= 1 << (place % 8);
            let scan = found(&damaged);
            assert!(scan.heads.len() >= 2, "bit {place}: {} records left", scan.heads.len());
            for head in &scan.heads {
                let body = &damaged[head.offset as usize..][..head.body() as usize];
                assert!(record(head, body).is_some_and(|r| r == some(r.run.0[0])), "bit {place}");
            }
            assert_eq!(
                scan.heads.len() + scan.bad + usize::from(scan.torn > 0),
                3,
                "bit {place}"
            );
        }
    }

    #[test]
    fn a_full_disk_leaves_whole_records() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let plan = tempfile::tempdir()?;
        fs::create_dir(plan.path().join("segments"))?;
        let mut writer = Writer::new(plan.path(), (0, 1), "w");
        writer.append(&some(1), Duration::ZERO)?;
        writer.sync()?;
        let path = writer.path().to_owned();
        assert_eq!(list(plan.path()), std::slice::from_ref(&path));
        assert_eq!(scan(&path, 0, true)?.heads.len(), 1);
        // Nothing else may write into it.
        assert!(
            Writer::new(plan.path(), (0, 1), "w")
                .append(&some(2), Duration::ZERO)
                .is_err()
        );
        Ok(())
    }
}
