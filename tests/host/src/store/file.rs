//! The store's file between two runs: how it commits, its backup, and the way back.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::sqlite::TABLE;

/// How SQLite commits. It is a property of the file, which Spin leaves as it finds it. Both are durable: whatever was
/// answered is on disk (`synchronous` is FULL).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalMode {
    /// One sync for each commit, and a backup while the functions write. Two files more, `-wal` and `-shm`; not on a network's file system.
    #[default]
    Wal,
    /// What a new file has when Spin makes it: three to four syncs for each commit.
    Delete,
}

impl JournalMode {
    fn name(self) -> &'static str {
        match self {
            Self::Wal => "wal",
            Self::Delete => "delete",
        }
    }
}

/// Why a file is not prepared, backed up or restored.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system's own.
    #[error("{path}: {source}", path = path.display())]
    System {
        /// Of what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite's own.
    #[error("{path}: {source}", path = path.display())]
    Database {
        /// Of what.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The journal mode does not change under somebody's hands.
    #[error("{path}: another process has this file open: one process per SQLite file", path = .0.display())]
    Busy(PathBuf),
    /// WAL needs memory that all who have the file open share.
    #[error(
        "{path} is on {kind}, where SQLite's WAL loses data: keep the store on a local disk (--state-dir), or say --journal delete",
        path = path.display()
    )]
    Network {
        /// The file.
        path: PathBuf,
        /// Of which kind its file system is.
        kind: &'static str,
    },
    /// SQLite kept another mode.
    #[error("{path}: SQLite keeps the journal mode `{mode}`", path = path.display())]
    Kept {
        /// The file.
        path: PathBuf,
        /// Which.
        mode: String,
    },
    /// Nothing is overwritten.
    #[error("{path} is already there", path = .0.display())]
    Exists(PathBuf),
    /// It would go on writing into the file that is replaced.
    #[error("{path}: process {process} has this file open: end it first", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// Whose.
        process: u32,
    },
    /// SQLite's own check failed.
    #[error("{path} is damaged: {problem}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first problem found.
        problem: String,
    },
}

/// What is in a store that has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Keys, counters among them.
    pub keys: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Makes the file and Spin's table where they are missing, and sets how the file commits.
///
/// # Errors
/// [`FileError::Network`] for WAL on a network's file system, [`FileError::Busy`] where another process has it open.
pub fn prepare(path: &Path, mode: JournalMode) -> Result<(), FileError> {
    make_folder(path).map_err(|source| system(path, source))?;
    if mode == JournalMode::Wal
        && let Some(kind) = network(path).map_err(|source| system(path, source))?
    {
        return Err(FileError::Network { path: path.to_owned(), kind });
    }
    let set = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::ZERO)?;
        let kept: String = connection.pragma_update_and_check(None, "journal_mode", mode.name(), |row| row.get(0))?;
        // A mode is in the file when something is.
        connection.execute_batch(TABLE)?;
        Ok(kept)
    };
    match set() {
        Ok(kept) if kept == mode.name() => Ok(()),
        Ok(kept) => Err(FileError::Kept { path: path.to_owned(), mode: kept }),
        Err(rusqlite::Error::SqliteFailure(failure, _)) if failure.code == ErrorCode::DatabaseBusy => {
            Err(FileError::Busy(path.to_owned()))
        }
        Err(source) => Err(FileError::Database { path: path.to_owned(), source }),
    }
}

/// Copies the store `from`, which may be in use, to the new file `to`, as it is at one moment; `to` is there when it is
/// complete, checked and on disk. A copy of the file alone would lack what stands in `-wal`. In the mode
/// [`JournalMode::Delete`] nobody can write meanwhile.
///
/// # Errors
/// [`FileError::Exists`] for a `to` that is there, [`FileError::Damaged`] for a `from` that SQLite finds faults in.
pub fn back_up(from: &Path, to: &Path) -> Result<Contents, FileError> {
    if to.exists() {
        return Err(FileError::Exists(to.to_owned()));
    }
    copy(from, to)
}

