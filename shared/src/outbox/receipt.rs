//! A request as a till's printer prints it: 32 columns, in which a Chinese character takes two, as text and as ESC/POS.
//!
//! Of what fans write no control character is left, so nothing that a fan says is a command to the printer.

use crate::{
    facts::request::{Asked, Kind, Said},
    time::{Timestamp, UtcOffset},
};
use encoding_rs::GB18030;

/// Columns of a line.
pub const COLUMNS: usize = 32;
/// Lines at most; what is behind is left out, and the last line says so.
pub const LINES_MAX: usize = 200;

/// `ESC @`: as switched on. `FS &`: Chinese characters.
const BEGIN: [u8; 4] = [0x1b, b'@', 0x1c, b'&'];
/// `ESC d 4`: four lines on, so that the last is beyond the knife. `GS V 66 0`: cut.
const END: [u8; 7] = [0x1b, b'd', 4, 0x1d, b'V', 66, 0];

/// Whether the fan paid, as far as the shop has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paid {
    /// An order names the request.
    Yes,
    /// None does so far.
    NotYet,
}

/// The lines of a receipt, each of at most [`COLUMNS`].
pub fn lines(asked: &Asked, paid: Paid, offset: UtcOffset) -> Vec<String> {
    let request = &asked.request;
    let mut receipt = Receipt::default();
    receipt.wrapped(title(request.kind));
    receipt.wrapped(&format!("单号 {}", request.number));
    receipt.wrapped(&moment(request.at, offset));
    receipt.rule();
    for line in &request.lines {
        let cost = u64::from(line.quantity).saturating_mul(line.price);
        receipt.apart(&format!("{} x{}", clean(&line.name), line.quantity), &yuan(cost));
    }
    if !request.lines.is_empty() {
        receipt.apart("合计", &yuan(request.total()));
        receipt.rule();
    }
    for said in &request.answers {
        receipt.wrapped(&format!("{}: {}", label(&said.step), clean(words(said))));
    }
    if !request.text.is_empty() {
        receipt.wrapped(&clean(&request.text));
    }
    if request.kind == Kind::Order {
        receipt.rule();
        receipt.wrapped(if paid == Paid::Yes { "已付款" } else { "未付款" });
    }
    receipt.0
}

/// The lines as one text.
pub fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// The lines as a printer takes them, in GB18030; a character that needs four bytes there, which no printer of receipts has, is `?`.
pub fn escpos(lines: &[String]) -> Vec<u8> {
    let mut bytes = BEGIN.to_vec();
    for line in lines {
        let mut one = [0; 4];
        for character in line.chars() {
            let (encoded, ..) = GB18030.encode(character.encode_utf8(&mut one));
            bytes.extend_from_slice(if encoded.len() > 2 { b"?" } else { &encoded });
        }
        bytes.push(b'\n');
    }
    bytes.extend(END);
    bytes
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Order => "订单",
        Kind::Feedback => "反馈",
        Kind::Survey => "问卷",
        Kind::Person => "找人工",
    }
}

/// What a step is called on paper: those of every shop in Chinese, others by their id.
fn label(step: &str) -> String {
    let known = match step {
        "name" => "姓名",
        "phone" => "电话",
        "address" => "地址",
        "day" | "date" => "日期",
        "time" => "时间",
        "pay" => "付款方式",
        "wish" | "wishes" | "note" => "备注",
        "count" => "数量",
        _ => return clean(step),
    };
    known.to_owned()
}

/// What a person reads of an answer.
pub(super) fn words(said: &Said) -> &str {
    if said.words.is_empty() { &said.value } else { &said.words }
}

fn moment(at: Timestamp, offset: UtcOffset) -> String {
    let local = offset.local(at);
    let date = local.day.date().map(|date| date.to_string()).unwrap_or_default();
    format!("{date} {:02}:{:02}", local.minute / 60, local.minute % 60)
}

fn yuan(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// A text without control characters and without those that turn or join what stands beside them; a line break is a blank.
fn clean(text: &str) -> String {
    let hidden = |letter: &char| !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.chars().filter(hidden).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Columns of a character: those that a printer has in its Latin font take one, all others two.
fn columns(letter: char) -> usize {
    if letter.is_ascii() { 1 } else { 2 }
}

fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

#[derive(Default)]
struct Receipt(Vec<String>);

impl Receipt {
    fn push(&mut self, line: String) {
        match self.0.len() {
            LINES_MAX => {}
            last if last == LINES_MAX - 1 => self.0.push("...".to_owned()),
            _ => self.0.push(line),
        }
    }

    fn rule(&mut self) {
        self.push("-".repeat(COLUMNS));
    }

    /// A text on as many lines as it takes.
    fn wrapped(&mut self, text: &str) {
        let (mut line, mut taken) = (String::new(), 0);
        for letter in text.chars() {
            if taken + columns(letter) > COLUMNS {
                self.push(std::mem::take(&mut line));
                taken = 0;
            }
            taken += columns(letter);
            line.push(letter);
        }
        self.push(line);
    }

    /// Two texts at both ends of a line, or on lines of their own.
    fn apart(&mut self, left: &str, right: &str) {
        let room = COLUMNS.saturating_sub(width(right));
        if width(left) < room {
            return self.push(format!("{left}{}{right}", " ".repeat(room - width(left))));
        }
        self.wrapped(left);
        self.push(format!("{}{right}", " ".repeat(room)));
    }
}
