//! One replica: a process that serves, with a proxy of its own before the store.

use super::proxy::Proxy;
use e2e::{Answer, JOB_TOKEN, Server};
use guanxi::wechat::endpoint::Mode;
use hyper::Method;
use rustix::process::{Pid, Signal, kill_process};
use std::{fs, net::SocketAddr, process::Stdio, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

/// How long a process may take to start or to obey.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a job is waited for: more than a run may take.
const JOB_TIME: Duration = Duration::from_secs(60);
/// How long WeChat waits.
const CALLBACK_TIME: Duration = Duration::from_secs(5);

pub(crate) struct Replica {
    pub(crate) proxy: Proxy,
    /// Whoever sends a request has it while the process is another already.
    pub(crate) server: Arc<Server>,
    /// Seconds that its clock is ahead.
    pub(crate) ahead: u64,
    api: String,
    folder: TempDir,
    process: Process,
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Replica {
    /// One on the store there, which calls WeChat's API at `api`.
    pub(crate) async fn start(store: SocketAddr, api: &str, ahead: u64) -> Self {
        let (proxy, folder) = (Proxy::start(store).await, tempfile::tempdir().unwrap());
        let (process, server) = spawn(&folder, proxy.address(), api).await;
        Self { proxy, server, ahead, api: api.to_owned(), folder, process }
    }

    /// Another process in its place.
    pub(crate) async fn start_again(&mut self) {
        _ = self.process.child.kill().await;
        (self.process, self.server) = spawn(&self.folder, self.proxy.address(), &self.api).await;
    }

    /// Says a line, and waits until it is obeyed.
    pub(crate) async fn order(&mut self, line: &str) {
        let Process { input, output, .. } = &mut self.process;
        let done = async {
            input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
            output.next_line().await.unwrap()
        };
        assert_eq!(timeout(PATIENCE, done).await.unwrap().as_deref(), Some("done"), "{line}");
    }

    /// Its clock, by the true one.
    pub(crate) async fn set_clock(&mut self, now: u64) {
        self.order(&format!("clock {}", now + self.ahead)).await;
    }

    /// Of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.child.id().unwrap()
    }

    pub(crate) fn is_dead(&mut self) -> bool {
        self.process.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn is_frozen(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // The second field is a name in parentheses, the third the state.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// SIGCONT.
    pub(crate) fn wake(&self) {
        let pid = Pid::from_raw(self.id() as i32).unwrap();
        kill_process(pid, Signal::CONT).unwrap();
    }

    /// Calls a job, and does not wait for it; none where no answer came.
    pub(crate) fn fire(&self, job: &'static str) -> JoinHandle<Option<Answer>> {
        let server = Arc::clone(&self.server);
        tokio::spawn(async move {
            let path = format!("/jobs/{job}");
            timeout(JOB_TIME, server.try_authorized(Method::POST, &path, JOB_TOKEN)).await.ok().flatten()
        })
    }
}

/// What WeChat or the shop gets; none where no whole answer came in time.
pub(crate) async fn within_wechats_patience(answer: impl Future<Output = Option<Answer>>) -> Option<Answer> {
    timeout(CALLBACK_TIME, answer).await.ok().flatten()
}

async fn spawn(folder: &TempDir, store: SocketAddr, api: &str) -> (Process, Arc<Server>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replica"));
    command.arg(folder.path()).args([&format!("redis://{store}"), api]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut output = BufReader::new(output).lines();
    let url = timeout(PATIENCE, output.next_line()).await.unwrap().unwrap().expect("it does not serve");
    (Process { child, input, output }, Arc::new(Server::new(&url, Mode::Safe)))
}
