//! The check names every problem of a file at once, with its place and what to write instead.

use crate::compile;
use guanxi::playbook::{self, KEYWORD_BYTES_MAX, KEYWORDS_MAX, REGEXES_MAX, RULES_MAX};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HEAD: &str = "version = 1\naccount = \"service\"\nname = \"喵\"\n";
const RULE: &str = "[[rules]]\nid = \"a\"\non = \"text\"\n";

/// The problems of a file, one a line, as people see them.
fn problems(source: &str) -> String {
    let problems = compile(source).err().unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn the_sample_brand_has_no_problem() {
    assert_eq!(problems(include_str!("../../../../functions/playbook.toml")), "");
}

#[test]
fn every_problem_of_a_bad_file_is_named_at_once() {
    assert_eq!(
        problems(include_str!("../../../fixtures/playbook/bad.toml")),
        include_str!("../../../fixtures/playbook/bad.txt")
    );
}

#[test]
fn a_subscription_account_has_no_channels() {
    let expected = include_str!("../../../fixtures/playbook/bad_subscription.txt");
    assert_eq!(problems(include_str!("../../../fixtures/playbook/bad_subscription.toml")), expected);
}

#[test]
fn every_error_of_spelling_is_named_at_once() {
    let source = "version = \nname = \"喵\nversion = 1\n[rules\n";
    assert_eq!(problems(source), include_str!("../../../fixtures/playbook/bad_spelling.txt"));
}

#[test]
fn an_empty_file_is_told_what_it_needs() {
    let needs = "1:1: the playbook needs `account`; write account = \"service\" or account = \"subscription\"\n\
                 1:1: the playbook needs `name`; write name = \"…\"\n\
                 1:1: the playbook needs `version`; write version = 1\n";
    assert_eq!(problems(""), needs);
}

#[test]
fn a_rule_needs_an_answer() {
    let needs =
        "4:1: a rule needs `reply`; write text = \"…\", reply = \"name\", reply = \"nothing\" or ask = \"service\"\n";
    assert_eq!(problems(&format!("{HEAD}{RULE}")), needs);
}

/// One wrong part in a file that is right otherwise; the parts begin on line 4.
#[test]
fn each_problem_says_where_it_is_and_what_to_write() {
    let rule = |line: &str| format!("{RULE}text = \"喵\"\n{line}");
    let follow = |line: &str| format!("[[rules]]\nid = \"a\"\non = \"subscribe\"\ntext = \"喵\"\n{line}");
    let news = |count: usize| {
        let articles = "{ title = \"一\", url = \"https://a.cn\" }, ".repeat(count);
        format!("[replies.n]\ntype = \"news\"\narticles = [{articles}]")
    };
    let channel = |id: &str| format!("[[channels]]\nid = \"{id}\"\nname = \"袋\"");
    let offset_help = "an offset is whole hours from -12:00 to +14:00, such as +08:00; write utc_offset = \"+08:00\"";
    let regex_help = "the regex asks for `：`, which normalised text never has; write `:`";
    for (part, told) in [
        ("utc_offset = \"+08:30\"".into(), format!("4:14: `+08:30`: {offset_help}")),
        (
            "[hours.h]\nmon = [\"09:00-12:00\", \"11:00-13:00\"]".into(),
            "5:7: these times overlap; join them to one".into(),
        ),
        ("[hours.h]\nmon = []".into(), "5:7: `mon` is an empty list; write what is in it, or no key".into()),
        (
            "[hours.h]\nclosed = \"2026-02-16..2026-02-22\"\ndates.2026-02-20 = \"09:00-10:00\"".into(),
            "6:7: this date is stated twice; state each date once, in `closed` or in `dates`".into(),
        ),
        (
            "hours = 3".into(),
            "4:9: `hours` is a table, not a number; write [hours.shop] and below it mon-fri = \"09:30-21:00\"".into(),
        ),
        (channel(&"猫".repeat(64)), String::new()),
        (
            channel(&"猫".repeat(65)),
            "5:6: a channel's id is a scene string: 1 to 64 characters, no blanks at its ends; \
             write the scene_str the QR code was made with"
                .into(),
        ),
        (news(8), String::new()),
        (news(9), "6:12: a news reply has 1 to 8 articles, not 9; add or drop articles".into()),
        (news(0), "6:12: a news reply has 1 to 8 articles, not 0; add or drop articles".into()),
        (rule("match = { regex = \"[0-9]：\" }"), format!("8:25: {regex_help}")),
        (
            rule("match = {}"),
            "8:9: `match` is empty, so the rule never matches; write match = { contains = [\"猫粮\"] }".into(),
        ),
        (
            rule("match = { containz = \"猫\" }"),
            "8:11: unknown key `containz` in `match`; did you mean `contains`?".into(),
        ),
        (rule("match = \"猫\""), "8:9: `match` is a table, not a text; write match = { contains = [\"猫粮\"] }".into()),
        (
            rule("priority = 1000001"),
            "8:12: `priority` is out of bounds; write a whole number from -1000000 to 1000000".into(),
        ),
        (
            rule("when = \"h\"\noutside = \"h\"\n[hours.h]\nmon = \"09:00-10:00\""),
            "9:11: a rule has `when` or `outside`, not both; make it two rules".into(),
        ),
        (
            follow("fan = \"follower\""),
            "8:7: a fan is `follower` only on `scan`; add \"scan\" to `on`, or drop `fan`".into(),
        ),
        (follow("fan = \"old\""), "8:7: `old` is nothing a fan can be; write new, returning or follower".into()),
        (follow("fan = \"new\""), String::new()),
        ("default = \"agent\"\n[replies.agent]\ntype = \"transfer_customer_service\"".into(), String::new()),
    ] {
        let expected = if told.is_empty() { told } else { told + "\n" };
        assert_eq!(problems(&format!("{HEAD}{part}\n")), expected, "{part}");
    }
}

#[test]
fn a_text_of_2000_bytes_is_shown_and_one_byte_more_is_not() {
    let text = |length: usize| format!("{HEAD}{RULE}text = \"{}\"\n", "a".repeat(length));
    assert_eq!(problems(&text(2_000)), "");
    let too_long = "7:8: the text has 2001 bytes, and WeChat shows 2000; \
                    shorten it by 1 bytes; a Chinese character has 3\n";
    assert_eq!(problems(&text(2_001)), too_long);
}

#[test]
fn the_longest_that_a_text_may_grow_to_counts() {
    let text = |length: usize| format!("{HEAD}{RULE}text = \"{}{{text}}{{name}}\"\n", "a".repeat(length));
    assert_eq!(problems(&text(1_757)), "", "60 characters of at most 4 bytes, and a name of 3");
    let too_long = "7:8: the text may grow to 2001 bytes, and WeChat shows 2000; \
                    shorten it by 1 bytes; a Chinese character has 3\n";
    assert_eq!(problems(&text(1_758)), too_long);
}

/// Two rules, and whether the second one's `match` can be reached.
#[test]
fn a_keyword_is_shadowed_only_where_the_earlier_rule_surely_wins() {
    let pair = |first: &str, second: &str| {
        let on = |rule: &str| if rule.contains("on =") { "" } else { "on = \"text\"\n" };
        let rule = |id, rule| format!("[[rules]]\nid = \"{id}\"\n{}text = \"喵\"\n{rule}\n", on(rule));
        format!("{HEAD}[hours.h]\nmon = \"09:00-10:00\"\n{}{}", rule("a", first), rule("b", second))
    };
    for (first, second, shadowed) in [
        ("match = { contains = \"猫\" }", "match = { contains = \"猫粮\" }", true),
        ("match = { contains = \"猫\" }", "match = { prefix = \"买猫粮\" }", true),
        ("match = { contains = \"猫\" }", "match = { exact = \"猫\" }", true),
        ("match = { contains = \"CAT\" }", "match = { exact = \"ｃａｔ food\" }", true),
        ("match = { contains = \"猫粮\" }", "match = { contains = \"猫\" }", false),
        ("match = { prefix = \"猫\" }", "match = { prefix = \"猫粮\" }", true),
        ("match = { prefix = \"猫\" }", "match = { exact = \"猫粮\" }", true),
        ("match = { prefix = \"猫\" }", "match = { exact = \"买猫粮\" }", false),
        ("match = { prefix = \"猫\" }", "match = { contains = \"猫粮\" }", false),
        ("match = { exact = \"猫粮\" }", "match = { exact = \"猫粮\" }", true),
        ("match = { exact = \"猫粮\" }", "match = { prefix = \"猫粮\" }", false),
        ("match = { regex = \"猫\" }", "match = { exact = \"猫粮\" }", false),
        ("match = { contains = \"猫\" }", "match = { contains = \"猫粮\" }\npriority = 1", false),
        ("match = { contains = \"猫\" }\npriority = -1", "match = { contains = \"猫粮\" }", false),
        ("match = { contains = \"猫\" }\nwhen = \"h\"", "match = { contains = \"猫粮\" }", false),
        ("match = { contains = \"猫\" }\nwhen = \"h\"", "match = { contains = \"猫粮\" }\nwhen = \"h\"", true),
        ("match = { contains = \"猫\" }\nwhen = \"h\"", "match = { contains = \"猫粮\" }\noutside = \"h\"", false),
        ("match = { contains = \"猫\" }", "match = { contains = \"猫粮\" }\noutside = \"h\"", true),
        ("match = { contains = \"猫\" }", "on = [\"text\", \"voice\"]\nmatch = { contains = \"猫粮\" }", false),
        ("on = [\"text\", \"voice\"]\nmatch = { contains = \"猫\" }", "match = { contains = \"猫粮\" }", true),
        ("", "match = { contains = \"猫粮\" }", true),
        ("when = \"h\"", "match = { contains = \"猫粮\" }", false),
        ("on = \"subscribe\"", "on = \"subscribe\"", true),
        ("on = \"subscribe\"", "on = [\"subscribe\", \"scan\"]", false),
        ("on = \"subscribe\"", "on = \"subscribe\"\nfan = \"new\"", true),
        ("on = \"subscribe\"\nfan = \"new\"", "on = \"subscribe\"\nfan = \"returning\"", false),
    ] {
        let told = problems(&pair(first, second));
        assert_eq!(told.lines().count(), usize::from(shadowed), "{first} / {second}: {told}");
        assert!(!shadowed || told.contains("rule `a` on line 6"), "{told}");
    }
}

#[test]
fn a_channels_rule_behind_the_general_one_is_never_reached() {
    let channel = "[[channels]]\nid = \"bag\"\nname = \"袋\"\n";
    let general = "[[rules]]\nid = \"all\"\non = \"subscribe\"\ntext = \"你好\"\n";
    let special = "[[rules]]\nid = \"bag\"\non = \"subscribe\"\nchannel = \"bag\"\ntext = \"谢谢\"\n";
    assert_eq!(problems(&format!("{HEAD}{channel}{special}{general}")), "");
    let told = problems(&format!("{HEAD}{channel}{general}{special}"));
    assert!(told.starts_with("11:1: rule `bag` is never reached: rule `all` on line 7 takes all of it"), "{told}");
}

#[test]
fn the_limits_hold() {
    let words = |count: usize| (0..count).map(|i| format!("\"w{i}x\"")).collect::<Vec<_>>().join(",");
    let rule = |words: String, place: &str| format!("{HEAD}{RULE}text = \"喵\"\nmatch = {{ {place} = [{words}] }}\n");
    assert_eq!(problems(&rule(words(KEYWORDS_MAX), "exact")), "");
    assert!(problems(&rule(words(KEYWORDS_MAX + 1), "exact")).contains("more than 20000 keywords"));
    assert!(problems(&rule(words(REGEXES_MAX + 1), "regex")).contains("more than 200 regexes"));
    let long = format!("\"{}\"", "猫".repeat(67));
    assert!(problems(&rule(long, "exact")).contains("the keyword has 201 bytes, and 200 are the most"));
    let bytes = (0..KEYWORD_BYTES_MAX / 190 + 1).map(|i| format!("\"{i:0190}\"")).collect::<Vec<_>>().join(",");
    assert!(problems(&rule(bytes, "exact")).contains("more than 500000 bytes together"));
    let rules: String = (0..=RULES_MAX)
        .map(|i| format!("[[rules]]\nid = \"{i}\"\non = \"text\"\nmatch.exact = \"{i}\"\ntext = \"a\"\n"))
        .collect();
    assert!(problems(&format!("{HEAD}{rules}")).contains("more than 5000 rules"));
    let huge = format!("{HEAD}# {}", "x".repeat(playbook::FILE_MAX));
    let told = format!("1:1: the file has {} bytes, and 2000000 are the most; drop what is not used\n", huge.len());
    assert_eq!(problems(&huge), told);
}
