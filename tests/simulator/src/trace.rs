//! What happened, line by line.

use crate::{delivery::Delivered, judge::Verdict, scenario::Act};
use std::fmt;

/// One line for each message, in the scenario's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(pub Vec<Entry>);

/// One message and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the scenario.
    pub step: usize,
    /// Who.
    pub fan: usize,
    /// When, in seconds after the scenario's beginning.
    pub at: u32,
    /// What.
    pub act: Act,
    /// The tries and the verdict.
    pub delivered: Delivered,
    /// What the fan sees in place of an answer.
    pub notice: Option<&'static str>,
}

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A 200 in time.
    Answered,
    /// A 200 that came too late on purpose: lost for the fan, read by the simulator.
    Late,
    /// Nothing within the deadline: WeChat cut the connection.
    Cut,
    /// The connection broke on purpose before the server had the request.
    ResetBefore,
    /// The connection broke on purpose while the server answered.
    ResetAfter,
    /// The connection broke by itself.
    Broken,
    /// Another status than 200.
    Status(u16),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("answered"),
            Self::Late => f.write_str("late"),
            Self::Cut => f.write_str("cut off"),
            Self::ResetBefore => f.write_str("reset before"),
            Self::ResetAfter => f.write_str("reset after"),
            Self::Broken => f.write_str("broken"),
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

/// `17 +12s fan 3: text 「猫粮」 → late, answered → 「…」`, with a mark where the tries' answers differ.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tries: Vec<_> = self.delivered.tries.iter().map(ToString::to_string).collect();
        write!(f, "{} +{}s fan {}: {} → {} → ", self.step, self.at, self.fan, self.act, tries.join(", "))?;
        match &self.delivered.verdict {
            Verdict::Shown(seen) => write!(f, "「{}」", seen.to_string().replace('\n', "⏎"))?,
            Verdict::Silent => f.write_str("nothing")?,
            Verdict::Fault(fault) => write!(f, "fault: {fault}")?,
            Verdict::NoAnswer => f.write_str("no answer")?,
        }
        if self.delivered.differing > 0 {
            write!(f, " (!) {} other answers", self.delivered.differing)?;
        }
        Ok(())
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}
