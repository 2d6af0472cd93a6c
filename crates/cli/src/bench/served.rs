//! A server inside this process, which shares its cores with its callers.

use std::net::{SocketAddr, TcpListener as Listener};
use std::time::Duration;

use anyhow::{Context as _, Result};
use server::{App, Config};
use store::{Database, Store};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::open;

pub(crate) struct Served {
    pub(crate) store: Store,
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Served {
    /// Serves until it is stopped. Not to be called by threads that serve: whoever opens a database waits for it.
    pub(crate) fn start(runtime: &Runtime, database: &Database) -> Result<Self> {
        let store = open::existing(database)?;
        let listener = Listener::bind("127.0.0.1:0").context("listening")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let app = App::new(store.clone(), Config::local(format!("http://{address}")))?;
        let _inside = runtime.enter();
        let listener = TcpListener::from_std(listener).context("listening")?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = runtime.spawn(server::serve(app, listener, async {
            let _ = stopped.await;
        }));
        Ok(Self { store, address, stop, server })
    }

    /// Finishes what was accepted.
    pub(crate) fn stop(self, runtime: &Runtime) -> Result<()> {
        let _ = self.stop.send(());
        runtime.block_on(self.server).context("the server failed inside")
    }
}

pub(crate) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Ends it, whatever still runs in it.
pub(crate) fn end(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_secs(5));
}
