//! Dialogs: chats as they go, and what holds whatever WeChat and the store do.

mod fan;
mod stories;

use fan::Fan;
