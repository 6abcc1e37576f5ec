//! A text table cut into blocks of whole lines.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use memchr::memchr;
use serde::{Deserialize, Serialize};

use super::infer;
use super::options::Plan;
use crate::error::{FrameError, Result};
use crate::io::failed;

/// Whole lines of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Block {
    /// The file.
    pub path: Arc<str>,
    /// Its first byte.
    pub start: u64,
    /// The byte behind its last.
    pub end: u64,
}

/// How much of a file is looked at for its header.
const HEAD: usize = 1 << 16;

/// How much of a file is in memory while it is cut.
const STEP: usize = 1 << 20;

/// Cuts the data of a file into blocks of about `n_bytes`, each ending with a line; one block if none is
/// given. Line ends in quotes don't count, for which the file is read once, at the speed of memory.
///
/// # Errors
/// [`FrameError::Io`] if the file can't be read, [`FrameError::NoKernel`] if its columns are others than the plan's.
pub fn split(path: &str, plan: &Plan, n_bytes: Option<u64>) -> Result<Vec<Block>> {
    let io = |error| failed(path, error);
    let mut file = File::open(path).map_err(io)?;
    let len = file.metadata().map_err(io)?.len();
    let mut head = Vec::new();
    (&mut file).take(HEAD as u64).read_to_end(&mut head).map_err(io)?;
    let text = String::from_utf8_lossy(&head);
    let found = infer::head(&text, path, &plan.options)?;
    let has = |at: usize| Some(&found.names[at]);
    let same = plan.columns.iter().zip(&plan.schema.columns);
    if found.names.len() != plan.n_fields
        || !same.into_iter().all(|(column, field)| has(column.field) == Some(&field.label))
    {
        let names: Vec<String> = found.names.iter().map(ToString::to_string).collect();
        return Err(FrameError::NoKernel(format!(
            "{path} has the columns [{}], the first file has {} of {}: read files of other columns \
             by themselves",
            names.join(", "),
            plan.schema.labels(),
            plan.n_fields
        )));
    }
    let path: Arc<str> = path.into();
    let start = found.end as u64;
    let block = |start, end| Block { path: path.clone(), start, end };
    let Some(n_bytes) = n_bytes.filter(|n_bytes| len - start.min(len) > *n_bytes) else {
        return Ok(vec![block(start.min(len), len)]);
    };
    let mut cutter = Cutter {
        quote: plan.options.quote,
        sep: plan.options.sep,
        quoted: false,
        last: b'\n',
        closed: false,
    };
    let mut blocks = Vec::new();
    let (mut begun, mut at) = (start, start);
    let mut wanted = start + n_bytes.max(1) - 1;
    let mut piece = head.split_off(found.end);
    loop {
        if piece.is_empty() {
            piece.resize(STEP, 0);
            let n = file.read(&mut piece).map_err(|error| failed(&path, error))?;
            piece.truncate(n);
            if n == 0 {
                break;
            }
        }
        let end = at + piece.len() as u64;
        // Up to the wanted place quotes matter only; from there on, the first line end outside of them.
        let n_skipped = usize::try_from(wanted.min(end).saturating_sub(at)).unwrap_or(usize::MAX);
        cutter.pass(&piece[..n_skipped]);
        if let Some(n) = cutter.line_end(&piece[n_skipped..]) {
            let cut = at + (n_skipped + n) as u64;
            blocks.push(block(begun, cut));
            (begun, wanted) = (cut, cut + n_bytes.max(1) - 1);
            piece.drain(..n_skipped + n);
            at = cut;
        } else {
            at = end;
            piece.clear();
        }
    }
    if begun < at {
        blocks.push(block(begun, at));
    }
    Ok(blocks)
}

/// Follows quotes through bytes.
struct Cutter {
    quote: Option<u8>,
    sep: u8,
    /// Whether a quoted field is open.
    quoted: bool,
    /// The byte before.
    last: u8,
    /// Whether that was a quote which closed a field.
    closed: bool,
}

impl Cutter {
    /// Goes over bytes.
    fn pass(&mut self, bytes: &[u8]) {
        let (Some(quote), Some(&last)) = (self.quote, bytes.last()) else { return };
        let mut at = 0;
        let mut closed = self.closed.then_some(0);
        while let Some(n) = memchr(quote, &bytes[at..]) {
            let place = at + n;
            let before = if place == 0 { self.last } else { bytes[place - 1] };
            at = place + 1;
            // A doubled quote closes a field and opens it again.
            let opens = closed == Some(place) || [self.sep, b'\n', b'\r'].contains(&before);
            closed = self.quoted.then_some(at);
            self.quoted = !self.quoted && opens;
        }
        self.closed = closed == Some(bytes.len());
        self.last = last;
    }

    /// How many bytes there are up to and with the first line end outside of quotes. Goes over them, or over
    /// all bytes if there is none.
    fn line_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(n) = memchr(b'\n', &bytes[at..]) {
            let end = at + n + 1;
            self.pass(&bytes[at..end]);
            if !self.quoted {
                return Some(end);
            }
            at = end;
        }
        self.pass(&bytes[at..]);
        None
    }
}

/// How many lines there are in a file before this place; for messages.
pub(super) fn lines_before(path: &str, place: u64) -> u64 {
    let Ok(file) = File::open(path) else { return 0 };
    let mut file = file.take(place);
    let mut buffer = vec![0; STEP];
    let mut n_lines = 0;
    while let Ok(n) = file.read(&mut buffer) {
        if n == 0 {
            break;
        }
        n_lines += memchr::memchr_iter(b'\n', &buffer[..n]).count() as u64;
    }
    n_lines
}
