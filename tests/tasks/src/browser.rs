//! The console's tests in a browser, `tests/browser`: what they need, and they.

use crate::{Result, run, tools};
use std::{fs, io, path::PathBuf, process::Command};

/// Debian's packages: the browser, and letters for its pictures.
const PACKAGES: [&str; 2] = ["chromium", "fonts-noto-cjk"];
const BROWSER: &str = "/usr/bin/chromium";
const LETTERS: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
const FOLDER: &str = "tests/browser";
/// Where the demo keeps its stores for them.
const STORES: &str = "target/demo";

/// Installs the browser.
pub(crate) fn install() -> Result<()> {
    tools::debian(&PACKAGES, &[BROWSER, LETTERS], "for the tests in a browser")
}

/// The folder that the demo is to keep its stores in, without those of the last time.
pub(crate) fn forget_stores() -> Result<PathBuf> {
    match fs::remove_dir_all(STORES) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(format!("cannot remove {STORES}: {error}")),
        _ => Ok(PathBuf::from(STORES)),
    }
}

/// Runs them on the stores that the demo kept. They bound their time, and end what they start.
pub(crate) fn test() -> Result<()> {
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(FOLDER))?;
    run(Command::new("npm").args(["test", "--silent"]).current_dir(FOLDER))
}
