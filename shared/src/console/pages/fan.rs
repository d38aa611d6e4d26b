//! 粉丝: what happened to one fan; and to forget this fan, in two steps.

use super::{find, whole};
use crate::{
    console::{
        Page, Step, Table, View,
        show::foreign,
        words::{self, Text},
    },
    wechat::OpenId,
};
use maud::{Markup, html};

pub(super) fn body(view: &View<'_>, openid: &str, step: Step, tables: &[Table]) -> Markup {
    let said = |text: Text| text.of(view.language);
    let fan = find(tables, "fan");
    let is_openid = openid.parse::<OpenId>().is_ok();
    html! {
        form method="get" action="/console/fan" class="filter" {
            label for="openid" { (said(words::OPENID)) }
            input id="openid" name="openid" maxlength="64" required value=(openid);
            button { (said(words::SHOW)) }
            p { (said(words::FAN_FORM)) }
        }
        @if step == Step::Erased { p class="done" role="status" { (said(words::ERASED)) } }
        @match (fan, openid.is_empty(), is_openid) {
            (_, true, _) => {}
            (_, _, false) => p class="warning" { (said(words::NOT_AN_OPENID)) }
            (None, ..) => p class="nothing" { (said(words::NO_FAN)) }
            (Some(fan), ..) => {
                p class="subject" { (foreign(openid)) }
                @if step == Step::Sure { (sure(view, openid)) }
                (whole(view, fan, words::TIMELINE))
            }
        }
        // Who is not known may be asked to be forgotten, too: what is in the journal is not folded yet.
        @if is_openid && step == Step::Sure && fan.is_none() { (sure(view, openid)) }
        @if is_openid && step == Step::Show {
            p { a class="danger" href=(Page::Fan(openid.to_owned(), Step::Sure).address()) { (said(words::ERASE)) } }
        }
    }
}

/// The second step: a post, which only this form can make.
fn sure(view: &View<'_>, openid: &str) -> Markup {
    let said = |text: Text| text.of(view.language);
    html! {
        form method="post" action="/console/fan/erase" class="sure" {
            h2 { (said(words::ERASE_SURE)) }
            p { (said(words::ERASE_MEANS)) }
            input type="hidden" name="csrf" value=(view.csrf);
            input type="hidden" name="openid" value=(openid);
            button class="danger" { (said(words::ERASE_YES)) }
            " "
            a href=(Page::Fan(openid.to_owned(), Step::Show).address()) { (said(words::CANCEL)) }
        }
    }
}
