//! docs/CONNECT.md is typed in: its requests are sent one after the other to a new server, and each is answered as the page
//! says. Ids, times and days are other ones each time; only their kind is compared.

use serde_json::{Value, json};

use crate::read;
use crate::served::Served;

const NOW: &str = "2026-11-22T12:00:00Z";

/// The code blocks with their kinds.
fn blocks(markdown: &str) -> Vec<(&str, &str)> {
    let fenced = markdown.split("\n```").skip(1).step_by(2);
    fenced.map(|it| it.split_once('\n').expect("a block has lines")).collect()
}

/// What a block writes into a file.
fn written(script: &str, file: &str) -> Option<String> {
    let (_, rest) = script.split_once(&format!("cat > {file} <<"))?;
    let (_, body) = rest.split_once('\n')?;
    let (body, _) = body.split_once("\nEND")?;
    Some(body.replace("$NOW", NOW))
}

/// A call of `shop`: method, address, Idempotency-Key and body.
struct Call {
    method: String,
    path: String,
    key: String,
    body: Option<Value>,
}

fn call(script: &str, order: &str) -> Option<Call> {
    let at = script.find("\nshop ").map(|it| it + 1).or(script.starts_with("shop ").then_some(0))?;
    let line = script[at..].strip_prefix("shop ")?;
    let after = |text: &str| line.split_once(text).map(|it| it.1);
    let word = |text: &str| text.split([' ', '"', '\n']).next().unwrap_or_default().to_owned();
    let body = match after(" -d ") {
        None => None,
        Some(rest) if rest.starts_with("@order.json") => Some(order.to_owned()),
        Some(rest) => {
            let quote = rest.chars().next().expect("a quote");
            let unquoted = rest[1..].replace("\\\"", "\u{1}");
            let body = unquoted.split(quote).next().expect("a text");
            Some(body.replace('\u{1}', "\"").replace("$NOW", NOW))
        }
    };
    Some(Call {
        method: after("-X ").map_or_else(|| "GET".to_owned(), word),
        path: format!("/v1{}", word(after("$API").expect("an address"))),
        key: after("Idempotency-Key: ").map(word).unwrap_or_default(),
        body: body.map(|it| serde_json::from_str(&it).unwrap_or_else(|error| panic!("{error}: {it}"))),
    })
}

/// The same answer whatever its ids, times and days.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, it)| (key.clone(), masked(it))).collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::String(text) => {
            let is_id = ["mem_", "prg_", "chn_", "ord_", "hld_", "ent_", "lot_"].iter().any(|it| text.starts_with(it));
            let is_day = text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
            match (is_id, is_day) {
                (true, _) => json!(format!("{}…", &text[..4])),
                (_, true) => json!(format!("{} characters of time", text.len().min(11))),
                (false, false) => value.clone(),
            }
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn the_page_about_connecting_is_true() {
    let text = read("docs/CONNECT.md");
    let blocks = blocks(&text);
    let served = Served::at(NOW);
    let program: Value = serde_json::from_str(&written(blocks[0].1, "program.json").expect("a program")).expect("JSON");
    let added = served.send_keyed("POST", "/v1/programs", Some(&json!({"document": program})), "program").await;
    assert_eq!(added.status, 201, "{}", added.text);
    let channel = json!({"name": "web", "program": program["name"]});
    assert_eq!(served.send_keyed("POST", "/v1/channels", Some(&channel), "channel").await.status, 201);

    let (mut order, mut answers) = (String::new(), 0);
    for (index, (_, script)) in blocks.iter().enumerate().filter(|it| it.1.0 == "sh") {
        if let Some(body) = written(script, "order.json") {
            order = body;
        }
        let Some(Call { method, path, key, body }) = call(script, &order) else { continue };
        let answered = served.send_keyed(&method, &path, body.as_ref(), &key).await;
        let Some(("json", told)) = blocks.get(index + 1) else { panic!("{method} {path} is answered in the page") };
        let told: Value = serde_json::from_str(told).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(masked(&answered.json()), masked(&told), "{method} {path}");
        answers += 1;
    }
    assert_eq!(answers, 11, "every request of the page is sent");
}
