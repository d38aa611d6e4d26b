//! Builds the components under `fixtures/` once, and starts hosts with them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use bytes::Bytes;
use guanxi_host::{Host, Options};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A folder with the built components and a manifest.
pub(crate) struct Application {
    pub(crate) folder: TempDir,
}

/// Where the built `.wasm` files are.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"))
            .env("CARGO_TARGET_DIR", &target)
            .status()
            .unwrap();
        assert!(status.success(), "the fixtures do not build");
        target.join("wasm32-wasip2/release")
    })
}

impl Application {
    /// The fixtures' own manifest.
    pub(crate) fn new() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/spin.toml");
        Self::with_manifest(&std::fs::read_to_string(manifest).unwrap())
    }

    pub(crate) fn with_manifest(manifest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["app.wasm", "greeter.wasm", "ticker.wasm"] {
            std::fs::copy(built().join(name), folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("spin.toml"), manifest).unwrap();
        Self { folder }
    }

    /// The same manifest with one thing changed.
    pub(crate) fn changed(from: &str, to: &str) -> Self {
        let application = Self::new();
        let path = application.folder.path().join("spin.toml");
        let manifest = std::fs::read_to_string(&path).unwrap();
        assert!(manifest.contains(from), "the manifest has no {from:?}");
        std::fs::write(path, manifest.replacen(from, to, 1)).unwrap();
        application
    }

    pub(crate) fn options(&self) -> Options {
        Options::for_test(self.folder.path()).variable("secret_word", "cat")
    }

    pub(crate) async fn start(&self) -> Host {
        Host::start(self.options()).await.unwrap()
    }

    /// Why the host does not start with `options`.
    pub(crate) async fn refusal(&self, options: Options) -> String {
        Host::start(options).await.unwrap_err().to_string()
    }
}

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// One request on a connection of its own.
pub(crate) async fn request(host: &Host, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let stream = TcpStream::connect(host.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::builder().method(method).uri(path).header("host", host.address().to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, text: String::from_utf8(body.to_vec()).unwrap() }
}

/// A GET that is answered with 200.
pub(crate) async fn get(host: &Host, path: &str) -> String {
    let answer = request(host, "GET", path, &[], b"").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

/// A `set` through the component.
pub(crate) async fn set(host: &Host, key: &str, value: &[u8]) -> String {
    request(host, "POST", &format!("/do/kv/set?key={key}"), &[], value).await.text
}
