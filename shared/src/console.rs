//! The console: the reports as pages for people. All that can be done is a link or a form, and all that is shown stands in the
//! [address](Page::address). Only the playbook is checked by a script as well, as one types.
//!
//! The caller reads the address ([`Page::at`]), lets the page say which reports it is made of ([`Page::asks`]), and gives their sheets
//! to [`page`] or [`csv`]; numbers are those of the sheets, and so those of `/reports/…`. Texts of fans and names are escaped, cut and
//! kept apart from what stands around them.

mod address;
pub mod campaign;
mod chart;
pub mod desk;
pub mod difference;
mod pages;
pub mod session;
mod show;
mod table;
mod words;

pub use address::{Against, Filter, Note, Page, Period, Posted, Sort, Step, Told, Versions, Wrong, language_asked};
pub use show::TEXT_SHOWN;
pub use table::{ROWS_SHOWN, Table};
pub use words::Language;

use crate::{
    playbook::Terms,
    push::requests::Listed,
    report::{Ask, Brand, Moment, Sheet},
    time::Timestamp,
};
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use words::Text;

/// Headers of every answer. Nothing from elsewhere, no script but on [one page](SCRIPTED), no frame.
pub const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
];
/// The policy of the playbook's page, which is checked as one types: a script of our own, which asks nobody else.
pub const SCRIPTED: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; script-src 'self'; connect-src 'self'";
/// How a page is cached: not at all.
pub const PRIVATE: &str = "private, no-store";
/// How a file is cached: its address changes when it does.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// The stylesheet.
pub const STYLE: &str = include_str!("console/style.css");
/// Where it is.
pub static STYLE_ADDRESS: LazyLock<String> = LazyLock::new(|| format!("/console/style.{}.css", hash(STYLE)));
/// The script of the playbook's page.
pub const SCRIPT: &str = include_str!("console/check.js");
/// Where it is.
pub static SCRIPT_ADDRESS: LazyLock<String> = LazyLock::new(|| format!("/console/check.{}.js", hash(SCRIPT)));

fn hash(file: &str) -> String {
    Sha256::digest(file).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What stands around the numbers of a page.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// In which language.
    pub language: Language,
    /// What its forms carry.
    pub csrf: &'a str,
    /// Which page.
    pub page: &'a Page,
    /// What the playbook says.
    pub brand: &'a Brand,
    /// When.
    pub moment: Moment,
}

/// A campaign that is being written.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// In which language its page is.
    pub language: Language,
    /// What its forms carry.
    pub csrf: &'a str,
    /// What the playbook says; none: the store does not answer.
    pub terms: Option<&'a Terms>,
    /// What is written; none: an example.
    pub text: Option<&'a str>,
    /// What is said of it.
    pub said: &'a campaign::Said,
    /// When.
    pub now: Timestamp,
}

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing at this address.
    NotFound,
    /// Something at this address, but not with this value.
    WrongAddress(Wrong),
    /// A form that is of another session, or of none.
    StaleForm,
    /// The store does not answer, or not what can be read.
    NoAnswer,
}

/// Why the log-in form is shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The token was wrong.
    Wrong,
    /// Too many wrong ones wait.
    TooMany,
}

impl Failure {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::WrongAddress(_) => 400,
            Self::StaleForm => 403,
            Self::NoAnswer => 503,
        }
    }
}

impl Page {
    /// The reports that the page is made of, in the order in which it takes their sheets.
    pub fn asks(&self, brand: &Brand, moment: Moment) -> Vec<Ask> {
        pages::asks(self, brand, moment)
    }
}

/// A page of the sheets of what it [asks](Page::asks). A fan who is not known has none.
pub fn page(view: &View<'_>, sheets: &[Sheet]) -> String {
    let tables = pages::tables(view.page, sheets);
    let title = pages::title(view.page).of(view.language);
    let refresh = pages::refresh(view.page, &tables);
    framed(view.language, title, view.page, Some((view.csrf, view.page)), refresh, &pages::body(view, &tables))
}

/// The page on which a campaign is written.
pub fn draft(draft: &Draft<'_>) -> String {
    let page = Page::Campaign;
    let title = pages::title(&page).of(draft.language);
    framed(draft.language, title, &page, Some((draft.csrf, &page)), None, &pages::draft(draft))
}

/// The campaigns as the sheet that their page is made of.
pub fn campaigns(listed: &[Listed], brand: &Brand, moment: Moment) -> Sheet {
    pages::listed(listed, moment.now, brand.settings.utc_offset)
}

