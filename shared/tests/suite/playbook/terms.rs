//! What a playbook says to those who count.

use crate::compile;
use guanxi::{
    fold::Settings,
    playbook::{LoadError, Pushes, Terms},
    report::Brand,
    time::UtcOffset,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HEAD: &str = "version = 1\naccount = \"service\"\nname = \"喵\"\n";
const CHANNEL: &str = "[[channels]]\nid = \"bag\"\nname = \"袋\"\ngroup = \"package\"\ntags = [\"cat\"]\n";
const DATES: &str = "cost = 5000\nvalid_from = \"2026-03-01\"\nvalid_until = \"2026-05-31\"\n";

fn terms(source: &str) -> Terms {
    Terms::load(&compile(source).unwrap()).unwrap()
}

#[test]
fn what_the_file_says_of_days_and_channels_reaches_the_fold_and_the_reports() {
    let days = "utc_offset = \"+09:00\"\nkeep_days = 3\nforget_after_days = 90\nattribution_days = 14\n";
    let rule = "[[rules]]\nid = \"hi\"\non = \"text\"\ntext = \"喵\"\n";
    let terms = terms(&format!("{HEAD}{days}{CHANNEL}{DATES}{rule}"));
    let settings = Settings::from(&terms);
    assert_eq!(settings.utc_offset, "+09:00".parse::<UtcOffset>().unwrap());
    assert_eq!((settings.keep_days, settings.forget_after_days, settings.attribution_days), (3, 90, 14));
    assert!(settings.channels["bag"].contains("cat"));
    let brand = Brand::from(&terms);
    let bag = &brand.channels["bag"];
    assert_eq!((bag.name.as_str(), bag.group.as_str(), bag.cost), ("袋", "package", Some(500_000)));
    assert_eq!(bag.valid, (Some("2026-03-01".parse().unwrap()), Some("2026-05-31".parse().unwrap())));
    assert_eq!(brand.rules, ["hi"]);
    assert_eq!(brand.settings, settings);
}

#[test]
fn a_file_that_says_nothing_of_days_means_the_usual_ones() {
    let pushes = Pushes { name: "喵".into(), ..Pushes::default() };
    assert_eq!(Settings::from(&terms(HEAD)), Settings { pushes, ..Settings::default() });
    assert_eq!(Terms::load(b"").unwrap_err(), LoadError::NotAPlaybook);
}

#[test]
fn days_costs_and_dates_out_of_bounds_are_named() {
    let problems = |part: &str| compile(&format!("{HEAD}{part}")).unwrap_err()[0].to_string();
    for (part, expected) in [
        ("keep_days = 0\n", "4:13: `keep_days` is out of bounds; write a whole number from 1 to 30"),
        (
            "forget_after_days = 9999\n",
            "4:21: `forget_after_days` is out of bounds; write a whole number from 1 to 3650",
        ),
        (
            "attribution_days = \"30\"\n",
            "4:20: `attribution_days` is a whole number, not a text; write a whole number from 1 to 365",
        ),
    ] {
        assert_eq!(problems(part), expected);
    }
    for (line, expected) in [
        ("cost = -1", "9:8: `cost` is out of bounds; write a whole number from 0 to 100000000"),
        ("cost = 0.5", "9:8: `cost` is a whole number, not a number; write a whole number from 0 to 100000000"),
        (
            "valid_from = \"2026-02-30\"",
            "9:14: `2026-02-30`: a date is a day of the calendar from 1970 on, written 2026-02-16; write 2026-02-16",
        ),
        (
            "valid_from = \"2026-03-02\"\nvalid_until = \"2026-03-01\"",
            "10:15: `valid_until` is before `valid_from`; write the last day that the code is out",
        ),
    ] {
        assert_eq!(problems(&format!("{CHANNEL}{line}\n")), expected, "{line}");
    }
}
