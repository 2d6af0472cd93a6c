//! A browser of a test: it keeps its cookie, follows no redirects, and sends forms as browsers do.

use axum::body::Body as HttpBody;
use axum::http::Request;
use serde_json::{Value, json};

use super::markup::{check, tags};
use crate::document;
use crate::served::{ADMIN, Answered, Served};

pub(crate) const NOW: &str = "2026-11-22T18:21:00Z";

pub(crate) struct Visitor {
    pub(crate) served: Served,
    pub(crate) cookie: String,
}

impl Visitor {
    /// Somebody who has not signed in, at a server without a program.
    pub(crate) fn new() -> Self {
        Self { served: Served::at(NOW), cookie: String::new() }
    }

    /// Somebody before the sample shop, which anybody may enter.
    pub(crate) fn of_demo() -> Self {
        Self { served: Served::configured(NOW, |it| it.is_demo = true), cookie: String::new() }
    }

    /// Somebody before a server that browsers reach at that address.
    pub(crate) fn at(public_url: &str) -> Self {
        Self { served: Served::configured(NOW, |it| public_url.clone_into(&mut it.public_url)), cookie: String::new() }
    }

    /// Somebody of a shop with a program, a channel and three orders of two members.
    pub(crate) async fn of_shop() -> Self {
        let visitor = Self::new();
        visitor.set_up_shop().await;
        visitor
    }

    async fn set_up_shop(&self) {
        let text = document(
            r#""validity": {"months": 12}, "earn": {"points": 1, "per": "1.00"}, "redeem": {"points": 100, "value": "1.00"}"#,
        );
        let program: Value = serde_json::from_str(&text).expect("a document");
        self.post("/v1/programs", &json!({ "document": program })).await;
        self.post("/v1/channels", &json!({ "name": "web", "program": "Shop" })).await;
        for (name, number) in [("Ana Silva", "00042"), ("Bo Li", "00043")] {
            let identities = json!([{ "kind": "customer", "value": number }]);
            self.post("/v1/members", &json!({ "name": name, "identities": identities })).await;
        }
        self.order("1001", "00042", "30.98").await;
        self.order("1002", "00042", "200.00").await;
        self.order("1003", "00043", "9.99").await;
    }

    async fn post(&self, path: &str, body: &Value) {
        let key: String = body.to_string().chars().filter(char::is_ascii_alphanumeric).take(100).collect();
        let answer = self.served.send_keyed("POST", path, Some(body), &key).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
    }

    /// Records a paid order.
    pub(crate) async fn order(&self, reference: &str, customer: &str, amount: &str) {
        let order = json!({
            "member": format!("customer:{customer}"),
            "currency": "USD",
            "placed_at": NOW,
            "paid_at": NOW,
            "lines": [{ "id": "1", "quantity": 1, "amount": amount }],
        });
        let answer = self.served.send("PUT", &format!("/v1/channels/web/orders/{reference}"), Some(&order)).await;
        assert!(answer.status.is_success(), "{} {}", answer.status, answer.text);
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answered {
        let mut request = Request::builder().method(method).uri(path).header("accept", "text/html");
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.served.ask(request.body(HttpBody::from(body)).expect(path)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.ask("GET", path, &[], String::new()).await
    }

    /// A page that is there and keeps the rules of all pages.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
        check(&answer.text);
        answer.text
    }

    /// Sends a form as a browser does.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answered {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        self.ask("POST", path, &headers, encoded(fields)).await
    }

    /// The token of the forms of this session.
    pub(crate) async fn csrf(&self) -> String {
        let html = self.page("/admin/keys").await;
        let tags = tags(&html);
        let field = tags.iter().find(|it| it.get("name") == Some("csrf")).expect("a form of ours");
        field.get("value").expect("a token").to_owned()
    }

    /// Keeps the cookie of an answer.
    pub(crate) fn keep(&mut self, answer: &Answered) {
        let cookie = answer.header("set-cookie");
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        self.cookie = cookie.split(';').next().expect("a cookie").to_owned();
    }

    pub(crate) async fn sign_in(&mut self) {
        let answer = self.send("/sign-in", &[("key", ADMIN), ("next", "/admin")]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/admin"), "{}", answer.text);
        self.keep(&answer);
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let pair =
        |it: &(&str, &str)| format!("{}={}", server::pages::shell::encoded(it.0), server::pages::shell::encoded(it.1));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// The text that people read, without tags, runs of spaces as one.
pub(crate) fn text_of(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text.push(' ');
        text.push_str(piece.split_once('>').map_or(piece, |it| it.1));
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
