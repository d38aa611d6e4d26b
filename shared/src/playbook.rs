//! What the brand decides: the playbook file, its check, its compiled form, the answer to a message.
//!
//! | module | what |
//! |---|---|
//! | `file` | reads the TOML file, names every problem in it, compiles it: [`compile`], [`warnings`]; a campaign that is asked for: [`campaign`] |
//! | `compiled` | the compiled form: what stands in the bytes |
//! | `answer`, `matcher`, `normal`, `hours`, `template` | from a message to an answer: [`Playbook`] |
//! | `channels` | from a QR code to a touch: [`Channels`] |
//! | `pushes` | products, reminders, campaigns, and what becomes of their placeholders: [`Pushes`], [`Content::render`] |
//! | `terms` | what the fold, the reports and push go by: [`Terms`] |
//! | [`publish`] | how a published playbook stands in the store |
//!
//! Loading and answering know nothing of TOML. An answer is a pure function of the message, its touch and the
//! conversation; "now" is the message's own `CreateTime`.
//!
//! # The file
//!
//! `functions/playbook.toml` is a complete, commented sample. An unknown key is an error.
//!
//! | key | value |
//! |---|---|
//! | `version` | `1` |
//! | `account` | `"service"` or `"subscription"`; the latter has no QR codes: no channels, no `scan` |
//! | `name` | the brand's, 1 to 64 characters |
//! | `utc_offset` | whole hours from `"-12:00"` to `"+14:00"`; `"+08:00"` when absent |
//! | `default` | a reply, as a rule's `reply`, for messages that no rule is for; events without a rule get none |
//! | `keep_days` | folded journal entries stay so long, 1 to 30; 7 when absent |
//! | `forget_after_days` | fans who unfollowed are forgotten so long after, 1 to 3,650; 30 when absent |
//! | `attribution_days` | so long a touch explains a purchase, 1 to 365; 30 when absent |
//! | `[hours.<name>]` | opening hours, at most 64 |
//! | `[[channels]]` | QR codes, at most [`CHANNELS_MAX`]: `id` (the scene string), `name`, perhaps `group` (package, poster, shop, KOL, article, …), `tags`, `cost` (whole yuan), `valid_from`, `valid_until` (dates) |
//! | `[replies.<name>]` | what to say |
//! | `[[rules]]` | when to say it, at most [`RULES_MAX`] |
//! | `[pushes]` | what holds for all reminders and campaigns |
//! | `[[products]]` | what runs out, at most [`PRODUCTS_MAX`] |
//! | `[[campaigns]]` | one-off pushes, at most [`CAMPAIGNS_MAX`] |
//!
//! ## Hours
//!
//! `mon` … `sun` or a range such as `mon-fri`, each `"09:30-21:00"` or a list of such; an end that is not after its
//! beginning is the next day's. A day not named is closed. `closed = ["2026-10-01", "2026-02-16..2026-02-22"]` and
//! `dates = { "2026-06-18" = "09:30-02:00" }` take the place of the weekday's hours on their dates. A span belongs to
//! the day it begins on.
//!
//! ## Rules
//!
//! | key | value |
//! |---|---|
//! | `id` | 1 to 64 characters; what reports show. It also goes into the draw among weighted replies |
//! | `on` | one or a list of `text` `image` `voice` `video` `shortvideo` `location` `link` `miniprogrampage` `file` `subscribe` `scan` `click` `scancode_waitmsg` `location_report` `enter_tempsession` |
//! | `match` | what the words must be, see below; absent: whatever comes |
//! | `priority` | higher goes first; 0 when absent; among equals the order of the file |
//! | `when`, `outside` | holds while those hours are open, or closed |
//! | `channel` | holds when the fan came through one of these channels |
//! | `fan` | `"new"` or `"returning"` (a follow, with a QR code or without), or `"follower"` (a scan) |
//! | `text` | the reply, as text |
//! | `reply` | or the name of a reply; or `[{ use = "a", weight = 3 }, { use = "b" }]`; or `"nothing"`: no answer |
//! | `pushes` | `"stop"` or `"resume"`: besides, the fan gets no more pushes, or gets them again. It holds at once: it is stored before the fan reads the answer |
//!
//! `match` holds when any of its words does: `exact` (the whole text), `prefix` (its beginning), `contains` (anywhere in
//! it), `regex` (anywhere in it; `^` and `$` are its ends); each one text or a list. It looks at the text, what WeChat
//! understood of a voice message, the label of a location, the title of a link, a mini program's page or a file, the key of a menu button (`click`), the
//! result of a `scancode_waitmsg`; the other kinds bring no words. Keywords and texts are compared [normalised](normalise),
//! and of a text only the first [`MATCHED_MAX`] bytes.
//!
//! A draw among weighted replies is a hash of the event identity and the rule's id, so every try of one message draws the
//! same and two rules draw independently.
//!
//! ## Replies
//!
//! | `type` | other keys, WeChat's own |
//! |---|---|
//! | `text` | `content`, at most 2,000 bytes with its placeholders filled |
//! | `image`, `voice` | `media_id` |
//! | `video` | `media_id`, perhaps `title`, `description` |
//! | `music` | `thumb_media_id`, perhaps `title`, `description`, `music_url`, `hq_music_url` |
//! | `news` | `articles`, 1 to 8 of `title`, `url`, perhaps `description`, `pic_url`; only one where a message is answered |
//! | `transfer_customer_service` | perhaps `kf_account`; hands the fan over to agents; only after messages |
//!
//! ## Pushes
//!
//! `[pushes]` is what holds for all; every key may be absent.
//!
//! | key | value |
//! |---|---|
//! | `quiet` | nothing goes out then; `"21:30-09:00"` when absent; `"none"` |
//! | `preferred_hour` | 0 to 23, not in the quiet hours: when a fan gets pushes whose own most active hour is not known; 20 when absent |
//! | `cap`, `cap_days` | a fan gets at most so many (1 to 100) in so many days (1 to 365), all together; 2 in 30 when absent |
//! | `outcome_days` | so long after a push an order is its doing, 1 to 90; 14 when absent |
//! | `holdout` | percent who do not get it, so that its effect can be told, 0 to 90; 10 when absent |
//! | `marketing_words` | words that no template or notice may have, and no message should, besides the known ones; at most [`MARKETING_WORDS_MAX`] |
//!
//! `[[products]]`, and perhaps `[products.reminder]` below one:
//!
//! | key | value |
//! |---|---|
//! | `id` | as the shop's orders name it, 1 to 64 bytes |
//! | `name` | 1 to 64 characters; what `{product}` becomes |
//! | `supply_days` | how long one piece lasts, 1 to 3,650 |
//! | `reminder.lead_days` | it goes out so many days before the end; fewer than `supply_days` |
//! | `reminder.gap_days` | and not sooner after the last purchase; fewer than `supply_days`; 1 when absent |
//! | `reminder.preferred_hour`, `reminder.holdout` | instead of those of `[pushes]` |
//!
//! `[[campaigns]]`:
//!
//! | key | value |
//! |---|---|
//! | `id` | 1 to 32 of `a-z 0-9 _ -`; another id is another campaign, which goes out again |
//! | `at` | `"2026-12-01T20:00"` by the playbook's clock; in a request also `"now"` |
//! | `segment` | the fans who fit all of it: `channels`, `tags`, `products` (one of these, at most 100 each), `followed`, `bought`, `contact` (days ago: `"30-90"`, `"30-"` for at least, `"-7"` for at most); `{}` for everybody |
//! | `holdout` | instead of that of `[pushes]` |
//!
//! What goes out, in a reminder and in a campaign:
//!
//! | key | value |
//! |---|---|
//! | `way` | one of the ways below, or a list of them: when a push leaves, the first that can reach the fan is taken |
//! | `template_id`, `fields` | of a notice or template message; `{ thing1 = "{product}", date2 = "{run_out}" }`, 1 to 10 fields, named as in the template |
//! | `url`, `miniprogram` | what a tap opens; `{ appid = "wx…", pagepath = "pages/…" }` |
//! | `text` | of a message, at most 2,000 bytes with its placeholders filled |
//! | `template` | where both a notice and a template message are listed: a table with the latter's `template_id`, `fields`, `url`, `miniprogram` |
//!
//! | way | reaches a fan |
//! |---|---|
//! | `"notice"`, a subscription notice | who allowed one more notice of this template than were sent |
//! | `"message"`, a customer message | who wrote within 48 hours, and since then got fewer than 5 of these pushes, and fewer than 3 in the last minute |
//! | `"template"`, a template message; service accounts only | always, so it stands last. [`warnings`] name a reminder that goes so: WeChat may refuse a template for reminders when it is applied for |
//!
//! The check fills every field with the shortest and the longest values and names what WeChat would refuse or punish: the
//! rule of the field's type (`thing`, `character_string`, `time`, …), empty values, line breaks, emoji, marketing words, the
//! fields `first` and `remark` that are no longer shown. Marketing words in a message are a warning.
//!
//! ## Placeholders
//!
//! In the texts of pushes: `{name}` in all; in a reminder also `{product}`, `{quantity}` (pieces of the last purchase),
//! `{bought_on}`, `{run_out}` (`2026年03月04日`, which fields of the types `date` and, with a time behind it, `time` take), `{days_left}`
//! until then.
//!
//! In every text and address of a reply. In an address what they become is percent-encoded. `{{` and `}}` are braces.
//!
//! | placeholder | becomes |
//! |---|---|
//! | `{name}` | the playbook's `name` |
//! | `{openid}` | the fan's openid |
//! | `{account}` | the account's original id, `gh_…` |
//! | `{text}` | what the fan wrote, its first [`TEXT_PLACEHOLDER_MAX`] characters |
//! | `{channel}` | the id of the channel the fan came through, else nothing |
//! | `{channel_name}` | its name; its id where the playbook does not list it |
//! | `{date}` | `2026-02-16`, of the message |
//! | `{time}` | `09:30` |
//! | `{weekday}` | `星期一` |
//! | `{greeting}` | `早上好` from 05:00, `中午好` from 11:00, `下午好` from 13:00, `晚上好` from 18:00 |

