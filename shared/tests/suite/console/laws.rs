//! Whatever fans and brands write, a page has the same elements, and shows it as text; and a CSV has no formula.

use super::{brand, history, html::Html, pages, sheets, shown};
use guanxi::{
    console::{self, Filter, Language, Page, Sort, Step, TEXT_SHOWN},
    report::{Brand, Cell, Look, Sheet},
};
use proptest::prelude::*;

/// What breaks out of where it is written, if anything does.
const PIECES: [&str; 24] = [
    "<script>alert(1)</script>",
    "</bdi>",
    "</title>",
    "<svg onload=x>",
    "\"",
    "'",
    "\" onmouseover=\"x",
    "&lt;",
    "&#60;",
    "&",
    "<!--",
    "-->",
    "]]>",
    "\u{202e}",
    "\u{2066}",
    "\0",
    "\r\n",
    "\t",
    "=1+1",
    "@SUM(A1)",
    "javascript:x",
    "猫",
    "(all)x",
    "{}{w}",
];

fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..8).prop_map(|pieces| pieces.concat());
    let long = prop::sample::select(PIECES.to_vec()).prop_map(|piece| piece.repeat(65_536 / piece.len()));
    prop_oneof![8 => pieces, 1 => long, 4 => "[^a]{1,40}"]
}

/// The sheets with every name, question, scene, tag and detail replaced.
fn with(sheets: &[Sheet], word: &str) -> Vec<Sheet> {
    const OURS: [&str; 2] = ["(all)", "all time"];
    let mut sheets = sheets.to_vec();
    for sheet in &mut sheets {
        for cell in sheet.rows.iter_mut().flatten() {
            if let Cell::Text(text) = cell
                && !OURS.iter().any(|ours| text == ours)
            {
                *text = if sheet.columns[0] == "about" { format!("alarm: {word}") } else { word.to_owned() };
            }
        }
    }
    sheets
}

fn brand_of(word: &str) -> Brand {
    let look = Look { name: word.into(), group: word.into(), cost: None, valid: (None, None) };
    Brand { channels: [(word.to_owned(), look)].into(), rules: vec![word.into()], ..brand() }
}

/// Every page with the history's sheets.
fn all() -> Vec<(Page, Vec<Sheet>)> {
    let account =
        |page: &Page, sheets: Vec<Sheet>| if *page == Page::Account { vec![super::account()] } else { sheets };
    pages().into_iter().map(|page| (page.clone(), account(&page, sheets(&page, &history())))).collect()
}

/// The page with the word where an address takes one.
fn named(page: &Page, word: &str) -> Page {
    let sort = Some(Sort { column: "channel", descending: true });
    match page {
        Page::Channel(period, _) => Page::Channel(*period, word.to_owned()),
        Page::Channels(period, Filter { find, .. }) if !find.is_empty() => {
            Page::Channels(*period, Filter { find: word.to_owned(), group: word.to_owned(), sort })
        }
        Page::Fan(openid, Step::Show) if openid == "<" => Page::Fan(word.to_owned(), Step::Show),
        page => page.clone(),
    }
}

fn page_of(page: &Page, sheets: &[Sheet], word: &str) -> Html {
    shown(&named(page, word), Language::Zh, &brand_of(word), &with(sheets, word))
}

/// Fields of a CSV (RFC 4180).
fn fields(csv: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = csv.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' | '\r' | '\n' if !quoted => fields.push(std::mem::take(&mut field)),
            letter => field.push(letter),
        }
    }
    fields
}

#[test]
fn whatever_is_written_a_page_has_the_same_elements_and_shows_it_as_text() {
    // No openid, and no word of ours.
    const HARMLESS: &str = "Ä";
    let all = all();
    let plain: Vec<_> = all.iter().map(|(page, sheets)| page_of(page, sheets, HARMLESS).structure()).collect();
    proptest!(ProptestConfig::with_cases(48), |(word in hostile())| {
        prop_assume!(word.parse::<guanxi::wechat::OpenId>().is_err());
        let known: String = word.chars().take(TEXT_SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        for ((page, sheets), plain) in all.iter().zip(&plain) {
            let html = page_of(page, sheets, &word);
            prop_assert_eq!(&html.structure(), plain, "{:?}", page);
            if matches!(page, Page::Questions) {
                prop_assert!(html.says(&known));
            }
        }
    });
}

#[test]
fn no_field_of_a_csv_is_a_formula() {
    let all = all();
    let seen = std::cell::Cell::new(0);
    proptest!(ProptestConfig::with_cases(48), |(word in hostile())| {
        for (page, sheets) in &all {
            for table in ["questions", "rules", "stale-rules", "channels", "paths", "retention", "pushes", "fan", "account"] {
                let Some(csv) = console::csv(&named(page, &word), &with(sheets, &word), table) else { continue };
                for field in fields(&csv) {
                    let is_number = field.trim_end_matches('%').parse::<f64>().is_ok();
                    let starts = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
                    prop_assert!(!starts || is_number, "{:?}", field);
                    seen.set(seen.get() + 1);
                }
            }
        }
    });
    assert!(seen.get() > 10_000, "is this test blind?");
}

#[test]
fn a_long_text_makes_a_page_little_longer() {
    let page = Page::Questions;
    let sheets = sheets(&page, &history());
    let size = |word: &str| {
        let (brand, moment) = (brand_of(word), super::moment());
        let view = console::View { language: Language::En, csrf: "", page: &page, brand: &brand, moment };
        console::page(&view, &with(&sheets, word)).len()
    };
    let (short, long) = (size("x"), size(&"<".repeat(65_536)));
    assert!(long - short < 8 * 1_024, "{short} and {long} bytes");
}
