//! Guanxi runs a brand's WeChat Official Account as a handful of small WebAssembly functions.
//!
//! This crate is all of it that is worth testing and none of it that knows Spin: what goes in and out are values.
//!
//! | module | what |
//! |---|---|
//! | [`wechat`] | WeChat's protocol: signatures, encryption, messages and events, replies |
//! | [`playbook`] | what the brand decides: the file, its check, its compiled form, the answer to a message |
//! | [`fan`], [`counts`] | the records that it keeps: of each fan, and of each hour, day and week |
//! | [`damaged`] | records that cannot be read, set aside |
//! | [`due`] | when a fan runs out of a product |
//! | [`uplift`] | what a push brought, and how sure that is |
//! | [`push`] | pushes: who gets what and when, and what became of each |
//! | [`conversation`] | what callback keeps of a fan between messages |
//! | [`bearer`] | who may run jobs and read reports |
//! | [`body`] | how long a request's body may be, and may take |
//! | [`sparing`] | lines of the log that anybody can cause |
//! | [`fold`] | from journal entries to new records |
//! | [`orders`] | purchases that the shop system reports |
//! | [`report`] | what the counts say, as tables |
//! | [`journal`] | the record of everything that happened: entries, and where an instance writes its next one |
//! | [`rollup`] | the job that folds the journal, exactly once |
//! | [`run`], [`redo`] | one run of a job at a time; many writes as one |
//! | [`pages`] | lists that only grow, on pages |
//! | [`record`] | what every stored record begins with |
//! | [`store`] | the store as this crate sees it |
//! | [`time`] | seconds since 1970 and the playbook's clock |

pub mod bearer;
pub mod body;
pub mod conversation;
pub mod counts;
pub mod damaged;
pub mod due;
pub mod fan;
pub mod fold;
pub mod journal;
pub mod orders;
pub mod pages;
pub mod playbook;
pub mod push;
pub mod record;
pub mod redo;
pub mod report;
pub mod rollup;
pub mod run;
pub mod sparing;
pub mod store;
pub mod time;
pub mod uplift;
pub mod wechat;
