//! One run of the job: plan and send, side by side.

use super::{
    account::{Account, Credentials},
    book::Book,
    head::Head,
    planner::Planner,
    queue::available,
    report::{End, FORMAT, JOB, Report},
    sender::Sender,
    signals::Signals,
};
use crate::{
    journal::Journal,
    playbook::{Limits, Pushes},
    store::{
        Store, Timer, format,
        lease::{Refused, Run, Stop},
    },
    time::Timestamp,
    wechat::api::{Calls, vault::NONCE_LEN},
};
use futures::future::try_join;
use std::cell::RefCell;

/// What a run works with.
pub struct Tools<'a, S, T, C> {
    /// Where everything is kept.
    pub store: &'a S,
    /// Has counted since the run's `now`.
    pub timer: &'a T,
    /// The way to WeChat.
    pub calls: &'a C,
    /// What it takes to call WeChat.
    pub credentials: &'a Credentials,
    /// This instance's stream of the journal.
    pub journal: &'a Journal,
    /// Random bytes.
    pub nonce: &'a dyn Fn() -> [u8; NONCE_LEN],
}

/// Runs once: plans what is due, and sends what may go out. `id` is random.
///
/// # Errors
/// [`Refused`], when another run is at work or has this minute. A run that began always gives its [`Report`].
pub async fn push<S: Store, T: Timer, C: Calls>(
    tools: &Tools<'_, S, T, C>,
    pushes: &Pushes,
    now: Timestamp,
    id: u64,
) -> Result<Report, Refused> {
    let run = Run::start(tools.store, tools.timer, JOB, id, now).await?;
    let report = RefCell::new(Report { began: run.now(), ..Report::default() });
    let worked = work(&run, tools, pushes, &report).await;
    let mut report = report.into_inner();
    if let Err(stop) = worked {
        report.end = end(&stop);
    }
    report.milliseconds = u64::try_from(run.elapsed().as_millis()).unwrap_or(u64::MAX);
    // What is worth knowing is what stopped the run first.
    if let (Err(stop), End::Done) = (run.end(format::encode(FORMAT, &report)).await, &report.end) {
        report.end = end(&stop);
    }
    Ok(report)
}

async fn work<S: Store, T: Timer, C: Calls>(
    run: &Run<'_, S, T>,
    tools: &Tools<'_, S, T, C>,
    pushes: &Pushes,
    report: &RefCell<Report>,
) -> Result<(), Stop> {
    let book = Book::open(run, tools.journal, pushes).await?;
    let account = Account::new(run, tools.calls, tools.credentials, tools.nonce);
    let signals = Signals::default();
    let planner = Planner::new(&book, pushes, report, &signals);
    let sender = Sender::new(&book, &account, pushes, report, &signals);
    let mut worked = try_join(planner.run(), sender.run()).await.map(drop);
    if worked.is_ok() {
        worked = planner.forget_the_rest().await;
    }
    let mut report = report.borrow_mut();
    report.waiting = waiting(&book.head(), &pushes.limits, run.now());
    report.set_aside = book.told();
    worked
}

/// Pushes that could have gone out and are not settled.
fn waiting(head: &Head, limits: &Limits, now: Timestamp) -> u64 {
    head.queues
        .iter()
        .map(|(queue, progress)| available(queue, progress, limits, now).saturating_sub(progress.done))
        .sum()
}

fn end(stop: &Stop) -> End {
    match stop {
        Stop::TimeUp => End::TimeUp,
        stop => End::Failed(stop.to_string()),
    }
}
