//! Sessions under TLS, to a server whose certificate was signed by an authority of the test.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use store::{Options, Store, StoreError};

use crate::cluster::Cluster;
use crate::raw::Raw;
use crate::shop::{compile, send, set_up, sign_up};

fn openssl(folder: &Path, words: &str) {
    let ran = Command::new("openssl").args(words.split_whitespace()).current_dir(folder).output();
    let ran = ran.expect("openssl is installed");
    assert!(ran.status.success(), "{words}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// An authority, and what it signed for `localhost`.
fn certificates(folder: &Path) {
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("the folder is writable");
    let of = |name: &str, subject: &str| {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc";
        openssl(folder, &format!("req {key} -keyout {name}.key -subj /CN={subject} -x509 -days 2 -out {name}.crt"));
    };
    of("ca", "authority");
    of("other", "somebody");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc";
    openssl(folder, &format!("req {key} -keyout server.key -subj /CN=localhost -out server.csr"));
    openssl(folder, "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 2 -extfile names -out server.crt");
}

/// A server is not run by root, and trusts no key that others can read.
fn given_to_the_server(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let key = folder.join("server.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    if number(&["-u"]) == Some(0) {
        let user = number(&["-u", "postgres"]).or_else(|| number(&["-u", "nobody"]));
        chown(&key, user, None).expect("the key is given away");
    }
}

/// Of a user: `id` says it.
pub(crate) fn number(words: &[&str]) -> Option<u32> {
    let told = Command::new("id").args(words).output().ok()?;
    String::from_utf8_lossy(&told.stdout).trim().parse().ok()
}

#[test]
fn a_session_is_encrypted_and_the_server_is_who_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    given_to_the_server(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) =
        (format!("ssl_cert_file={}", file("server.crt")), format!("ssl_key_file={}", file("server.key")));
    let server = Cluster::start(&["ssl=on", &certificate, &key]);
    let port = server.url.rsplit_once(':').and_then(|it| it.1.split_once('/')).expect("a port").0;
    let opened = |host: &str, more: &str| {
        let url = format!("postgres://guerdon@{host}:{port}/postgres?application_name=tls{more}");
        Store::open(&url.parse()?, Options { create: true, ..Options::new(compile) })
    };
    let trusted = format!("&sslmode=verify-full&sslrootcert={}", file("ca.crt"));
    let store = opened("localhost", &trusted).expect("it is who it says");
    set_up(&store, "plain");
    send(&store, sign_up(1)).expect("a member");
    let plain =
        "SELECT 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tls' AND NOT ssl";
    let encrypted =
        "SELECT 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tls' AND ssl";
    let raw = Raw::connect(&server.url);
    assert_eq!(raw.rows(plain), Vec::<String>::new());
    assert!(2 <= raw.rows(encrypted).len(), "each lane has one");
    drop(opened("localhost", "&sslmode=require").expect("it is encrypted, whoever it is"));

    let verified = |file_name: &str| format!("&sslmode=verify-full&sslrootcert={}", file(file_name));
    for (host, more, expected) in [
        ("localhost", verified("other.crt"), "comes from nobody who is trusted; name who signed it with sslrootcert"),
        ("localhost", "&sslmode=verify-full".to_owned(), "comes from nobody who is trusted"),
        ("127.0.0.1", trusted, "is that of another host"),
        ("localhost", verified("nowhere.crt"), "nowhere.crt cannot be read"),
        ("localhost", verified("names"), "names cannot be read (it holds no certificate)"),
    ] {
        let refused = opened(host, &more).err();
        assert!(matches!(refused, Some(StoreError::Refused { .. } | StoreError::Address(_))), "{more}: {refused:?}");
        let told = refused.map(|it| it.to_string()).unwrap_or_default();
        assert!(told.contains(expected), "{more}: {told}");
    }
}
