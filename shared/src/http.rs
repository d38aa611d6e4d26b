//! What every request from outside passes, whoever it is from, and what goes out has in common.
//!
//! | module | what |
//! |---|---|
//! | [`bearer`] | who may run jobs and read reports |
//! | [`body`] | how long a request's body may be, and may take |
//! | [`health`] | whether the store answers |
//! | [`log`] | what a line of the log looks like |
//! | [`percent`] | values inside of addresses |
//! | [`sparing`] | lines of the log that anybody can cause |

pub mod bearer;
pub mod body;
pub mod health;
pub mod log;
pub mod percent;
pub mod sparing;
