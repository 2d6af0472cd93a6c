//! PgBouncer between a store and its server: one that keeps sessions is no trouble, one that shares them is refused.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use store::{Options, Store, StoreError};

use crate::cluster::Cluster;
use crate::shop::{compile, order, sale, send, set_up, sign_up};

/// Ended when it is dropped.
struct Pooler {
    url: String,
    process: Child,
}

impl Pooler {
    fn start(server: &Cluster, mode: &str) -> Self {
        let (folder, port) = server.url.split_once('@').and_then(|it| it.1.split_once(':')).expect("a socket");
        let (folder, port) = (folder.replace("%2F", "/"), port.split('/').next().expect("a port"));
        let listens = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let settings = format!(
            "[databases]
postgres = host={folder} port={port} user=guerdon
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listens}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 20
"
        );
        let file = Path::new(&folder).join(format!("{mode}.ini"));
        std::fs::write(&file, settings).expect("the folder is writable");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("permissions");
        let program = if Path::new("/usr/sbin/pgbouncer").exists() { "/usr/sbin/pgbouncer" } else { "pgbouncer" };
        let mut command = Command::new(program);
        if crate::encrypted::number(&["-u"]) == Some(0) {
            // It refuses to be run by root.
            command.args(["-u", "postgres"]);
        }
        let process =
            command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("PgBouncer is installed");
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", listens)).is_err() {
            assert!(Instant::now() < until, "the pooler does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { url: format!("postgres://guerdon@127.0.0.1:{listens}/postgres"), process }
    }

    fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.url.parse()?, Options { create: true, ..Options::new(compile) })
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_pooler_that_keeps_sessions_is_no_trouble_and_one_that_shares_them_is_refused() {
    let server = Cluster::start(&[]);
    let keeps = Pooler::start(&server, "session");
    let store = keeps.open().expect("it is as the server itself");
    set_up(&store, "plain");
    send(&store, sign_up(1)).expect("a member");
    assert!(send(&store, order(1, "A1", sale(1_000, store.now().micros()))).is_ok());
    drop(store);
    let shares = Pooler::start(&server, "transaction");
    // What the first has prepared is what the second finds there.
    for turn in 0..3 {
        let told = shares.open().err().expect("it is refused").to_string();
        assert!(
            told.contains("a pooler hands each transaction to another session; connect to the server"),
            "{turn}: {told}"
        );
    }
    let reader = keeps.open().expect("nothing was harmed").reader().expect("a reader");
    assert_eq!(reader.verify(&mut |_| {}).expect("it can be read").difference, None);
}
