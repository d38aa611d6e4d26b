//! Dialogs: chats as they go, and what holds whatever WeChat and the store do.

mod check;
mod fan;
mod laws;
mod stories;

use fan::Fan;