/// Puts the backup `from` in the place of the store `to`, which only `replace` lets it overwrite, in the journal mode `mode`.
/// What was stored since the backup is gone, also that a push was sent.
///
/// # Errors
/// [`FileError::Exists`], [`FileError::Damaged`] for the backup, and [`FileError::InUse`] where a process that this one may
/// look at has `to` open.
pub fn restore(from: &Path, to: &Path, mode: JournalMode, replace: bool) -> Result<Contents, FileError> {
    if to.exists() {
        if !replace {
            return Err(FileError::Exists(to.to_owned()));
        }
        ensure_free(to)?;
    }
    make_folder(to).map_err(|source| system(to, source))?;
    let contents = copy(from, to)?;
    prepare(to, mode)?;
    Ok(contents)
}

/// That no other process that this one may look at has the file open; one that is not there is free.
///
/// # Errors
/// [`FileError::InUse`]
pub fn ensure_free(path: &Path) -> Result<(), FileError> {
    match holder(path) {
        Ok(None) => Ok(()),
        Ok(Some(process)) => Err(FileError::InUse { path: path.to_owned(), process }),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(system(path, source)),
    }
}

/// Copies what SQLite reads in `from` into a file beside `to`, checks it, and lets it take the place of `to`.
fn copy(from: &Path, to: &Path) -> Result<Contents, FileError> {
    let part = beside(to, ".part");
    // Of a copy that was interrupted.
    remove(&part)?;
    let copied = vacuum(from, &part).and_then(|()| check(&part)).and_then(|contents| {
        // What belongs to the file that is replaced would be taken for this one's.
        ["-wal", "-shm", "-journal"].iter().try_for_each(|suffix| remove(&beside(to, suffix)))?;
        let done = File::open(&part).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&part, to));
        done.and_then(|()| sync_folder(to)).map_err(|source| system(to, source))?;
        Ok(contents)
    });
    if copied.is_err() {
        // What failed is more interesting than that its rest stays.
        _ = fs::remove_file(&part);
    }
    copied
}

fn vacuum(from: &Path, to: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::Database { path: from.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags).map_err(failed)?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map_err(failed)?;
    Ok(())
}

/// Has SQLite check all of a file that nobody writes.
fn check(path: &Path) -> Result<Contents, FileError> {
    let failed = |source| FileError::Database { path: path.to_owned(), source };
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    let problem: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if problem != "ok" {
        return Err(FileError::Damaged { path: path.to_owned(), problem });
    }
    let keys = connection.query_row("SELECT count(*) FROM spin_key_value", [], |row| row.get(0)).map_err(failed)?;
    let bytes = fs::metadata(path).map_err(|source| system(path, source))?.len();
    Ok(Contents { keys, bytes })
}

fn system(path: &Path, source: io::Error) -> FileError {
    FileError::System { path: path.to_owned(), source }
}

pub(super) fn make_folder(of: &Path) -> io::Result<()> {
    of.parent().map_or(Ok(()), fs::create_dir_all)
}

fn folder(of: &Path) -> &Path {
    of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(system(path, source)),
        _ => Ok(()),
    }
}

/// Makes a new name last.
fn sync_folder(of: &Path) -> io::Result<()> {
    File::open(folder(of))?.sync_all()
}

/// What kind of a network's file system `path` is on; none: a local one, or a system that does not say.
fn network(path: &Path) -> io::Result<Option<&'static str>> {
    #[cfg(target_os = "linux")]
    return Ok(network_kind(rustix::fs::statfs(folder(path))?.f_type as u32));
    #[cfg(not(target_os = "linux"))]
    Ok(None)
}

/// By the number that `statfs(2)` gives (`linux/magic.h`). FUSE and 9P may be local; nobody can tell.
#[cfg(target_os = "linux")]
fn network_kind(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x0000_6969 => "NFS",
        0x0000_517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0102_1997 => "9P",
        0x6573_5546 => "FUSE",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x786f_4256 => "a VirtualBox share",
        _ => return None,
    })
}

/// Another process that has `path` open, as far as this one may look.
fn holder(path: &Path) -> io::Result<Option<u32>> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        let wanted = fs::metadata(path)?;
        let is_it = |file: fs::DirEntry| {
            fs::metadata(file.path()).is_ok_and(|file| (file.dev(), file.ino()) == (wanted.dev(), wanted.ino()))
        };
        for process in fs::read_dir("/proc")?.flatten() {
            let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // Processes of others, and those that have just ended.
            let Ok(mut files) = fs::read_dir(process.path().join("fd")) else { continue };
            if id != std::process::id() && files.any(|file| file.is_ok_and(is_it)) {
                return Ok(Some(id));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
