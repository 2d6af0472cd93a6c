//! A caller of the API: one connection that stays open, an API key, JSON in and out.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

pub(super) struct Caller {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
    key: String,
}

/// A request that may be sent again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) key: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) retry_after: Option<u32>,
    pub(super) body: Value,
}

impl Asked {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, key: None }
    }

    pub(super) fn put(path: impl Into<String>, body: Value) -> Self {
        Self { method: "PUT", path: path.into(), body: Some(body), key: None }
    }

    pub(super) fn post(path: impl Into<String>, key: impl Into<String>, body: Value) -> Self {
        Self { method: "POST", path: path.into(), body: Some(body), key: Some(key.into()) }
    }
}

impl Said {
    pub(super) fn text(&self, pointer: &str) -> &str {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{pointer} is no text in {self:?}"))
    }

    pub(super) fn count(&self, pointer: &str) -> i64 {
        let found = self.body.pointer(pointer).and_then(Value::as_i64);
        found.unwrap_or_else(|| panic!("{pointer} is no number in {self:?}"))
    }

    /// The code of a problem, with its status; of an answer, the status alone.
    pub(super) fn code(&self) -> (u16, &str) {
        (self.status, self.body.pointer("/code").and_then(Value::as_str).unwrap_or(""))
    }

    /// Fails unless it is an answer.
    #[track_caller]
    pub(super) fn ok(self) -> Self {
        assert!((200..300).contains(&self.status), "refused: {self:?}");
        self
    }
}

impl Caller {
    pub(super) async fn connect(address: SocketAddr, key: &str) -> hyper::Result<Self> {
        let stream = loop {
            match TcpStream::connect(address).await {
                Ok(stream) => break stream,
                // Many callers at once: the system asks for another try.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => panic!("connecting to {address}: {error}"),
            }
        };
        Self::over(stream, address, key).await
    }

    /// As `connect`, to a server that may be gone.
    pub(super) async fn reach(address: SocketAddr, key: &str) -> Option<Self> {
        Self::over(TcpStream::connect(address).await.ok()?, address, key).await.ok()
    }

    async fn over(stream: TcpStream, address: SocketAddr, key: &str) -> hyper::Result<Self> {
        stream.set_nodelay(true).expect("a socket");
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // What breaks is told to whoever sends the next request.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, address, key: key.to_owned() })
    }

    /// Sends a request to a server that is there, and answers.
    #[track_caller]
    pub(super) fn send(&mut self, asked: &Asked) -> impl Future<Output = Said> {
        let place = std::panic::Location::caller();
        let asked = asked.clone();
        async move { self.try_send(&asked).await.unwrap_or_else(|error| panic!("{place}: {asked:?}: {error}")) }
    }

    /// Sends a request to a server that may be gone before it has answered.
    pub(super) async fn try_send(&mut self, asked: &Asked) -> hyper::Result<Said> {
        let mut request = hyper::Request::builder()
            .method(asked.method)
            .uri(&asked.path)
            .header("host", self.address.to_string())
            .header("authorization", format!("Bearer {}", self.key));
        if let Some(key) = &asked.key {
            request = request.header("idempotency-key", key);
        }
        let body = asked.body.as_ref().map(Value::to_string);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let request = request.body(body).expect("a request of a test is well formed");
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|it| it.to_str().ok()?.parse().ok());
        let bytes = response.into_body().collect().await?.to_bytes();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{asked:?} is answered {bytes:?}: {error}"))
        };
        Ok(Said { status, retry_after, body })
    }
}