mod answer;
mod channels;
mod compiled;
mod file;
mod hours;
mod inbound;
mod matcher;
mod normal;
mod problem;
pub mod publish;
mod pushes;
mod shelf;
mod template;
mod terms;

pub use answer::Playbook;
pub use channels::{Channels, Scan, ScanEvent};
pub use compiled::{Channel, LoadError};
pub use file::{
    CAMPAIGNS_MAX, CHANNELS_MAX, CampaignRequest, FILE_MAX, KEYWORD_BYTES_MAX, KEYWORD_MAX, KEYWORDS_MAX,
    MARKETING_WORDS_MAX, PRODUCTS_MAX, REGEX_MAX, REGEXES_MAX, RULES_MAX, campaign, compile, warnings,
};
pub use inbound::{Action, Answer, FanStatus, Inbound, InboundKind, PushChoice, Touch};
pub use normal::{MATCHED_MAX, normalise};
pub use problem::{Problem, Severity};
pub use pushes::{
    Campaign, Content, DAYS_LEFT_SHOWN_MAX, DaysAgo, Filled, Form, Limits, Product, Pushes, QUANTITY_SHOWN_MAX,
    Reminder, Segment, Usual, Values, Ways,
};
pub use shelf::{LOOK_EVERY, Shelf};
pub use template::{SCENE_MAX, TEXT_PLACEHOLDER_MAX};
pub use terms::Terms;
