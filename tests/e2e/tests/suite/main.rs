//! The bundle over real HTTP, one module a matter; one program, so that it is linked once. `protocol` and `bodies` need only HTTP:
//! with `GUANXI_BASE_URL` they run against any server, such as `spin up`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod bodies;
mod campaigns;
mod clock;
mod console;
mod console_campaigns;
mod dialogs;
mod killed_callbacks;
mod killed_push;
mod killed_rollup;
mod knowledge;
mod local_host;
mod logs;
mod lookups;
mod outbox;
mod people;
mod permissions;
mod playbook_page;
mod protocol;
mod publish;
mod replicas;
mod slow;
mod status;
