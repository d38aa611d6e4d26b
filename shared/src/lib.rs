//! Guanxi runs a brand's WeChat Official Account as a handful of small WebAssembly functions.
//!
//! This crate is all of it that is worth testing and none of it that knows Spin: what goes in and out are values. Its modules
//! stand in the order in which data flows, each on those above it; `tests/layers.rs` holds them to it.
//!
//! | module | what |
//! |---|---|
//! | [`time`] | seconds since 1970 and the playbook's clock |
//! | [`store`] | the store as this crate sees it; records, lists, one run of a job at a time, many writes as one |
//! | [`http`] | what every request from outside passes: tokens, bodies, lines of the log |
//! | [`wechat`] | WeChat's protocol: signatures, encryption, messages and events, replies, its API |
//! | [`facts`] | what can happen, without logic: the entries of the journal and their words |
//! | [`lookup`] | what a rule may ask a service of the brand's own, and what becomes of the answer |
//! | [`playbook`] | what the brand decides: the file, its check, its compiled form, the answer to a message |
//! | [`conversation`] | what callback keeps of a fan between messages |
//! | [`journal`] | append: the record of everything that happened, and what the shop system may add to it |
//! | [`fold`] | from journal entries to what is known: fans, counts, orders, lists, forgetting; and the job that does it |
//! | [`push`] | act: who gets what and when, and what became of each |
//! | [`outbox`] | what fans ask the brand for, as signed posts to its webhook |
//! | [`report`] | show: what the counts say, as tables; what a push brought |
//! | `console` | the same as pages for people; with the feature `console` |

pub mod time;

pub mod store;

pub mod http;

pub mod wechat;

pub mod facts;

pub mod lookup;

pub mod playbook;

pub mod conversation;

pub mod journal;

pub mod fold;

pub mod push;

pub mod outbox;

pub mod report;

#[cfg(feature = "console")]
pub mod console;
