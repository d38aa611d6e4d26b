//! Guanxi runs a brand's WeChat Official Account as a handful of small WebAssembly functions.
//!
//! This crate is all of it that is worth testing and none of it that knows Spin: what goes in and out are values.
//!
//! | module | what |
//! |---|---|
//! | [`wechat`] | WeChat's protocol: signatures, encryption, messages and events, replies |
//! | [`playbook`] | what the brand decides: the file, its check, its compiled form, the answer to a message |
//! | [`journal`] | the record of everything that happened: entries, and where an instance writes its next one |
//! | [`store`] | the store as this crate sees it |
//! | [`time`] | seconds since 1970 and the playbook's clock |

pub mod journal;
pub mod playbook;
pub mod store;
pub mod time;
pub mod wechat;
