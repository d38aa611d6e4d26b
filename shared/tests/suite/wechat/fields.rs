//! What is read out of a body, and what is refused.

use guanxi::wechat::fields::{DEPTH_MAX, FIELDS_MAX, Fields, FieldsError, Format, Value};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn text(body: &str) -> String {
    let (_, fields) = Fields::parse(body.as_bytes()).unwrap_or_else(|e| panic!("{body}: {e}"));
    fields.text("A").unwrap_or_else(|| panic!("{body}: no text A")).to_owned()
}

#[test]
fn xml_text_is_read_as_it_was_meant() {
    for (inside, expected) in [
        ("<![CDATA[x]]>", "x"),
        ("\n  <![CDATA[x]]>\n", "x"),
        ("<![CDATA[ x ]]>", " x "),
        ("<![CDATA[a]]><![CDATA[b]]>", "ab"),
        ("<![CDATA[a]]]]><![CDATA[>b]]>", "a]]>b"),
        ("a<![CDATA[<b>]]>c", "a<b>c"),
        ("<![CDATA[a]]> &amp; <![CDATA[b]]>", "a & b"),
        ("&#32;<![CDATA[a]]>", " a"),
        (" x y ", " x y "),
        ("&lt;a&gt; &quot;&apos;&amp;&#65;&#x4e2d;", "<a> \"'&A中"),
        ("x<!-- no -->y<?pi?>z", "xyz"),
        ("<![CDATA[a\r\nb]]>", "a\nb"),
        ("", ""),
        ("<![CDATA[]]>", ""),
        ("<![CDATA[&amp;]]>", "&amp;"),
    ] {
        assert_eq!(text(&format!("<xml><A>{inside}</A></xml>")), expected, "{inside}");
    }
}

#[test]
fn json_values_become_the_text_that_was_written() {
    for (value, expected) in [
        (r#""x""#, "x"),
        (r#""\u4e2d\n\"""#, "中\n\""),
        ("18446744073709551615", "18446744073709551615"),
        ("3487542469355618313", "3487542469355618313"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("23.137466", "23.137466"),
        ("23.0", "23.0"),
        ("1e300", "1e300"),
        ("true", "true"),
        ("null", ""),
    ] {
        assert_eq!(text(&format!(r#"{{"A":{value}}}"#)), expected, "{value}");
    }
}

#[test]
fn both_formats_give_the_same_fields() {
    let xml = "\u{FEFF}<?xml version='1.0'?>\n<!-- c --><root a='1'> t <A>1</A><G x='y'><B/><B><![CDATA[2]]></B></G>\
               <L><C>3</C></L><L><C>4</C></L></root><!-- c -->\n";
    let json = "\u{FEFF} \n{\"A\":1,\"G\":{\"B\":[\"\",2]},\"L\":[{\"C\":3},{\"C\":\"4\"}]} ";
    let (xml_format, from_xml) = Fields::parse(xml.as_bytes()).unwrap();
    let (json_format, from_json) = Fields::parse(json.as_bytes()).unwrap();
    assert_eq!((xml_format, json_format), (Format::Xml, Format::Json));
    assert_eq!(from_xml, from_json);
    let names: Vec<&str> = from_xml.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["A", "G", "L", "L"]);
    let lists: Vec<_> = from_xml.groups("L").map(|list| list.text("C")).collect();
    assert_eq!(lists, [Some("3"), Some("4")]);
    assert_eq!(from_xml.text("G"), None, "a group is no text");
    assert_eq!(from_xml.text("B"), None, "only the root's own children are fields");
    assert_eq!(from_xml.text("a"), None, "names are exact");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for body in [
        "<xml><A>1</A>",
        "<xml><A>1</xml>",
        "<xml><A>1</B></xml>",
        "<xml></xml><xml></xml>",
        "<xml></xml>x",
        "<xml><A><![CDATA[1]]</A></xml>",
        "<xml><A>&#0;</A></xml>",
        "<xml><A>&#xD800;</A></xml>",
        "</xml>",
        "<",
        "<!-- nothing -->",
    ] {
        let refused = Fields::parse(body.as_bytes()).unwrap_err();
        assert!(matches!(refused, FieldsError::Xml { .. }), "{body}: {refused}");
    }
    for body in
        ["{", r#"{"A":1"#, r#"{"A":1}{"#, r#"{"A":}"#, r#"{"A":1,}"#, r#"{A:1}"#, r#"{"A":NaN}"#, r#"{"A":1e999}"#]
    {
        let refused = Fields::parse(body.as_bytes()).unwrap_err();
        assert!(matches!(refused, FieldsError::Json { .. }), "{body}: {refused}");
    }
    for body in [&b""[..], b"success", b"[1]", b"\"a\"", b"  ", b"\xEF\xBB\xBF"] {
        assert_eq!(Fields::parse(body).unwrap_err(), FieldsError::NeitherXmlNorJson);
    }
    assert_eq!(Fields::parse(b"<xml><A>\xFF</A></xml>").unwrap_err(), FieldsError::NotUtf8);
}

#[test]
fn dtds_and_entities_of_their_making_are_refused() {
    for body in [
        "<!DOCTYPE xml [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><xml><A>&a;</A></xml>",
        "<!DOCTYPE xml><xml/>",
        "<xml><A>&nbsp;</A></xml>",
        "<xml>&a;</xml>",
    ] {
        assert_eq!(Fields::parse(body.as_bytes()).unwrap_err(), FieldsError::Dtd, "{body}");
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let xml_depth = |n: usize| format!("<xml>{}{}</xml>", "<A>".repeat(n), "</A>".repeat(n));
    let json_depth = |n: usize| format!("{}1{}", r#"{"A":"#.repeat(n), "}".repeat(n));
    let json_array = |n: usize| format!(r#"{{"A":{}1{}}}"#, "[".repeat(n), "]".repeat(n));
    for body in [xml_depth(DEPTH_MAX), json_depth(DEPTH_MAX), json_array(DEPTH_MAX - 1)] {
        assert!(Fields::parse(body.as_bytes()).is_ok(), "{body}");
    }
    for n in [DEPTH_MAX + 1, 100, 10_000] {
        for body in [xml_depth(n), json_depth(n), json_array(n)] {
            assert_eq!(Fields::parse(body.as_bytes()).unwrap_err(), FieldsError::TooDeep, "{n}");
        }
    }
    let xml_width = |n: usize| format!("<xml>{}</xml>", "<A/>".repeat(n));
    let json_width = |n: usize| format!(r#"{{"A":[{}1]}}"#, "1,".repeat(n - 1));
    for body in [xml_width(FIELDS_MAX), json_width(FIELDS_MAX)] {
        assert_eq!(Fields::parse(body.as_bytes()).unwrap().1.0.len(), FIELDS_MAX);
    }
    for body in [xml_width(FIELDS_MAX + 1), json_width(FIELDS_MAX + 1)] {
        assert_eq!(Fields::parse(body.as_bytes()).unwrap_err(), FieldsError::TooMany);
    }
}

#[test]
fn an_element_with_elements_is_a_group_and_its_loose_text_is_dropped() {
    let (_, fields) = Fields::parse(b"<xml><G>loose<B>1</B>loose</G></xml>").unwrap();
    let group = Fields(vec![("B".to_owned(), Value::Text("1".to_owned()))]);
    assert_eq!(fields, Fields(vec![("G".to_owned(), Value::Group(group))]));
}
