//! The clock of `up`: the application `functions/clock` beside the one that is served, in the same process.

use std::{io::Write, path::Path};

use guanxi_host::{Host, Options, Schedule};

/// Where its manifest is, from the folder of the other.
const MANIFEST: &str = "functions/clock/spin.toml";
/// The variable that says where to call; without a value of its own it is the address that is listened on.
const URL: &str = "guanxi_url";
/// The variable of both applications without which no job runs.
const TOKEN: &str = "job_token";

/// The clock that goes with the application that `options` serve; none where there is none. The flag that is for the
/// clock alone moves to it, all others hold for both.
pub(super) fn beside(options: &mut Options) -> Option<Options> {
    let manifest = folder(&options.manifest).join(MANIFEST);
    if !manifest.exists() {
        return None;
    }
    let variables = options.variables.remove_entry(URL).into_iter().collect();
    Some(Options { manifest, variables, ..options.clone() })
}

/// Of a manifest that is named by its file or its folder.
pub(super) fn folder(manifest: &Path) -> &Path {
    if manifest.is_dir() { manifest } else { manifest.parent().unwrap_or(Path::new("")) }
}

/// Loads the clock, which has the variables of the served application; none, and said, where nobody may run jobs.
pub(super) async fn load(mut options: Options, host: &Host) -> anyhow::Result<Option<Schedule>> {
    if host.variables().get(TOKEN).is_none_or(String::is_empty) {
        writeln!(std::io::stderr(), "No clock: {TOKEN} is empty, so nobody may run jobs")?;
        return Ok(None);
    }
    options.defaults = host.variables().clone();
    options.defaults.insert(URL.to_owned(), host.url());
    Ok(Some(Schedule::load(options).await?))
}
