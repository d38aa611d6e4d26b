//! Reads a page as strictly as it is written: every element is known, closed, and has no attribute that is not expected.

use guanxi::console::SCRIPT_ADDRESS;

/// Elements that a page may have, and those that have no end.
const ELEMENTS: [&str; 59] = [
    "script",
    "ins",
    "del",
    "a",
    "bdi",
    "body",
    "button",
    "caption",
    "circle",
    "code",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "form",
    "h1",
    "h2",
    "head",
    "header",
    "html",
    "input",
    "label",
    "li",
    "line",
    "link",
    "main",
    "meta",
    "nav",
    "option",
    "p",
    "path",
    "pre",
    "rect",
    "section",
    "select",
    "span",
    "strong",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "b",
    "i",
    "em",
    "small",
    "br",
    "hr",
    "h3",
    "textarea",
];
const VOID: [&str; 3] = ["input", "link", "meta"];
const ATTRIBUTES: [&str; 52] = [
    "aria-live",
    "src",
    "stroke-width",
    "cols",
    "action",
    "aria-current",
    "aria-label",
    "aria-sort",
    "autocomplete",
    "autofocus",
    "charset",
    "class",
    "content",
    "cx",
    "cy",
    "d",
    "download",
    "for",
    "height",
    "href",
    "hreflang",
    "id",
    "lang",
    "maxlength",
    "method",
    "name",
    "r",
    "rel",
    "required",
    "role",
    "scope",
    "selected",
    "tabindex",
    "title",
    "type",
    "value",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
    "open",
    "dir",
    "alt",
    "rowspan",
    "colspan",
    "http-equiv",
    "rows",
    "spellcheck",
];

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Open(Element),
    Close(String),
    Text(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Html(Vec<Node>);

/// Fails on what a page must not have.
pub(crate) fn parsed(page: &str) -> Html {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    let (mut nodes, mut open) = (Vec::new(), Vec::<String>::new());
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let (text, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            nodes.push(Node::Text(unescaped(text)));
            rest = after;
            continue;
        };
        if let Some(tag) = tag.strip_prefix('/') {
            let (name, after) = tag.split_once('>').unwrap();
            assert_eq!(open.pop().as_deref(), Some(name), "closed in order");
            nodes.push(Node::Close(name.to_owned()));
            rest = after;
            continue;
        }
        let (element, after) = element(tag);
        if !VOID.contains(&element.name.as_str()) {
            open.push(element.name.clone());
        }
        nodes.push(Node::Open(element));
        rest = after;
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    Html(nodes)
}

fn element(tag: &str) -> (Element, &str) {
    let end = tag.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap();
    let (name, mut rest) = tag.split_at(end);
    assert!(ELEMENTS.contains(&name), "<{name}");
    let mut attributes = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return (Element { name: name.to_owned(), attributes }, after);
        }
        let named = rest.strip_prefix(' ').unwrap_or_else(|| panic!("<{name}: {rest:.40}"));
        let (key, after) =
            named.split_at(named.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap());
        assert!(ATTRIBUTES.contains(&key), "<{name} {key}");
        let value = after.strip_prefix("=\"").map(|value| value.split_once('"').unwrap());
        let (value, after) = value.unwrap_or(("", after));
        if key == "href" || key == "action" {
            assert!(
                value.starts_with('/') && !value.starts_with("//") || ["#content", "#text", "data:,"].contains(&value),
                "{value}"
            );
        }
        assert!(key != "src" || value == *SCRIPT_ADDRESS, "{value}");
        attributes.push((key.to_owned(), unescaped(value)));
        rest = after;
    }
}

fn unescaped(text: &str) -> String {
    assert!(!text.contains(['<', '>']), "{text}");
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    assert_eq!(plain.matches('&').count(), plain.matches("&amp;").count(), "{text}");
    plain.replace("&amp;", "&")
}

impl Html {
    /// The elements of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<&Element> {
        let open = self.0.iter().filter_map(|node| if let Node::Open(element) = node { Some(element) } else { None });
        open.filter(|element| element.name == name).collect()
    }

    /// What is written in the first element of a name.
    pub(crate) fn within(&self, name: &str) -> String {
        let is_it = |node: &Node| matches!(node, Node::Open(element) if element.name == name);
        let inside = self.0.iter().skip_while(|node| !is_it(node)).skip(1);
        let texts = inside.take_while(|node| **node != Node::Close(name.into()));
        texts.map(|node| if let Node::Text(text) = node { text.as_str() } else { "" }).collect()
    }

    /// The page without what is written and the values of attributes.
    pub(crate) fn structure(&self) -> Vec<String> {
        let said = |node: &Node| match node {
            Node::Open(element) => {
                let names: Vec<&str> = element.attributes.iter().map(|(name, _)| name.as_str()).collect();
                Some(format!("<{} {}>", element.name, names.join(" ")))
            }
            Node::Close(name) => Some(format!("</{name}>")),
            Node::Text(_) => None,
        };
        self.0.iter().filter_map(said).collect()
    }

    /// What is written, element by element, but not in these.
    pub(crate) fn texts_outside(&self, names: &[&str]) -> Vec<&str> {
        let (mut open, mut texts) = (Vec::new(), Vec::new());
        for node in &self.0 {
            match node {
                Node::Open(element) if !VOID.contains(&element.name.as_str()) => open.push(element.name.as_str()),
                Node::Open(_) => {}
                Node::Close(_) => _ = open.pop(),
                Node::Text(text) if !open.iter().any(|name| names.contains(name)) => texts.push(text.as_str()),
                Node::Text(_) => {}
            }
        }
        texts
    }

    pub(crate) fn says(&self, words: &str) -> bool {
        self.texts_outside(&[]).concat().contains(words)
    }

    /// The rows of the table with an id, each its cells' texts; the first has the headings.
    pub(crate) fn rows(&self, id: &str) -> Vec<Vec<String>> {
        let is_it = |node: &Node| matches!(node, Node::Open(element) if element.name == "table" && element.attribute("id") == Some(id));
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut is_cell = false;
        for node in
            self.0.iter().skip_while(|node| !is_it(node)).take_while(|node| **node != Node::Close("table".into()))
        {
            match node {
                Node::Open(element) if element.name == "tr" => rows.push(Vec::new()),
                Node::Open(element) if ["th", "td"].contains(&element.name.as_str()) => {
                    rows.last_mut().unwrap().push(String::new());
                    is_cell = true;
                }
                Node::Close(name) if ["th", "td"].contains(&name.as_str()) => is_cell = false,
                Node::Text(text) if is_cell => rows.last_mut().unwrap().last_mut().unwrap().push_str(text),
                _ => {}
            }
        }
        rows
    }

    /// The row that begins with a text.
    pub(crate) fn row(&self, id: &str, first: &str) -> Vec<String> {
        let rows = self.rows(id);
        rows.iter().find(|row| row[0] == first).cloned().unwrap_or_else(|| panic!("{first} in {rows:?}"))
    }
}
