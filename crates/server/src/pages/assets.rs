//! The files that pages load, built into the program and served under a name that changes with what they hold.
//!
//! All of them share one folder, named after one hash of them all: links inside the style sheet stay relative, and a new
//! build is never mixed with what a browser has kept. Bounded by the list below.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A file as it is served.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    pub name: &'static str,
    pub media_type: &'static str,
    pub bytes: &'static [u8],
    /// Packed in the repository already: sent with `Content-Encoding: gzip`.
    pub is_gzip: bool,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const FONT: &str = "font/woff2";

/// Every file there is.
pub const ASSETS: [Asset; 8] = [
    Asset { name: "app.css", media_type: STYLE, bytes: include_bytes!("../../static/app.css"), is_gzip: false },
    Asset { name: "app.js", media_type: SCRIPT, bytes: include_bytes!("../../static/app.js"), is_gzip: false },
    Asset { name: "docs.js", media_type: SCRIPT, bytes: include_bytes!("../../static/docs.js"), is_gzip: false },
    Asset {
        name: "icon.svg",
        media_type: "image/svg+xml",
        bytes: include_bytes!("../../static/icon.svg"),
        is_gzip: false,
    },
    Asset {
        name: "htmx.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../../static/vendor/htmx-2.0.11/htmx.min.js"),
        is_gzip: false,
    },
    Asset {
        name: "scalar.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../../static/vendor/scalar-1.46.4/standalone.js.gz"),
        is_gzip: true,
    },
    Asset {
        name: "plex-latin.woff2",
        media_type: FONT,
        bytes: include_bytes!("../../static/vendor/ibm-plex-sans-5.3.0/ibm-plex-sans-latin-wght-normal.woff2"),
        is_gzip: false,
    },
    Asset {
        name: "plex-latin-ext.woff2",
        media_type: FONT,
        bytes: include_bytes!("../../static/vendor/ibm-plex-sans-5.3.0/ibm-plex-sans-latin-ext-wght-normal.woff2"),
        is_gzip: false,
    },
];

/// The hash of all files, shortened: collisions need not be feared, changes need to be seen.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in &ASSETS {
        hash.update(asset.name);
        hash.update(Sha256::digest(asset.bytes));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
});

/// Where a file is found: `/static/0123456789abcdef/app.css`.
pub fn url(name: &str) -> String {
    format!("/static/{}/{name}", *HASH)
}

/// The file of that name, if the hash in its address is ours.
pub fn find(hash: &str, name: &str) -> Option<&'static Asset> {
    if hash != HASH.as_str() {
        return None;
    }
    ASSETS.iter().find(|it| it.name == name)
}
