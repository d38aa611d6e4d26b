//! What a service says, by way of the component `ask`.

use guanxi::{
    lookup::{ANSWER_BY, COMPONENT},
    store::{Timer as _, race},
    wechat::reply::TEXT_MAX,
};
use guanxi_spin::{
    Stopwatch,
    exchange::{Outgoing, exchange},
};

/// The line for the fan; none: there is no question, or no line by [`ANSWER_BY`]. Why not is in the log of `ask`, which goes on by
/// itself when nobody waits for it any more.
pub(crate) async fn ask(lookup: Option<Vec<u8>>, watch: &Stopwatch) -> Option<String> {
    let outgoing =
        Outgoing { is_https: false, authority: COMPONENT, path_and_query: "/", headers: &[], body: Some(lookup?) };
    let left = ANSWER_BY.saturating_sub(watch.elapsed());
    let (status, line) = race(watch, left, exchange(outgoing, |status| status == 200, TEXT_MAX)).await?.ok()?;
    String::from_utf8(line).ok().filter(|line| status == 200 && !line.is_empty())
}
