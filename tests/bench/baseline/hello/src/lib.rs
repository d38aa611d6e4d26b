//! The hello world of the SDK, which the sizes of our components are compared with: what the template `http-rust` of Spin does,
//! a line in the log and a text with its type.

#![expect(clippy::print_stderr, reason = "as the template does it")]

extern crate guanxi_spin as spin_sdk;

use guanxi_spin::{
    http::{IntoResponse, Request, Response},
    http_service,
};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    eprintln!("asked for {:?}", request.headers().get("spin-full-url"));
    Response::builder().status(200).header("content-type", "text/plain").body("Hello World!".to_owned())
}
