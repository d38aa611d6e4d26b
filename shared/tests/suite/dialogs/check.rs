//! What the check refuses of a dialog, and where it says so.

use crate::compile;

const HEAD: &str = r#"version = 1
account = "service"
name = "n"
[[rules]]
id = "hello"
on = "text"
match = { exact = "你好" }
text = "hi"
[[products]]
id = "p"
name = "产品"
supply_days = 3
"#;

/// The problems of a playbook with this behind the head, by line behind the head.
fn problems(dialogs: &str) -> Vec<String> {
    let Err(problems) = compile(&format!("{HEAD}{dialogs}")) else { return Vec::new() };
    let told = |problem: &guanxi::playbook::Problem| {
        format!("{}:{}: {}", problem.line.saturating_sub(12), problem.column, problem.message)
    };
    problems.iter().map(told).collect()
}

fn dialog(steps: &str) -> String {
    format!(
        "[[dialogs]]\nid = \"d\"\nstart = \"开始\"\nwhy = \"w\"\ndone = {{ text = \"好\" }}\nsteps = [\n{steps}\n]\n"
    )
}

#[test]
fn steps_that_do_not_fit_together_are_refused_at_their_place() {
    for (steps, problem) in [
        (
            "{ id = \"a\", ask = \"?\", take = \"text\", go = \"done\" },\n{ id = \"b\", ask = \"?\", take = \"text\" },",
            "8:1: nothing leads to the step `b`",
        ),
        (
            "{ id = \"a\", ask = \"?{choices}\", take = \"choice\", choices = [{ say = \"是\", go = \"a\" }] },",
            "7:1: from the step `a` there is no way out of the dialog",
        ),
        ("{ id = \"a\", ask = \"?\", take = \"text\", go = \"c\" },", "7:44: there is no step `c`"),
        ("{ id = \"a\", ask = \"?\", take = \"text\", give_up = \"c\" },", "7:49: there is no step `c`"),
        ("{ id = \"a\", ask = \"{b}\", take = \"text\" },", "7:20: unknown placeholder `{b}`"),
        ("{ id = \"a\", ask = \"?\", take = \"txet\" },", "7:31: `txet` is nothing that a step takes"),
        (
            "{ id = \"a\", ask = \"?\", take = \"text\", min = 1 },",
            "7:45: `min` says something only where take = \"number\"",
        ),
        ("{ id = \"a\", ask = \"?\", take = \"number\", min = 3, max = 2 },", "7:56: no answer is between the two"),
        ("{ id = \"a\", ask = \"?\", take = \"date\", from = \"1h\" },", "7:46: `from` is in days"),
        ("{ id = \"a\", ask = \"?\", take = \"text\", known = \"?\" },", "7:47: only what a step saves is known"),
        ("{ id = \"done\", ask = \"?\", take = \"text\" },", "7:8: `done` already means a way to go"),
        (
            "{ id = \"a\", ask = \"?\", take = \"text\" },\n{ id = \"a\", ask = \"?\", take = \"text\" },",
            "8:8: the id `a` is taken by the step on line 19",
        ),
        ("{ id = \"a\", ask = \"?{choices}\", take = \"choice\" },", "7:1: a step that takes a choice needs `choices`"),
        (
            "{ id = \"a\", ask = \"?\", take = \"choice\", choices = [{ say = \"是\" }] },",
            "7:19: the question does not show its choices",
        ),
        (
            "{ id = \"a\", ask = \"?{choices}\", take = \"choice\", choices = [{ say = \"在线\" }, { say = \"在线支付\" }] },",
            "7:77: `在线` and `在线支付` begin alike, so a part of it means both",
        ),
        (
            "{ id = \"a\", ask = \"?{choices}\", take = \"choice\", choices = [{ say = \"返回\" }] },",
            "7:61: `返回` is one of the dialog words, so it is never chosen",
        ),
        (
            "{ id = \"a\", ask = \"?{choices}\", take = \"choice\", choices_from = { products = \"p\" } },",
            "7:78: the product `p` has no price, so it cannot be chosen",
        ),
        (
            "{ id = \"a\", ask = \"?{choices}\", take = \"choice\", choices = [{ say = \"a&b\" }] },",
            "7:69: a choice has 1 to 20 characters and none of \"'<>&#%?=·: it is a line to tap",
        ),
    ] {
        assert_eq!(problems(&dialog(steps)), [problem], "{steps}");
    }
}

#[test]
fn ten_choices_are_too_many() {
    let choices: String = ('一'..).take(10).map(|c| format!("{{ say = \"{c}\" }},")).collect();
    let steps = format!("{{ id = \"a\", ask = \"?{{choices}}\", take = \"choice\", choices = [{choices}] }},");
    assert_eq!(problems(&dialog(&steps)), ["7:60: a step has 1 to 9 choices, not 10"]);
}

