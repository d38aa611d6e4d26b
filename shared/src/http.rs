//! What every request from outside passes, whoever it is from.
//!
//! | module | what |
//! |---|---|
//! | [`bearer`] | who may run jobs and read reports |
//! | [`body`] | how long a request's body may be, and may take |
//! | [`health`] | whether the store answers |
//! | [`log`] | what a line of the log looks like |
//! | [`sparing`] | lines of the log that anybody can cause |

pub mod bearer;
pub mod body;
pub mod health;
pub mod log;
pub mod sparing;
