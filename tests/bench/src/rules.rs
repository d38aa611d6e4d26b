//! Playbooks of a given size.

use std::fmt::Write;

/// Half exact, half contains, each with a keyword and an answer of its own.
pub(crate) fn playbook(rules: usize) -> String {
    let mut source = head();
    for number in 0..rules {
        let how = if number % 2 == 0 { "exact" } else { "contains" };
        rule(&mut source, number, how, &format!("\"{}\"", keyword(number)));
    }
    source
}

/// One rule with many keywords, and one more behind it that the measured text meets.
pub(crate) fn keywords(count: usize) -> String {
    let mut source = head();
    let words: Vec<String> = (1..count).map(|number| format!("\"{}\"", keyword(number))).collect();
    rule(&mut source, 1, "contains", &format!("[{}]", words.join(", ")));
    rule(&mut source, 0, "contains", &format!("\"{}\"", keyword(0)));
    source
}

/// What begins the dialog of [`with_a_dialog`].
pub(crate) const START: &str = "订蛋糕";

/// The same with a dialog, as a shop would take orders.
pub(crate) fn with_a_dialog(rules: usize) -> String {
    playbook(rules)
        + "\n[[dialogs]]\nid = \"order\"\nstart = \"订蛋糕\"\nwhy = \"地址只用来送这一单。\"\nsteps = [\n\
           { id = \"cake\", ask = \"要哪一款？{choices}\", take = \"choice\", choices = [{ say = \"巧克力\" }, { say = \"芝士\" }, { say = \"鲜果\" }] },\n\
           { id = \"count\", ask = \"要几个？\", take = \"number\", min = 1, max = 5 },\n\
           { id = \"address\", ask = \"{why}送到哪里？可以发定位，也可以写街道和门牌\", take = \"place\", save = \"address\" },\n]\n\
           done = { request = \"order\", text = \"收到！单号 {number}\" }\n"
}

/// Four characters: a number in the thousand character numerals, so none is part of another.
pub(crate) fn keyword(number: usize) -> String {
    const FIRST: [char; 10] = ['红', '清', '麻', '糖', '干', '酸', '椒', '葱', '蒜', '孜'];
    const SECOND: [char; 10] = ['烧', '蒸', '辣', '醋', '煸', '菜', '盐', '油', '蓉', '然'];
    const THIRD: [char; 10] = ['牛', '鲈', '豆', '排', '茄', '土', '羊', '大', '鸡', '藕'];
    const FOURTH: [char; 10] = ['肉', '鱼', '腐', '骨', '子', '片', '虾', '翅', '汤', '饭'];
    let digit = |table: [char; 10], place: usize| table.get(number / place % 10).copied().unwrap_or('零');
    [digit(FIRST, 1), digit(SECOND, 10), digit(THIRD, 100), digit(FOURTH, 1000)].iter().collect()
}

fn head() -> String {
    "version = 1\naccount = \"service\"\nname = \"bench\"\nutc_offset = \"+08:00\"\ndefault = \"default\"\n\
     [replies.default]\ntype = \"text\"\ncontent = \"收到您的消息啦，我们会尽快回复。\"\n"
        .to_owned()
}

fn rule(source: &mut String, number: usize, how: &str, keywords: &str) {
    let text = format!(
        "【{number:05}】您好，感谢关注！营业时间为每天 9:00-21:30，节假日照常。如有疑问请拨打 400-000-{number:04}。"
    );
    // Writing to a string does not fail.
    _ = write!(
        source,
        "\n[[rules]]\nid = \"rule-{number}\"\non = \"text\"\nmatch = {{ {how} = {keywords} }}\ntext = \"{text}\"\n"
    );
}
