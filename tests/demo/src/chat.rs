//! `cargo demo -- --playbook FILE`: publishes a playbook and plays the chat that stands beside it, as `FILE` with the ending `chat`, against the
//! real components: over a network on which answers come late and connections break, with restarts, to what the chat is for. What the fan
//! asks the brand for arrives at a webhook, as a till would print it.

mod lines;

use crate::{Arguments, caller::Caller, deliver_to, moment, start_with};
use anyhow::{Context, anyhow, bail, ensure};
use guanxi::time::Timestamp;
use guanxi_host::{Host, Options, StateDir};
use guanxi_simulator::{Act, Delivery, Network, Outcome, Seen, Verdict, scenario::Message};
use lines::Deed;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use receiver::{Faults, Receiver};
use serde_json::Value;
use std::{
    fs,
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    time::UNIX_EPOCH,
};

/// A free port here.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const FAN: &str = "oTheFanOfTheChat0000000000001";
/// Seconds between two lines.
const PAUSE: u64 = 20;
/// A publication holds after 30 s, and an instance looks for it every 10.
const PUBLISHED: u64 = 60;
/// In the source, so it is nobody's.
const WEBHOOK_SECRET: &str = "whsec_Z3VhbnhpLWRlbW8td2ViaG9vay0wMTIzNDU2Nzg5YWI=";
/// So that nearly every chat has some of each.
const NETWORK: Network = Network { late: 0.2, reset_before: 0.05, reset_after: 0.15, tries_max: 2 };

struct Stage<'a> {
    arguments: &'a Arguments,
    options: Options,
    /// None while the functions are restarted.
    host: Option<Host>,
    delivery: Delivery,
    webhook: Receiver,
    rng: ChaCha8Rng,
    messages: u64,
    retries: usize,
    /// The last answer, as it came.
    answer: Option<Seen>,
}

/// Says whether everything came back that the chat wants.
pub(crate) async fn play(arguments: &Arguments, root: &Path, playbook: &Path, state: &Path) -> anyhow::Result<bool> {
    let file = playbook.with_extension("chat");
    let chat = fs::read_to_string(&file).with_context(|| format!("cannot read the chat {}", file.display()))?;
    let deeds = lines::read(&chat).map_err(|line| anyhow!("{}: {line}", file.display()))?;
    let source = fs::read_to_string(playbook).with_context(|| format!("cannot read {}", playbook.display()))?;
    let webhook = Receiver::listen(ANYWHERE, WEBHOOK_SECRET.parse()?, Faults::default(), |_| {}).await?;
    let options = Options { state_dir: StateDir::Path(state.to_owned()), ..Options::for_test(root.join("spin.toml")) };
    let options = options.variable("webhook_url", &webhook.url()).variable("webhook_secret", WEBHOOK_SECRET);
    let host = start_with(options.clone(), arguments).await?;
    Caller::new(host.url())?.publish(&source).await?;
    let delivery = deliver_to(&host, arguments)?;
    let rng = ChaCha8Rng::seed_from_u64(arguments.seed);
    let mut stage =
        Stage { arguments, options, host: Some(host), delivery, webhook, rng, messages: 0, retries: 0, answer: None };
    stage.wait(PUBLISHED)?;
    let mut wrong = 0;
    for (number, deed) in deeds {
        let place = || format!("{}:{number}", file.display());
        if let Some(said) = stage.play(deed).await.with_context(place)? {
            wrong += 1;
            writeln!(io::stdout(), "      and not, as {}:{number} has it: {}", file.display(), indented(&said))?;
        }
    }
    let Stage { host, messages, retries, .. } = stage;
    writeln!(io::stdout(), "\n{messages} messages, {retries} retries; answers that are not as in the chat: {wrong}")?;
    if let Some(host) = host {
        host.stop().await;
    }
    Ok(wrong == 0)
}

