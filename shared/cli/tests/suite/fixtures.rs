//! The local host's small application, `tests/host/fixtures`: built once, copied for each test.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tempfile::TempDir;

/// The clock of the application.
pub(crate) const CLOCK: &str = r#"
spin_manifest_version = 2

[application]
name = "ticking"

[variables]
guanxi_url = { required = true }
job_token = { required = true, secret = true }

[[trigger.cron]]
component = "ticker"
cron_expression = "* * * * * *"

[component.ticker]
source = "../../ticker.wasm"
allowed_outbound_hosts = ["{{ guanxi_url }}"]

[component.ticker.variables]
does = "{{ guanxi_url }}"
"#;

/// A folder with the built components and a manifest.
pub(crate) struct Application {
    pub(crate) folder: TempDir,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/host/fixtures")
}

/// Where the built `.wasm` files are: the same folder as for the host's own tests, so that they are built once.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"])
            .current_dir(source())
            .env("CARGO_TARGET_DIR", &target)
            .status()
            .unwrap();
        assert!(status.success(), "the fixtures do not build");
        target.join("wasm32-wasip2/release")
    })
}

impl Application {
    pub(crate) fn new() -> Self {
        Self::changed("", "")
    }

    /// With one thing of the manifest changed.
    pub(crate) fn changed(from: &str, to: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["app.wasm", "greeter.wasm", "ticker.wasm"] {
            std::fs::copy(built().join(name), folder.path().join(name)).unwrap();
        }
        let manifest = std::fs::read_to_string(source().join("spin.toml")).unwrap();
        assert!(manifest.contains(from), "the manifest has no {from:?}");
        std::fs::write(folder.path().join("spin.toml"), manifest.replacen(from, to, 1)).unwrap();
        Self { folder }
    }
}
