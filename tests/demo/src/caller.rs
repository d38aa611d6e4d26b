//! Those besides WeChat who call: the shop system with its orders, and the cron that runs the jobs.

use anyhow::{Context, ensure};
use guanxi::{journal::orders::webhook::Secret, push, time::Timestamp};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes, http::request};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// In the source, so they are nobody's.
pub(crate) const JOB_TOKEN: &str = "demo-job-token";
pub(crate) const CONSOLE_TOKEN: &str = "demo-console-token";
pub(crate) const ORDERS_SECRET: &str = "whsec_Z3VhbnhpLWRlbW8tc2VjcmV0LTAxMjM0NTY3ODlhYg==";

/// Orders in one request.
const BATCH: usize = 500;

pub(crate) struct Caller {
    url: String,
    secret: Secret,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Caller {
    /// Of the host at `url`.
    pub(crate) fn new(url: String) -> anyhow::Result<Self> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { url, secret: ORDERS_SECRET.parse()?, client })
    }

    /// Any number of purchases.
    pub(crate) async fn orders(&self, orders: &[Value], now: Timestamp) -> anyhow::Result<()> {
        for batch in orders.chunks(BATCH) {
            self.order(batch, now).await?;
        }
        Ok(())
    }

    async fn order(&self, orders: &[Value], now: Timestamp) -> anyhow::Result<()> {
        let body = serde_json::json!({ "orders": orders }).to_string();
        let id = format!("msg_{now}");
        let request = Request::post(format!("{}/orders", self.url))
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.to_string())
            .header("webhook-signature", self.secret.sign(&id, now, body.as_bytes()));
        self.send(request, body, StatusCode::NO_CONTENT).await?;
        Ok(())
    }

    /// A playbook.
    pub(crate) async fn publish(&self, source: &str) -> anyhow::Result<()> {
        let request = Request::post(format!("{}/playbook", self.url));
        let request = request.header("authorization", format!("Bearer {CONSOLE_TOKEN}"));
        self.send(request, source.to_owned(), StatusCode::OK).await.map(drop)
    }

    /// What a rollup says it did.
    pub(crate) async fn rollup(&self) -> anyhow::Result<Value> {
        self.job("rollup").await
    }

    /// What the outbox says it did.
    pub(crate) async fn outbox(&self) -> anyhow::Result<Value> {
        self.job("outbox").await
    }

    /// What a push says it did.
    pub(crate) async fn push(&self) -> anyhow::Result<push::Report> {
        Ok(serde_json::from_value(self.job("push").await?)?)
    }

    async fn job(&self, name: &str) -> anyhow::Result<Value> {
        let request =
            Request::post(format!("{}/jobs/{name}", self.url)).header("authorization", format!("Bearer {JOB_TOKEN}"));
        let answer = self.send(request, String::new(), StatusCode::OK).await?;
        serde_json::from_str(&answer).with_context(|| format!("{name} answered {answer}"))
    }

    async fn send(&self, request: request::Builder, body: String, wanted: StatusCode) -> anyhow::Result<String> {
        let (head, body) = self.client.request(request.body(Full::new(body.into()))?).await?.into_parts();
        let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        ensure!(head.status == wanted, "{} instead of {wanted}: {body}", head.status);
        Ok(body)
    }
}
