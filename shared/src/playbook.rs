//! What the brand decides: the playbook file, its check, its compiled form, the answer to a message.
//!
//! | module | what |
//! |---|---|
//! | `language` | reads the TOML file, names every problem in it, compiles it: [`compile`], [`warnings`]; a campaign that is asked for: [`campaign`]; the form for editors: [`schema`] |
//! | `compiled` | the compiled form: what stands in the bytes |
//! | `answer`, `matcher`, `normal`, `hours`, `template`, `memory` | from a message to an answer: [`Playbook`] |
//! | `talk` | dialogs: questions one after another, and what the fan answers |
//! | `channels` | from a QR code to a touch: [`Scan`] |
//! | `pushes` | products, reminders, campaigns, and what becomes of their placeholders: [`Pushes`], [`Content::render`] |
//! | [`Trial`] | a message that somebody only thinks of |
//! | `terms` | what the fold, the reports and push go by: [`Terms`] |
//! | [`publish`] | how a published playbook stands in the store, and how it gets there |
//! | [`draft`] | the one that is being written |
//!
//! Loading and answering know nothing of TOML. An answer is a pure function of the message, its touch and the
//! conversation; "now" is the message's own `CreateTime`.
//!
//! What may stand in the file is told, with every key, placeholder and limit, in the [manual](../docs/playbook.md);
//! `functions/playbook.toml` is a complete sample.

mod answer;
mod channels;
mod compiled;
pub mod draft;
mod hours;
mod inbound;
mod kept;
mod language;
mod matcher;
mod memory;
mod normal;
mod parted;
mod problem;
pub mod publish;
mod pushes;
mod shelf;
mod talk;
mod template;
mod terms;
mod trial;

pub use answer::Playbook;
pub use channels::{Scan, ScanEvent};
pub use compiled::{Channel, LoadError};
pub use inbound::{Action, Answer, Inbound, InboundKind};
pub use language::{
    CAMPAIGNS_MAX, CHANNELS_MAX, CampaignRequest, FILE_MAX, KEYWORD_BYTES_MAX, KEYWORD_MAX, KEYWORDS_MAX,
    MARKETING_WORDS_MAX, PRODUCTS_MAX, REGEX_MAX, REGEXES_MAX, RULES_MAX, SERVICES_MAX, campaign, compile, schema,
    warnings,
};
pub use memory::AGAIN_SECONDS;
pub use normal::{MATCHED_MAX, normalise};
pub use problem::{Problem, Severity};
pub(crate) use pushes::WithoutFields;
pub use pushes::{
    Campaign, Content, DAYS_LEFT_SHOWN_MAX, DaysAgo, Filled, Form, Limits, Product, Pushes, QUANTITY_SHOWN_MAX,
    Reminder, Saved, Segment, Usual, Values, Ways,
};
pub use shelf::{LOOK_EVERY_SECONDS, Shelf};
pub use template::{SCENE_MAX, TEXT_PLACEHOLDER_MAX};
pub use terms::Terms;
pub use trial::Trial;
