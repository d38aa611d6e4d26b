//! What components print: into `<state-dir>/logs/<component>_stdout.txt` and `_stderr.txt` as in Spin, to the host's own
//! stderr unless it is quiet, and, for tests, the latest lines in memory. Written a line at a time, so that the lines of
//! several instances do not mix.
//!
//! Spin's files grow for ever. Here a file that would become larger than [`FILE_BYTES`] is renamed to `….txt.1` first, in the
//! place of an earlier one: what clients make components say fills no disk.

use std::{
    collections::{
        VecDeque,
        btree_map::{BTreeMap, Entry},
    },
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

/// Older lines are forgotten (in memory, not in the files).
const LINES_KEPT: usize = 10_000;
/// … and where they are longer than this together.
const BYTES_KEPT: usize = 4 * 1024 * 1024;
/// Bytes of a log file; there are two of each name.
pub(crate) const FILE_BYTES: u64 = 10 * 1024 * 1024;
/// A line without an end is cut here.
const LONGEST_LINE: usize = 64 * 1024;

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The component's stdout.
    Stdout,
    /// The component's stderr.
    Stderr,
    /// The host, about the component: a trap, for instance.
    Host,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The id of the component.
    pub component: String,
    /// Where the line came from.
    pub source: Source,
    /// Without its end.
    pub text: String,
}

/// The logs of one host. Clones are the same logs.
#[derive(Clone, Debug)]
pub struct Logs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: Option<PathBuf>,
    quiet: bool,
    closed: AtomicBool,
    files: Mutex<BTreeMap<PathBuf, LogFile>>,
    kept: Mutex<Kept>,
}

/// The latest lines.
#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Kept {
    fn push(&mut self, line: Line) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while (self.lines.len() > LINES_KEPT || self.bytes > BYTES_KEPT)
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= oldest.text.len();
        }
    }
}

/// A file and how long it is.
#[derive(Debug)]
struct LogFile {
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }

    fn write(&mut self, path: &Path, line: &str) -> std::io::Result<()> {
        let length = line.len() as u64 + 1;
        if self.bytes > 0 && self.bytes + length > FILE_BYTES {
            std::fs::rename(path, path.with_extension("txt.1"))?;
            *self = Self::open(path)?;
        }
        self.bytes += length;
        self.file.write_all(format!("{line}\n").as_bytes())
    }
}

impl Logs {
    /// Logs with files in `folder`, which is made where it is missing; none: no files.
    pub(crate) fn new(folder: Option<PathBuf>, quiet: bool) -> std::io::Result<Self> {
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Self {
            inner: Arc::new(Inner {
                folder,
                quiet,
                closed: AtomicBool::new(false),
                files: Mutex::default(),
                kept: Mutex::default(),
            }),
        })
    }

    /// The latest lines of one component, oldest first.
    #[must_use]
    pub fn lines(&self, component: &str) -> Vec<Line> {
        let kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lines.iter().filter(|line| line.component == component).cloned().collect()
    }

    /// From now on the host is silent: instances that end because it stops are nothing to report.
    pub(crate) fn close(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
    }

    /// What the host has to say about a component.
    pub(crate) fn host(&self, component: &str, text: &str) {
        if self.inner.closed.load(Ordering::Relaxed) {
            return;
        }
        for line in text.lines() {
            self.write(Line { component: component.to_owned(), source: Source::Host, text: line.to_owned() });
        }
    }

    /// A stream whose lines end up here.
    pub(crate) fn output(&self, component: &str, source: Source) -> Output {
        let lines = Lines { logs: self.clone(), component: component.to_owned(), source, partial: Vec::new() };
        Output(Arc::new(Mutex::new(lines)))
    }

    /// A log that cannot be written must not stop the component, so errors end here.
    fn write(&self, line: Line) {
        if !self.inner.quiet {
            _ = match line.source {
                Source::Host => writeln!(std::io::stderr(), "[{}] {}", line.component, line.text),
                Source::Stdout | Source::Stderr => writeln!(std::io::stderr(), "{}", line.text),
            };
        }
        self.write_file(&line);
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn write_file(&self, line: &Line) {
        let suffix = match line.source {
            Source::Stdout => "stdout",
            Source::Stderr | Source::Host => "stderr",
        };
        let Some(folder) = &self.inner.folder else { return };
        let path = folder.join(format!("{}_{suffix}.txt", line.component));
        let mut files = self.inner.files.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match files.entry(path.clone()) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(place) => {
                let Ok(file) = LogFile::open(&path) else { return };
                place.insert(file)
            }
        };
        _ = file.write(&path, &line.text);
    }
}

/// One output stream of one instance; clones go on with the same line.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<Lines>>);

struct Lines {
    logs: Logs,
    component: String,
    source: Source,
    partial: Vec<u8>,
}

impl Lines {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if self.partial.last() == Some(&b'\n') || self.partial.len() > LONGEST_LINE {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let text = String::from_utf8_lossy(&self.partial);
        let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
        self.partial.clear();
        self.logs.write(Line { component: self.component.clone(), source: self.source, text });
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.partial.is_empty() {
            self.end_line();
        }
    }
}

impl Output {
    fn put(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes);
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.put(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