impl Stage<'_> {
    /// What should have come back, if something else did.
    async fn play(&mut self, deed: Deed) -> anyhow::Result<Option<String>> {
        match deed {
            Deed::Acts(act) => self.act(act).await?,
            Deed::Taps(choice) => {
                let sent = self.answer.as_ref().and_then(|answer| tapped(&answer.to_string(), &choice));
                let sent = sent.with_context(|| format!("there is no line {choice} to tap"))?;
                self.act(Act::Text(sent)).await?;
            }
            Deed::Expects(said) => return Ok((said != told(self.answer.as_ref())).then_some(said)),
            Deed::Waits(seconds) => {
                writeln!(io::stdout(), "  … {seconds} s later")?;
                self.wait(seconds)?;
            }
            Deed::Restarts => self.restart().await?,
            Deed::RunsJobs => self.run_jobs().await?,
        }
        Ok(None)
    }

    fn host(&self) -> anyhow::Result<&Host> {
        self.host.as_ref().context("nothing is served")
    }

    fn now(&self) -> anyhow::Result<Timestamp> {
        Ok(Timestamp(self.host()?.clock().now().duration_since(UNIX_EPOCH)?.as_secs()))
    }

    fn wait(&self, seconds: u64) -> anyhow::Result<()> {
        self.host()?.clock().stop_at(moment(Timestamp(self.now()?.0 + seconds)));
        Ok(())
    }

    async fn act(&mut self, act: Act) -> anyhow::Result<()> {
        self.wait(PAUSE)?;
        self.messages += 1;
        let message = Message {
            account: self.delivery.account().to_owned(),
            openid: FAN.to_owned(),
            create_time: self.now()?.0,
            msg_id: 1_000 + self.messages,
            act,
        };
        let fates = NETWORK.draw(&mut self.rng);
        let delivered = self.delivery.deliver(&message, fates, &mut self.rng).await?;
        ensure!(delivered.differing == 0, "a retry got another answer");
        self.retries += delivered.tries.len() - 1;
        self.answer = match delivered.verdict {
            Verdict::Shown(seen) => Some(seen),
            Verdict::Silent => None,
            other => bail!("the fan sees no answer: {other:?}"),
        };
        let tries: Vec<String> = delivered.tries.iter().map(Outcome::to_string).collect();
        let retried = if tries.len() > 1 { format!("   ({})", tries.join(", ")) } else { String::new() };
        let shown = indented(&told(self.answer.as_ref()));
        Ok(writeln!(io::stdout(), "  › {}{retried}\n      {shown}", message.act)?)
    }

    /// The functions end, and begin anew on the same store.
    async fn restart(&mut self) -> anyhow::Result<()> {
        writeln!(io::stdout(), "  … the functions are restarted")?;
        let now = self.now()?;
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
        let host = start_with(self.options.clone(), self.arguments).await?;
        host.clock().stop_at(moment(now));
        self.delivery = deliver_to(&host, self.arguments)?;
        self.host = Some(host);
        Ok(())
    }

    /// Rollup, then the outbox: what a clock does every minute.
    async fn run_jobs(&mut self) -> anyhow::Result<()> {
        let (caller, before) = (Caller::new(self.host()?.url())?, self.webhook.taken().len());
        let folded = caller.rollup().await?;
        writeln!(io::stdout(), "  … rollup: {} entries", folded.get("entries").unwrap_or(&Value::Null))?;
        self.wait(PAUSE)?;
        caller.outbox().await?;
        ensure!(self.webhook.refused().is_empty(), "the webhook refused: {:?}", self.webhook.refused());
        for taken in self.webhook.taken().into_iter().skip(before) {
            let receipt = taken.body.pointer("/data/receipt/text").and_then(Value::as_str);
            writeln!(io::stdout(), "  … the brand's webhook takes {}", taken.id)?;
            writeln!(io::stdout(), "      {}", indented(receipt.unwrap_or_default().trim_end()))?;
        }
        self.wait(PAUSE)
    }
}

/// What a tap on a line sends: the content that stands in its address.
fn tapped(answer: &str, choice: &str) -> Option<String> {
    let mut lines = answer.split("msgmenucontent=").skip(1);
    let shown = |line: &str| Some(line.split_once('>')?.1.split_once("</a>")?.0.to_owned());
    let line = lines
        .find(|line| shown(line).is_some_and(|shown| shown == choice || shown.ends_with(&format!(". {choice}"))))?;
    Some(line.split_once('&')?.0.to_owned())
}

/// An answer as a chat tells it.
fn told(answer: Option<&Seen>) -> String {
    match answer {
        None => "(无)".to_owned(),
        Some(Seen::Agent) => "(转人工)".to_owned(),
        Some(Seen::Text(content)) => bracketed(content),
        Some(other) => other.to_string(),
    }
}

/// A text with its lines to tap in brackets.
fn bracketed(content: &str) -> String {
    let (mut out, mut rest) = (String::new(), content);
    while let Some((before, link)) = rest.split_once("<a href=")
        && let Some((_, inner)) = link.split_once('>')
        && let Some((shown, after)) = inner.split_once("</a>")
    {
        out += &format!("{before}[{shown}]");
        rest = after;
    }
    out + rest
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n      ")
}