/// The playbook's page, of what its desk says.
pub fn playbook(view: &View<'_>, desk: &desk::Desk) -> String {
    let told = match view.page {
        Page::Playbook(Versions { done: Some(Told::Saved), .. }) => Some(words::playbook::SAVED),
        Page::Playbook(Versions { done: Some(Told::Published), .. }) => Some(words::playbook::PUBLISHED),
        _ => None,
    };
    let body = html! {
        @if let Some(told) = told { p class="done" role="status" { (told.of(view.language)) } }
        (pages::playbook::body(view, desk))
    };
    let title = pages::title(view.page).of(view.language);
    framed(view.language, title, view.page, Some((view.csrf, view.page)), None, &body)
}

/// A table of a page as CSV.
pub fn csv(page: &Page, sheets: &[Sheet], name: &str) -> Option<String> {
    let tables = pages::tables(page, sheets);
    tables.iter().find(|table| table.name == name).map(|table| table.sheet.csv())
}

/// The log-in form, which leads to a page.
pub fn login(language: Language, to: &Page, retry: Option<Retry>) -> String {
    let said = |text: Text| text.of(language);
    let body = html! {
        @match retry {
            None => {}
            Some(Retry::Wrong) => p class="warning" role="alert" { (said(words::WRONG_TOKEN)) }
            Some(Retry::TooMany) => p class="warning" role="alert" { (said(words::TOO_MANY)) }
        }
        form method="post" action="/console/login" class="login" {
            input type="hidden" name="to" value=(to.address());
            label for="token" { (said(words::TOKEN)) }
            input id="token" name="token" type="password" autocomplete="current-password" required autofocus;
            button { (said(words::LOG_IN)) }
            label for="name" { (said(words::NAME)) }
            input id="name" name="name" maxlength=(session::NAME_MAX) autocomplete="name";
            p { (said(words::TOKEN_IS)) }
        }
    };
    framed(language, said(words::LOG_IN), to, None, None, &body)
}

/// What is shown instead of a page; `csrf` of who is logged in.
pub fn failed(language: Language, csrf: Option<&str>, failure: Failure) -> String {
    let (title, help, parameter) = match failure {
        Failure::NotFound => (words::NOT_FOUND, words::NOT_FOUND_HELP, ""),
        Failure::WrongAddress(Wrong(name)) => (words::WRONG_ADDRESS, words::NOT_FOUND_HELP, name),
        Failure::StaleForm => (words::STALE_FORM, words::STALE_FORM_HELP, ""),
        Failure::NoAnswer => (words::NO_ANSWER, words::NO_ANSWER_HELP, ""),
    };
    let home = Page::home();
    let body = html! {
        @if !parameter.is_empty() { p { code { (parameter) } } }
        p { (help.of(language)) }
    };
    framed(language, title.of(language), &home, csrf.map(|csrf| (csrf, &home)), None, &body)
}

/// The frame around every page. `here` is where the switch of the language leads to; who is logged in gets the menu; `refresh` is
/// after how many seconds it is loaded again.
fn framed(
    language: Language,
    title: &str,
    here: &Page,
    open: Option<(&str, &Page)>,
    refresh: Option<u32>,
    body: &Markup,
) -> String {
    let said = |text: Text| text.of(language);
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (title) " · " (said(words::BRAND)) }
                link rel="stylesheet" href=(*STYLE_ADDRESS);
                link rel="icon" href="data:,";
                @if let (Some(_), Page::Playbook(_)) = (open, here) { script type="module" src=(*SCRIPT_ADDRESS) {} }
            }
            body {
                a class="skip" href="#content" { (said(words::TO_CONTENT)) }
                header {
                    strong { (said(words::BRAND)) }
                    @if let Some((_, page)) = open {
                        nav aria-label=(said(words::MENU)) {
                            @for entry in pages::menu() {
                                @let current = pages::title(&entry) == pages::title(page);
                                a href=(entry.address()) aria-current=[current.then_some("page")] { (said(pages::title(&entry))) }
                            }
                        }
                    }
                    a lang=(language.other().tag()) hreflang=(language.other().tag()) href=(here.address_in(language.other())) {
                        (said(words::OTHER_LANGUAGE))
                    }
                    @if let Some((csrf, _)) = open {
                        form method="post" action="/console/logout" {
                            input type="hidden" name="csrf" value=(csrf);
                            button class="quiet" { (said(words::LOG_OUT)) }
                        }
                    }
                }
                main id="content" {
                    h1 { (title) }
                    (body)
                }
            }
        }
    }
    .into_string()
}
