//! Images that cannot be pulled where no registry is reached, under the names of the real ones.
//!
//! | image | what it is here |
//! | --- | --- |
//! | `arizephoenix/phoenix` | the real Phoenix from PyPI on Debian's Python; without a shell, as the real image |
//! | `prom/prometheus`, `prom/alertmanager` | the real programs, as Debian builds them |
//! | `alpine` | Debian's `busybox` and certificates, which is what the image is used for |
//! | `grafana/grafana` | **not Grafana**, which no registry of packages has: a program that reads what Grafana is provisioned with, and refuses what Grafana would; see `grafana.py` |

use std::process::Command;
use std::time::Duration;

use super::Engine;
use crate::debian::unpacked;
use crate::services::{Service, workshop};
use crate::{alertmanager, phoenix, prometheus};

/// How long all of them may take, on a busy machine.
const IMPORT: Duration = Duration::from_secs(20 * 60);

/// The suite of Debian whose libraries and whose Python the images have.
const SUITE: &str = "bookworm";
const LIBRARIES: [&str; 4] = ["libc6", "libgcc-s1", "libstdc++6", "zlib1g"];
const PYTHON: [&str; 22] = [
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libbz2-1.0",
    "libcrypt1",
    "libdb5.3",
    "libexpat1",
    "libffi8",
    "liblzma5",
    "libncursesw6",
    "libnsl2",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libtinfo6",
    "libtirpc3",
    "libuuid1",
    "libyaml-0-2",
    "media-types",
    "netbase",
    "python3-yaml",
    "tzdata",
];

/// Loads the images that the engine does not have yet.
pub(super) fn load(engine: &Engine) -> Result<(), String> {
    let libraries = unpacked("image-libraries", SUITE, &LIBRARIES)?;
    let python = unpacked("image-python", SUITE, &PYTHON)?;
    let busybox = unpacked("image-busybox", SUITE, &["busybox-static", "ca-certificates"])?;
    let site_packages = phoenix::site_packages()?;
    if !site_packages.ends_with("python3.11/site-packages") {
        return Err(format!("{}: the image of Phoenix needs Python 3.11", site_packages.display()));
    }
    let script = workshop()?.join("stand-ins.sh");
    let write = |name: &str, text: &str| {
        let path = script.with_file_name(name);
        std::fs::write(&path, text)
            .map(|()| path.clone())
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    write("stand-ins.sh", include_str!("stand_ins.sh"))?;
    let grafana = write("stand-in-for-grafana.py", include_str!("grafana.py"))?;
    let mut load = Command::new("bash");
    engine.prepare(&mut load);
    load.arg(&script)
        .env("LIBRARIES", libraries)
        .env("PYTHON", python)
        .env("BUSYBOX", busybox)
        .env("SITE_PACKAGES", site_packages)
        .env("PHOENIX_VERSION", phoenix::VERSION)
        .env("PROMETHEUS", prometheus::folder()?)
        .env("PROMETHEUS_VERSION", prometheus::VERSION)
        .env("ALERTMANAGER", alertmanager::folder()?)
        .env("ALERTMANAGER_VERSION", alertmanager::VERSION)
        .env("GRAFANA", grafana);
    Service::start("stand-ins", &load)?.finish(IMPORT)
}