#[test]
fn what_a_dialog_as_a_whole_must_be_is_told() {
    let step = "steps = [{ id = \"a\", ask = \"?\", take = \"text\" }]\n";
    let scored =
        "steps = [{ id = \"a\", ask = \"?{choices}\", take = \"choice\", choices = [{ say = \"是\", score = 3 }] }]\n";
    let done = "done = { text = \"好\" }\n";
    for (dialog, problem) in [
        (
            format!("[[dialogs]]\nid = \"d\"\n{done}steps = [{{ id = \"a\", ask = \"?\", take = \"phone\" }}]\n"),
            "1:1: a dialog that asks for a birthday, a phone, a place or a photo says why",
        ),
        (format!("[[dialogs]]\nid = \"d\"\n{step}"), "1:1: a dialog needs `done`"),
        (format!("[[dialogs]]\nid = \"d\"\nidle = \"soon\"\n{step}{done}"), "3:8: `soon` is no span of time"),
        (
            format!("[[dialogs]]\nid = \"d\"\nstart = \"你好\"\n{step}{done}"),
            "3:9: `你好` is taken by the rule `hello` on line 4",
        ),
        (format!("[[dialogs]]\nid = \"d\"\nstart = \"退出\"\n{step}{done}"), "3:9: `退出` is one of the dialog words"),
        (
            format!("[[dialogs]]\nid = \"d\"\n{scored}bands = [{{ up_to = 2, text = \"x\" }}]\n"),
            "4:10: a score from 3 to 3 has no band",
        ),
        (
            format!(
                "[[dialogs]]\nid = \"d\"\n{scored}bands = [{{ up_to = 3, text = \"x\" }}, {{ up_to = 3, text = \"y\" }}]\n"
            ),
            "4:37: no score is left for it: the band before goes up to 3",
        ),
        (
            format!("[[dialogs]]\nid = \"d\"\n{step}done = {{ text = \"好\", request = \"oder\" }}\n"),
            "4:32: `oder` is no kind of request",
        ),
        ("[dialog_words]\nleave = \"1\"\n".into(), "2:9: `1` is the number of a choice"),
        ("[dialog_words]\nleave = \"x\"\nback = \"x\"\n".into(), "3:8: `x` stands here twice"),
        (
            "[[rules]]\nid = \"r\"\non = \"text\"\nmatch = { exact = \"x\" }\ndialog = \"d\"\n".into(),
            "5:10: there is no dialog `d`",
        ),
        (
            "[[rules]]\nid = \"r\"\non = \"text\"\nmatch = { contains = \"x\" }\nin_dialogs = true\ntext = \"t\"\n"
                .into(),
            "5:14: a rule with `in_dialogs` would take what is meant as an answer",
        ),
        (
            "[[products]]\nid = \"q\"\nname = \"q\"\nprice = 1.234\nsupply_days = 1\n".into(),
            "4:9: a price is 0.01 to 100000 yuan",
        ),
    ] {
        assert_eq!(problems(&dialog), [problem], "{dialog}");
    }
}

/// The longest text counts every value at its longest.
#[test]
fn a_text_that_may_grow_too_long_is_refused() {
    let ask = "x".repeat(900);
    let steps = format!(
        "{{ id = \"a\", ask = \"?\", take = \"text\", longest = 300 }},\n{{ id = \"b\", ask = \"{ask}{{a}}\", take = \"text\" }},"
    );
    assert_eq!(problems(&dialog(&steps)), ["8:19: the text may grow to 2100 bytes, and WeChat shows 2000"]);
    let shorter = steps.replace("longest = 300", "longest = 275");
    assert_eq!(problems(&dialog(&shorter)), [""; 0]);
}

/// What is kept of a fan has a limit, and nothing in it may be cut.
#[test]
fn answers_that_may_grow_too_long_to_be_kept_are_refused() {
    let step = |id: usize| format!("{{ id = \"s{id}\", ask = \"?\", take = \"text\", longest = 300 }},\n");
    let steps: String = (0..3).map(step).collect();
    assert_eq!(problems(&dialog(&steps)), ["9:1: the answers may grow to 3600 bytes, and 2400 are kept"]);
    let steps: String = (0..2).map(step).collect();
    assert_eq!(problems(&dialog(&steps)), [""; 0]);
}

#[test]
fn a_push_names_only_fields_that_a_dialog_of_its_file_saves() {
    let campaign = |field: &str| {
        format!(
            "\n[[campaigns]]\nid = \"c\"\nat = \"2030-03-01T10:00\"\nway = \"message\"\nsegment = {{ fields = {{ {field} = \"cat\" }} }}\n\
             text = \"给{{field.{field}|毛孩子}}。不想再收到，回复「退订」。\"\n"
        )
    };
    let cake = crate::dialogs::fan::source("cake");
    let stop =
        "\n[[rules]]\nid = \"stop\"\non = \"text\"\nmatch = { exact = \"退订\" }\npushes = \"stop\"\ntext = \"好的\"\n";
    assert_eq!(guanxi::playbook::compile(&format!("{cake}{stop}{}", campaign("birthday"))).err(), None);
    let problems = guanxi::playbook::compile(&format!("{cake}{stop}{}", campaign("birthdy"))).unwrap_err();
    let messages: Vec<_> = problems.iter().map(|problem| (problem.message.as_str(), problem.help.as_str())).collect();
    assert_eq!(messages, [("no dialog saves `birthdy`", "did you mean `birthday`?"); 2]);
}
