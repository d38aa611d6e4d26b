//! 配额 / 运行: how the account stands with WeChat, and what waits.

use super::{find, section, whole};
use crate::console::{Table, View, show::grouped, words};
use maud::{Markup, html};

pub(super) fn body(view: &View<'_>, tables: &[Table]) -> Markup {
    let Some(account) = find(tables, "account") else { return html! {} };
    let shown = html! {
        @if let Some(backlog) = view.moment.backlog {
            p { (words::BACKLOG_NOW.of(view.language)) ": " strong id="backlog" { (grouped(i64::try_from(backlog).unwrap_or(i64::MAX))) } }
        }
        (whole(view, account, words::ACCOUNT))
    };
    section(view, words::ACCOUNT, words::ACCOUNT_IS, &shown)
}
