//! Products, reminders and campaigns of a playbook: what the check says of them, what becomes of them, and who stops them.

use crate::compile;
use guanxi::{
    facts::PushChoice,
    playbook::{
        CAMPAIGNS_MAX, Content, DaysAgo, Filled, Form, Inbound, InboundKind, Limits, MARKETING_WORDS_MAX, PRODUCTS_MAX,
        Playbook, Product, Pushes, Reminder, Terms, Usual, Values, Ways, warnings,
    },
    time::Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SAMPLE: &str = include_str!("../../../../functions/playbook.toml");
const HEAD: &str = "version = 1\naccount = \"service\"\nname = \"喵\"\n";
const PRODUCT: &str = "[[products]]\nid = \"p\"\nname = \"成猫粮\"\nsupply_days = 30\n";
const REMINDER: &str = "[products.reminder]\nlead_days = 5\nway = \"template\"\ntemplate_id = \"t\"\n";
const CAMPAIGN: &str = "[[campaigns]]\nid = \"c\"\nway = \"message\"\ntext = \"喵\"\n";

/// The problems of what follows [`HEAD`], so from line 4 on, one a line.
fn problems(part: &str) -> String {
    let problems = compile(&format!("{HEAD}{part}\n")).err().unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn pushes(source: &str) -> Pushes {
    Terms::load(&compile(source).unwrap_or_else(|problems| panic!("{problems:#?}"))).unwrap().pushes
}

/// What follows [`HEAD`] may do and should not.
fn warned(part: &str) -> Vec<String> {
    warnings(&format!("{HEAD}{part}\n")).iter().map(ToString::to_string).collect()
}

/// Each part with the beginnings of its problems, in order; none: it is fine.
fn check(parts: &[(String, &[&str])]) {
    for (part, expected) in parts {
        let told = problems(part);
        let same = told.lines().count() == expected.len()
            && told.lines().zip(*expected).all(|(told, expected)| told.starts_with(expected));
        assert!(same, "{part}\n{told}");
    }
}

#[test]
fn fields_that_dialogs_save_choose_fans_and_stand_in_texts() {
    let campaign = |segment: &str, text: &str| {
        format!(
            "[[campaigns]]\nid = \"c\"\nat = \"2030-01-01T10:00\"\nsegment = {segment}\nway = \"message\"\ntext = \"{text}\""
        )
    };
    let (fine, kg) = ("{ fields = { pet = [\"cat\", \"dog\"], kg = \"4\" } }", "{field.kg|几}");
    let long = "猫".repeat(67);
    check(&[
        (campaign(fine, "{field.pet|毛孩子}{name}"), &[]),
        (campaign("{ fields = {} }", "喵"), &["7:22: a segment names 1 to 10 fields, not 0"]),
        (
            campaign("{ fields = { Pet = \"cat\" } }", "喵"),
            &["7:24: a field's name has 1 to 32 characters of a-z 0-9 _"],
        ),
        (campaign("{ fields = { pet = \"\" } }", "喵"), &["7:30: a field's value has 1 to 200 bytes"]),
        (campaign("{ fields = { pet = 3 } }", "喵"), &["7:30: `pet` is a text or a list"]),
        (
            campaign("{}", "喵{field.pet}"),
            &["9:10: `{field.pet}` says nothing to a fan of whom it is not known; write {field.pet|…}"],
        ),
        (campaign("{}", "{field.pet| }"), &["9:9: `{field.pet| }` says nothing"]),
        (campaign("{}", "{field.Pet|x}"), &["9:9: a field's name has"]),
        (campaign("{}", &format!("{{field.pet|{long}}}")), &["9:9: what stands behind the | has 201 bytes"]),
        (campaign("{}", &kg.repeat(10)), &[]),
        (campaign("{}", &kg.repeat(11)), &["9:8: the text may grow to 2200 bytes"]),
    ]);
    let notice = format!("{PRODUCT}[products.reminder]\nlead_days = 5\nway = \"notice\"\ntemplate_id = \"t\"\n");
    let told = problems(&format!("{notice}fields = {{ thing1 = \"{{field.pet|喵}}\" }}"));
    assert!(told.contains("unknown placeholder `{field.pet|喵}`"), "{told}");
    let pushes = pushes(&format!("{HEAD}{}\n", campaign(fine, "{field.pet|毛孩子}")));
    let campaign = &pushes.campaigns["c"];
    assert_eq!(campaign.segment.fields["pet"], ["cat", "dog"]);
    let content = campaign.ways.iter().next().unwrap();
    let says = |pet: Option<&'static str>| content.render_for("喵", None, &move |name| pet.filter(|_| name == "pet"));
    assert_eq!(says(Some("cat")), Filled::Message { text: "cat".into() });
    assert_eq!(says(None), Filled::Message { text: "毛孩子".into() });
}

#[test]
fn what_holds_for_all_is_checked() {
    let line = |line: &str| format!("[pushes]\n{line}");
    check(&[
        (line(""), &[]),
        (line("quiet = \"none\"\npreferred_hour = 3"), &[]),
        (line("quiet = \"22:00-24:00\""), &[]),
        (line("quiet = \"20:00-09:00\""), &["5:9: the preferred hour 20 is within the quiet hours; write another"]),
        (line("preferred_hour = 21"), &["5:18: the preferred hour 21 is within the quiet hours"]),
        (line("preferred_hour = 9"), &[]),
        (line("quiet = \"00:00-24:00\""), &["5:9: no hour is left for pushes"]),
        (
            line("quiet = \"late\""),
            &["5:9: `late` is no span of time; write quiet = \"21:30-09:00\", or quiet = \"none\""],
        ),
        (line("preferred_hour = 24"), &["5:18: `preferred_hour` is out of bounds; write a whole number from 0 to 23"]),
        (line("cap = 0"), &["5:7: `cap` is out of bounds; write a whole number from 1 to 100"]),
        (line("cap_days = 366"), &["5:12: `cap_days` is out of bounds; write a whole number from 1 to 365"]),
        (line("outcome_days = 91"), &["5:16: `outcome_days` is out of bounds; write a whole number from 1 to 90"]),
        (line("holdout = 91"), &["5:11: `holdout` is out of bounds; write a whole number from 0 to 90"]),
        (line("marketing_words = [\"\"]"), &["5:20: a name has 1 to 64 characters"]),
        (line("quiets = \"none\""), &["5:1: unknown key `quiets` in `pushes`; did you mean `quiet`?"]),
        ("pushes = 3".into(), &["4:10: `pushes` is a table, not a number; write [pushes]"]),
    ]);
}

#[test]
fn products_and_reminders_are_checked() {
    let product = |line: &str| format!("[[products]]\nid = \"p\"\nname = \"粮\"\n{line}");
    let reminder = |line: &str| format!("{PRODUCT}{REMINDER}fields = {{ thing1 = \"{{product}}\" }}\n{line}");
    let days = |supply: u32, rest: &str| {
        let product = PRODUCT.replace("30", &supply.to_string());
        format!("{product}[products.reminder]\nway = \"message\"\ntext = \"喵\"\n{rest}")
    };
    check(&[
        (product("supply_days = 30"), &[]),
        (product(""), &["4:1: a product needs `supply_days`; write how many days one piece lasts"]),
        (product("supply_days = 3651"), &["7:15: `supply_days` is out of bounds; write a whole number from 1 to 3650"]),
        (
            "[[products]]\nid = \"\"\nname = \"粮\"\nsupply_days = 1".into(),
            &["5:6: a product's id has 1 to 64 bytes and no line breaks; write it as the shop's orders name it"],
        ),
        (
            format!("{PRODUCT}{PRODUCT}"),
            &["9:6: the id `p` is taken by the product on line 5; give each product an id"],
        ),
        (reminder(""), &[]),
        (reminder("url = \"example.com\""), &["13:7: `example.com` is no address of a page"]),
        (reminder("url = \"https://例.cn\""), &["13:7: a `url` is 1 to 1024 letters, digits and signs"]),
        (reminder("miniprogram = { appid = \"wx1\" }"), &["13:15: `miniprogram` needs `pagepath`"]),
        (reminder("preferred_hour = 22"), &["13:18: the preferred hour 22 is within the quiet hours"]),
        (reminder("holdout = 100"), &["13:11: `holdout` is out of bounds"]),
        (reminder("text = \"喵\""), &["13:1: unknown key `text` in a reminder"]),
        (days(5, "lead_days = 5"), &["11:13: `lead_days` is out of bounds; write a whole number from 0 to 4"]),
        (
            days(5, "lead_days = 4\ngap_days = 5"),
            &["12:12: `gap_days` is out of bounds; write a whole number from 0 to 4"],
        ),
        (days(5, ""), &["8:1: a reminder needs `lead_days`"]),
        (days(1, "lead_days = 0"), &[]),
        (
            format!("{PRODUCT}[products.reminder]\nlead_days = 5\nway = \"sms\""),
            &["10:7: `sms` is no way to send a push; write one of notice, message, template"],
        ),
        (format!("{PRODUCT}[products.reminder]\nlead_days = 5"), &["8:1: a reminder needs `way`"]),
        (
            format!("{PRODUCT}[products.reminder]\nlead_days = 5\nway = \"notice\""),
            &["8:1: a reminder needs `fields`", "8:1: a reminder needs `template_id`"],
        ),
    ]);
}

#[test]
fn fields_that_wechat_would_refuse_are_named() {
    let fields = |fields: &str| format!("{PRODUCT}{REMINDER}fields = {{ {fields} }}");
    let twenty = "猫".repeat(20);
    check(&[
        (fields("thing1 = \"{product}\", date2 = \"{run_out}\", time3 = \"{bought_on} 09:00~{run_out} 21:00\""), &[]),
        (fields(&format!("thing1 = \"{twenty}\"")), &[]),
        (
            fields(&format!("thing1 = \"{twenty}{{name}}\"")),
            &[
                "12:21: `thing1` becomes `猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫喵` (21 characters), and a `thing` is at most 20 characters; \
               change it",
            ],
        ),
        (fields("thing1 = \"还有{quantity}份，共十四个字够长了吧喵\""), &["12:21: `thing1` becomes `还有1000000份，"]),
        (
            fields("number1 = \"{quantity}\", time2 = \"{run_out}\", phrase3 = \"{quantity}件\""),
            &[
                "12:44: `time2` becomes `2026年03月04日` (11 characters), and a `time` is a time such as 15:01",
                "12:67: `phrase3` becomes `1件` (2 characters), and a `phrase` is at most 5 Chinese characters",
            ],
        ),
        (fields("character_string1 = \"{product}\""), &["12:32: `character_string1` becomes `成猫粮`"]),
        (fields("phrase1 = \"ok\""), &["12:22: `phrase1` is `ok` (2 characters)"]),
        (fields("thing1 = \" \""), &["12:21: `thing1` is empty"]),
        (fields("thing1 = \"a\\nb\""), &["12:21: `thing1` has a line break; write it in one line"]),
        (fields("thing1 = \"喵🐱\""), &["12:21: `thing1` has the emoji `🐱`, which is cut out; drop it"]),
        (
            fields("first = \"你好\", thing1 = \"喵\", remark = \"再见\""),
            &["12:12: WeChat no longer shows `first`; drop it", "12:40: WeChat no longer shows `remark`"],
        ),
        (fields("keyword1 = \"喵\""), &["12:12: `keyword1` is of no type of field; write the name as in the template"]),
        (fields("things1 = \"喵\""), &["12:12: `things1` is of no type of field; did you mean `thing`?"]),
        (
            fields("thing1 = \"限时 优 惠\""),
            &["12:21: `thing1` has the marketing word `优惠`, for which WeChat blocks"],
        ),
        (
            fields("thing1 = \"{produkt} }\""),
            &["12:22: unknown placeholder `{produkt}`; did you mean `product`?", "12:32: a single `}`"],
        ),
        (fields("thing1 = 3"), &["12:21: `thing1` is a text, not a number"]),
        (fields(""), &["12:10: a template has 1 to 10 fields, not 0"]),
        (
            format!("[pushes]\nmarketing_words = [\"囤 货\"]\n{}", fields("thing1 = \"可以囤货了\"")),
            &["14:21: `thing1` has the marketing word `囤货`"],
        ),
        (
            fields("thing1 = \"{product}\"").replace("成猫粮", "买赠装"),
            &["12:21: `thing1` has the marketing word `买赠`"],
        ),
    ]);
}

#[test]
fn the_text_of_a_message_has_a_length() {
    let message =
        |text: &str| format!("{PRODUCT}[products.reminder]\nlead_days = 5\nway = \"message\"\ntext = \"{text}\"");
    check(&[
        (message("优惠🐱\\n{run_out}"), &[]),
        (message(&"a".repeat(2_000)), &[]),
        (message(&format!("{}{{quantity}}{{run_out}}{{days_left}}", "a".repeat(1_972))), &[]),
        (
            message(&format!("{}{{quantity}}{{run_out}}{{days_left}}", "a".repeat(1_973))),
            &["11:8: the text may grow to 2001 bytes, and WeChat shows 2000; shorten it by 1 bytes"],
        ),
        (message(" "), &["11:8: the text is empty"]),
        (
            message("{text}"),
            &["11:9: unknown placeholder `{text}`; known are name, product, quantity, bought_on, run_out"],
        ),
    ]);
}

/// A reminder, its keys from line 10 on.
fn reminds(keys: &str) -> String {
    format!("{PRODUCT}[products.reminder]\nlead_days = 5\n{keys}")
}

const NOTICE: &str = "template_id = \"n\"\nfields = { thing1 = \"喵\" }\n";
const APART: &str = "[products.reminder.template]\ntemplate_id = \"t\"\nfields = { thing2 = \"喵\" }";

#[test]
fn a_list_of_ways_needs_what_each_of_them_needs() {
    let ways = |ways: &str, rest: &str| reminds(&format!("way = [{ways}]\n{rest}"));
    check(&[
        (ways("\"notice\", \"message\"", &format!("text = \"喵\"\n{NOTICE}")), &[]),
        (ways("\"message\", \"notice\"", &format!("text = \"喵\"\n{NOTICE}")), &[]),
        (ways("\"message\", \"template\"", &format!("text = \"喵\"\n{NOTICE}")), &[]),
        (ways("\"notice\", \"message\", \"template\"", &format!("text = \"喵\"\n{NOTICE}{APART}")), &[]),
        (ways("\"notice\"", NOTICE), &[]),
        (ways("\"notice\", \"message\"", NOTICE), &["8:1: a reminder needs `text`"]),
        (
            ways("\"notice\", \"message\"", "text = \"喵\""),
            &["8:1: a reminder needs `fields`", "8:1: a reminder needs `template_id`"],
        ),
        (
            ways("\"notice\", \"template\"", NOTICE),
            &["8:1: a reminder needs `template`; write template = { template_id = \"…\", fields = { … } }"],
        ),
        (
            ways("\"notice\", \"template\"", &format!("{NOTICE}template = {{ url = \"x\", text = \"y\" }}")),
            &[
                "13:12: `template` needs `fields`",
                "13:12: `template` needs `template_id`",
                "13:20: `x` is no address",
                "13:25: unknown key `text` in `template`",
            ],
        ),
        (
            ways("\"notice\", \"message\"", &format!("text = \"喵\"\n{NOTICE}{APART}")),
            &["14:20: unknown key `template` in"],
        ),
        (reminds(&format!("way = \"template\"\n{NOTICE}{APART}")), &["13:20: unknown key `template` in a reminder"]),
        (ways("", ""), &["10:7: `way` is an empty list"]),
        (ways("\"notice\", \"sms\"", NOTICE), &["10:18: `sms` is no way to send a push"]),
        (ways("\"notice\", \"notice\"", NOTICE), &["10:18: the way `notice` stands here twice; drop one of them"]),
        (
            ways("\"template\", \"message\"", &format!("text = \"喵\"\n{NOTICE}")),
            &[
                "10:8: a template message reaches every follower, so what stands behind it is not tried; let \"template\" be",
            ],
        ),
        (reminds("way = 3"), &["10:7: `way` is a text or a list, not a number"]),
    ]);
}

#[test]
fn the_rules_of_each_way_hold_in_a_list_too() {
    let all = |notice: &str, text: &str, template: &str| {
        reminds(&format!(
            "way = [\"notice\", \"message\", \"template\"]\ntemplate_id = \"n\"\nfields = {{ thing1 = \"{notice}\" }}\n\
             text = \"{text}\"\ntemplate = {{ template_id = \"t\", fields = {{ thing1 = \"{template}\" }} }}"
        ))
    };
    let long = "喵".repeat(667);
    check(&[
        (all("喵", "优惠🐱", "喵"), &[]),
        (all("优惠", "喵", "喵"), &["12:21: `thing1` has the marketing word `优惠`"]),
        (all("喵", &long, "喵"), &["13:8: the text may grow to 2001 bytes"]),
        (all("喵", "喵", "喵🐱"), &["14:53: `thing1` has the emoji `🐱`"]),
        (
            all("{x}", "{y}", "{z}"),
            &["12:22: unknown placeholder `{x}`", "13:9: unknown placeholder `{y}`", "14:54: unknown"],
        ),
    ]);
}

#[test]
fn ways_reach_those_who_send_in_their_order() {
    let found = pushes(&format!(
        "{HEAD}{}\n[[campaigns]]\nid = \"c\"\nat = \"2026-12-01T20:00\"\nsegment = {{}}\nway = [\"message\", \"notice\"]\n\
         text = \"喵\"\n{NOTICE}",
        reminds(&format!("way = [\"notice\", \"message\", \"template\"]\n{NOTICE}text = \"喵\"\n{APART}")),
    ));
    let form = |template_id: &str, field: &str| Form {
        template_id: template_id.into(),
        fields: vec![(field.into(), "喵".into())],
        url: None,
        miniprogram: None,
    };
    let (notice, message) = (Content::Notice(form("n", "thing1")), Content::Message { text: "喵".into() });
    let template = Content::Template(form("t", "thing2"));
    let reminder = found.products["p"].reminder.as_ref().unwrap();
    assert_eq!(reminder.ways, Ways::from_iter([notice.clone(), message.clone(), template]));
    assert_eq!(found.campaigns["c"].ways, Ways::from_iter([message, notice]));
}

#[test]
fn a_reminder_by_template_is_warned_of() {
    let why = "warning: WeChat may refuse a template for reminders when it is applied for, and stop one that is used so: template \
               messages are evidence of a service (模板消息是服务凭证，不作提醒用途); write way = [\"notice\", \"message\"], and \"template\" \
               behind them only where WeChat granted one for this";
    assert_eq!(warned(&reminds(&format!("way = \"template\"\n{NOTICE}"))), [format!("10:7: {why}")]);
    let listed = reminds(&format!("way = [\"notice\", \"template\"]\n{NOTICE}{APART}"));
    assert_eq!(warned(&listed), [format!("10:18: {why}")]);
    assert_eq!(warned(&reminds(&format!("way = [\"notice\", \"message\"]\n{NOTICE}text = \"喵\""))), [""; 0]);
    // A campaign may be the evidence of a service that WeChat grants templates for.
    let campaign = format!("{CAMPAIGN}at = \"2026-12-01T20:00\"\nsegment = {{}}");
    assert_eq!(warned(&campaign.replace("\"message\"\ntext = \"喵\"", &format!("\"template\"\n{NOTICE}"))), [""; 0]);
    // A file that does not compile is warned of too, and the warning is none of its problems.
    let both = reminds(&format!("way = \"template\"\nholdout = 100\n{NOTICE}"));
    assert_eq!((warned(&both).len(), problems(&both).lines().count()), (1, 1));
    assert!(compile(SAMPLE).is_ok());
    assert_eq!(warnings(SAMPLE), []);
}

#[test]
fn a_message_that_advertises_is_warned_of() {
    assert_eq!(
        warned(&reminds("way = \"message\"\ntext = \"喵，第二袋半价\"")),
        [
            "11:8: warning: the text has the marketing word `半价`, and a customer message is no advertisement; say what the \
             fan needs to know; agents may say more when the fan asks"
        ]
    );
    assert_eq!(warned(&reminds("way = \"message\"\ntext = \"喵\"")), [""; 0]);
}

#[test]
fn campaigns_are_checked() {
    let campaign = |line: &str| format!("{CAMPAIGN}{line}");
    let at = "at = \"2026-12-01T20:00\"";
    let segment = |segment: &str| format!("{CAMPAIGN}{at}\nsegment = {{ {segment} }}");
    check(&[
        (segment(""), &[]),
        (segment("followed = \"30-90\", bought = \"30-\", contact = \"-7\""), &[]),
        (campaign(at), &["4:1: a campaign needs `segment`; write segment = {} for all fans"]),
        (campaign("segment = {}"), &["4:1: a campaign needs `at`"]),
        (
            campaign("segment = {}\nat = \"2026-12-01\""),
            &["9:6: `2026-12-01` is no moment; write at = \"2026-12-01T20:00\""],
        ),
        (campaign("segment = {}\nat = \"2026-02-30T20:00\""), &["9:6: `2026-02-30T20:00` is no moment"]),
        (segment("followed = \"30\""), &["9:24: `30` is no span of days; write \"30-90\", \"30-\" or \"-7\""]),
        (segment("followed = \"90-30\""), &["9:24: `90-30` is no span of days"]),
        (segment("followed = \"-\""), &["9:24: `-` is no span of days"]),
        (segment("followed = \"0-3651\""), &["9:24: `0-3651` is no span of days"]),
        (segment("channels = \"bag\""), &["9:24: there is no channel `bag`"]),
        (segment("tags = [\"cat\"]"), &["9:21: there is no tag `cat`; give it to a channel"]),
        (format!("{}\n{PRODUCT}", segment("products = \"q\"")), &["9:24: there is no product `q`"]),
        (format!("{}\n{PRODUCT}", segment("products = \"p\"")), &[]),
        (segment("city = \"杭州\""), &["9:13: unknown key `city` in `segment`"]),
        (segment("").replace("\"c\"", "\"C 1\""), &["5:6: a campaign's id has 1 to 32 characters of a-z 0-9 _ -"]),
        (format!("{0}\n{0}", segment("")), &["11:6: the id `c` is taken by the campaign on line 5"]),
        (segment("").replace("喵\"\nat", "{product}\"\nat"), &["7:9: unknown placeholder `{product}`; known are name"]),
        (segment("").replace("喵\"\nat", "{name}\"\nat"), &[]),
    ]);
}

#[test]
fn a_subscription_account_sends_no_template_messages() {
    let reminder = format!("{PRODUCT}{REMINDER}fields = {{ thing1 = \"喵\" }}");
    let subscription = format!("{HEAD}{reminder}\n").replace("service", "subscription");
    let told = compile(&subscription).unwrap_err();
    assert_eq!(told.len(), 1);
    assert!(told[0].to_string().starts_with("10:7: a subscription account has no template messages"), "{}", told[0]);
    assert!(compile(&subscription.replace("\"template\"", "\"notice\"")).is_ok());
}

#[test]
fn the_limits_hold() {
    let products =
        |count: usize| -> String { (0..count).map(|i| PRODUCT.replace("\"p\"", &format!("\"p{i}\""))).collect() };
    assert_eq!(problems(&products(PRODUCTS_MAX)), "");
    assert!(problems(&products(PRODUCTS_MAX + 1)).contains("more than 500 products"));
    let campaign = format!("{CAMPAIGN}at = \"2026-12-01T20:00\"\nsegment = {{}}\n");
    let campaigns =
        |count: usize| -> String { (0..count).map(|i| campaign.replace("\"c\"", &format!("\"c{i}\""))).collect() };
    assert_eq!(problems(&campaigns(CAMPAIGNS_MAX)), "");
    assert!(problems(&campaigns(CAMPAIGNS_MAX + 1)).contains("more than 100 campaigns"));
    let words = |count: usize| format!("[pushes]\nmarketing_words = [{}]", "\"词\", ".repeat(count));
    assert_eq!(problems(&words(MARKETING_WORDS_MAX)), "");
    assert!(problems(&words(MARKETING_WORDS_MAX + 1)).contains("more than 200 marketing words"));
}

#[test]
fn what_the_file_says_of_pushes_reaches_those_who_send() {
    let general = "utc_offset = \"+09:00\"\n[pushes]\nquiet = \"22:00-08:30\"\npreferred_hour = 12\ncap = 3\ncap_days = 7\n\
                   outcome_days = 5\nholdout = 15\nmarketing_words = [\"囤货\"]\n";
    let reminder =
        format!("{REMINDER}gap_days = 9\nfields = {{ thing9 = \"{{product}}\", date1 = \"{{run_out}}\" }}\n");
    let more = "url = \"https://a.cn/{x}\"\nminiprogram = { appid = \"wx1\", pagepath = \"p\" }\n";
    let segment = "at = \"2026-12-01T20:00\"\nholdout = 0\nsegment = { followed = \"30-90\", products = \"p\" }\n";
    let found = pushes(&format!("{HEAD}{general}{PRODUCT}{reminder}{more}{CAMPAIGN}{segment}"));
    let limits = Limits {
        utc_offset: "+09:00".parse().unwrap(),
        quiet_from: 22 * 60,
        quiet_until: 8 * 60 + 30,
        preferred_hour: 12,
        cap: 3,
        cap_days: 7,
        outcome_days: 5,
    };
    assert_eq!((found.name.as_str(), found.limits), ("喵", limits));
    assert_eq!(found.usual, Usual { service: true, holdout: 15, marketing_words: vec!["囤货".into()] });
    let form = Form {
        template_id: "t".into(),
        fields: vec![("thing9".into(), "{product}".into()), ("date1".into(), "{run_out}".into())],
        url: Some("https://a.cn/{x}".into()),
        miniprogram: Some(("wx1".into(), "p".into())),
    };
    let reminder =
        Reminder { lead_days: 5, gap_days: 9, preferred_hour: None, holdout: 15, ways: Content::Template(form).into() };
    let product = Product { name: "成猫粮".into(), supply_days: 30, reminder: Some(reminder) };
    assert_eq!(found.products["p"], product);
    let campaign = &found.campaigns["c"];
    // 20:00 where it is nine hours later than in Greenwich.
    assert_eq!(campaign.at, "2026-12-01T11:00:00Z".parse().unwrap());
    assert_eq!((campaign.holdout, &campaign.ways), (0, &Content::Message { text: "喵".into() }.into()));
    assert_eq!(campaign.segment.followed, Some(DaysAgo { min: 30, max: Some(90) }));
    assert_eq!(campaign.segment.products, ["p"]);
}

#[test]
fn a_file_that_says_nothing_of_pushes_means_the_usual_limits_and_none() {
    assert_eq!(pushes(HEAD), Pushes { name: "喵".into(), ..Pushes::default() });
}

#[test]
fn the_sample_brand_leads_with_notices_and_messages() {
    let pushes = pushes(SAMPLE);
    let day = |date: &str| date.parse().unwrap();
    let filled = |id: &str| {
        let product = &pushes.products[id];
        let (bought_on, run_out, today) = (day("2026-03-01"), day("2026-03-31"), day("2026-03-26"));
        let values = Values { product: &product.name, quantity: 2, bought_on, run_out, today };
        let ways = product.reminder.as_ref().unwrap().ways.iter();
        ways.map(|content| content.render(&pushes.name, Some(&values))).collect::<Vec<_>>()
    };
    let values =
        |fields: &[(String, String)]| fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
    let [Filled::Notice { template_id, fields, url, miniprogram: None }, Filled::Message { text }] =
        &*filled("adult-2kg")
    else {
        panic!("no notice and then a message")
    };
    assert_eq!(template_id, "sample_notice_id_run_out");
    assert_eq!(values(fields), ["thing1=成猫全价粮 2kg", "time2=2026年03月31日 09:00", "phrase3=快吃完了"]);
    assert_eq!(url.as_deref(), Some("https://www.example.com/p/adult?from=reminder"));
    assert!(text.starts_with("2026年03月01日带回家的成猫全价粮 2kg大约还能吃 5 天。"), "{text}");
    let [Filled::Notice { miniprogram: Some((_, page)), .. }] = &*filled("kitten-1.5kg") else { panic!("no notice") };
    assert_eq!(page, "pages/product?id=kitten");
    let [Filled::Message { text }] = &*filled("treats") else { panic!("no message") };
    assert!(text.starts_with("上次的冻干零食（2 份）差不多要见底啦，喵主粮给你留着货。"), "{text}");
    assert_eq!(pushes.products["litter-6l"].reminder, None);
    let campaign = pushes.campaigns["spring_checkup_2030"].ways.iter();
    let filled: Vec<_> = campaign.map(|content| content.render(&pushes.name, None)).collect();
    let [Filled::Notice { .. }, Filled::Message { .. }, Filled::Template { fields, .. }] = &*filled else {
        panic!("not every way")
    };
    assert_eq!(fields[0].1, "喵主粮年度体检日历");
}

fn message(text: &str) -> Inbound {
    Inbound {
        account: "gh_1".into(),
        fan: "oFan".into(),
        create_time: Timestamp(1_772_416_800),
        identity: "i".into(),
        kind: InboundKind::Text,
        text: text.into(),
        attached: String::new(),
    }
}

#[test]
fn a_rule_stops_or_resumes_pushes_and_others_leave_them() {
    let playbook = Playbook::load(&compile(SAMPLE).unwrap()).unwrap();
    for (text, pushes) in [
        ("退订", Some(PushChoice::Stop)),
        (" td ", Some(PushChoice::Stop)),
        ("恢复提醒", Some(PushChoice::Resume)),
        ("提醒", Some(PushChoice::Resume)),
        ("怎么退订", None),
        ("换粮", None),
        ("喵喵喵", None),
    ] {
        assert_eq!(playbook.answer(&message(text), None, None).pushes, pushes, "{text}");
    }
    let rule = |line: &str| format!("[[rules]]\nid = \"a\"\non = [\"text\", \"click\"]\nreply = \"nothing\"\n{line}");
    check(&[
        (rule("pushes = \"stop\""), &[]),
        (rule("pushes = \"stopp\""), &["8:10: `stopp` is nothing to do about pushes; did you mean `stop`?"]),
        (rule("pushes = true"), &["8:10: `pushes` is a text, not true or false"]),
    ]);
}
