//! `guanxi up` in a process of its own, so that its memory and its disk are the server's.

use anyhow::{Context, Result, ensure};
use e2e::Server;
use guanxi::wechat::endpoint::Mode;
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

pub(crate) struct Up {
    child: Child,
    /// Such as `127.0.0.1:3000`.
    pub(crate) address: String,
}

impl Up {
    /// The bundle in safe mode, its store in `state`, and more flags.
    pub(crate) fn start(state: &Path, flags: &[&str]) -> Result<Self> {
        let host = env::current_exe()?.with_file_name("guanxi");
        ensure!(host.exists(), "{} is missing: cargo build --profile native -p guanxi-cli", host.display());
        let mut command = Command::new(host);
        command.args(["up", "--quiet", "--no-clock", "--listen", "127.0.0.1:0"]).args(flags);
        command.arg("--state-dir").arg(state).arg("-f").arg(e2e::root().join("spin.toml"));
        for (name, value) in e2e::variables("safe") {
            command.args(["--variable", &format!("{name}={value}")]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("it is piped")?).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("Serving http://").map(str::to_owned));
        let up = Self { child, address: address.clone().unwrap_or_default() };
        address.context("the host does not start")?;
        // What it prints next must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(up)
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(&format!("http://{}", self.address), Mode::Safe)
    }

    /// The most memory that it has had at a time, in MiB (`VmHWM`, `proc_pid_status(5)`).
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1_024.0)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
