//! A server and one caller of it, on a runtime of their own in this thread: the server works while its caller waits.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
pub(super) use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use server::App;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(super) struct Client {
    /// Nothing once it is stopped.
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
    address: SocketAddr,
    /// One connection, kept open.
    sender: SendRequest<Full<Bytes>>,
    key: String,
}

impl Client {
    /// Starts the server on a free port and connects to it.
    pub(super) fn start(app: App, key: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("starting the server")?;
        let (stop, stopped) = oneshot::channel();
        let (address, served, sender) = runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listening")?;
            let address = listener.local_addr()?;
            let served = tokio::spawn(server::serve(app, listener, async {
                // Whoever goes without a word stops it as well.
                let _ = stopped.await;
            }));
            let stream = TcpStream::connect(address).await.context("connecting")?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.context("greeting the server")?;
            // What breaks is told to whoever sends the next request.
            tokio::spawn(async move { drop(connection.await) });
            anyhow::Ok((address, served, sender))
        })?;
        let (runtime, stop, served) = (Some(runtime), Some(stop), Some(served));
        Ok(Self { runtime, stop, served, address, sender, key: format!("Bearer {key}") })
    }

    /// Sends a request and answers what came back, JSON or nothing.
    pub(super) fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<(StatusCode, Value)> {
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, &self.key);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body)))?;
        let Some(runtime) = &self.runtime else { bail!("the server is stopped") };
        let sender = &mut self.sender;
        let (status, bytes) = runtime.block_on(async {
            sender.ready().await.context("the connection was closed")?;
            let response = sender.send_request(request).await.context("sending a request")?;
            let status = response.status();
            let bytes = response.into_body().collect().await.context("reading an answer")?.to_bytes();
            anyhow::Ok((status, bytes))
        })?;
        let answer = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
        Ok((status, answer))
    }
}

impl Drop for Client {
    /// Waits until the server has stopped: the database is closed then.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let (Some(runtime), Some(served)) = (self.runtime.take(), self.served.take()) {
            // A server that panicked has said so.
            let _ = runtime.block_on(served);
        }
    }
}
