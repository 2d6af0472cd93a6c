//! Requests that cannot be: each is refused as a problem that names the field and says what is allowed, and nothing has
//! changed.

use std::fmt::Write as _;

use axum::body::Body as HttpBody;
use axum::http::Request;
use serde_json::{Value, json};

use crate::examples::examples;
use crate::served::{ADMIN, Answered, Served};

/// A shop with a member, an order and some points.
async fn shop() -> Served {
    let served = Served::at("2026-03-02T14:00:00Z");
    let day = examples();
    for example in day.iter().take_while(|it| it.operation() != "quote") {
        example.send(&served).await;
    }
    served
}

/// All that can be read of the shop.
async fn all_of(served: &Served) -> String {
    let mut all = String::new();
    for path in [
        "/v1/programs",
        "/v1/programs/Sample%20shop/versions",
        "/v1/channels",
        "/v1/keys",
        "/v1/members",
        "/v1/members/card:6001234/accounts/Sample%20shop",
        "/v1/members/card:6001234/accounts/Sample%20shop/entries",
        "/v1/members/card:6001234/accounts/Sample%20shop/orders",
    ] {
        let answered = served.send("GET", path, None).await;
        assert_eq!(answered.status, 200, "{path}");
        writeln!(all, "{path} {}", answered.text).expect("a text takes all");
    }
    all
}

/// A request that is refused: its first line, its body, and the problem as `status code field`.
type Case<'a> = (&'a str, &'a str, &'a str);

async fn send(served: &Served, line: &str, body: &[u8], headers: &[(&str, &str)]) -> Answered {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {ADMIN}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    served.ask(request.body(HttpBody::from(body.to_vec())).expect(line)).await
}

/// The problem in short. Every problem has a type, a title and a sentence, and says what is allowed where it names a field.
fn problem_of(answered: &Answered, place: &str) -> String {
    assert_eq!(answered.header("content-type"), "application/problem+json", "{place}: {answered:?}");
    let problem = answered.json();
    assert_eq!(problem["status"], answered.status.as_u16(), "{place}");
    let code = problem["code"].as_str().expect("a code");
    assert_eq!(problem["type"], format!("urn:guerdon:problem:{code}"), "{place}");
    for key in ["title", "detail"] {
        assert!(problem[key].as_str().is_some_and(|it| 3 < it.len()), "{place}: {key} in {problem}");
    }
    let field = problem["field"].as_str();
    let names = ["date_too_old", "date_ahead", "wrong_currency", "unknown_member", "unknown_hold"];
    if field.is_some() && !names.contains(&code) {
        assert!(problem["allowed"].as_str().is_some_and(|it| !it.is_empty()), "{place}: what is allowed in {problem}");
    }
    format!("{} {code} {}", answered.status.as_u16(), field.unwrap_or("-"))
}

async fn check(cases: &[Case<'_>]) {
    let served = shop().await;
    let before = all_of(&served).await;
    for (index, (line, body, expected)) in cases.iter().enumerate() {
        let key = format!("bad-{index}");
        let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
        let answered = send(&served, line, body.as_bytes(), &headers).await;
        let place: String = format!("{line} {body}").chars().take(300).collect();
        assert_eq!(problem_of(&answered, &place), *expected, "{place}\n{}", answered.text);
        assert_eq!(all_of(&served).await, before, "{place} has changed nothing");
    }
}

const ORDER: &str = "PUT /v1/channels/web/orders/X1";
const HOLD: &str = "POST /v1/holds";
const ADJUST: &str = "POST /v1/members/card:6001234/accounts/Sample%20shop/adjustments";

/// An order with some keys replaced or added.
fn order(changes: &str) -> String {
    let mut order = serde_json::json!({
        "member": "card:6001234",
        "lines": [{"id": "1", "amount": "30.98"}],
        "placed_at": "2026-03-02T14:20:00Z",
    });
    let changes: Value = serde_json::from_str(changes).expect(changes);
    for (key, value) in changes.as_object().expect("an object") {
        order[key] = value.clone();
    }
    order.to_string()
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_draft = format!("{{\"document\": {deep}}}");
    let deep_order = format!("{{\"lines\": {deep}}}");
    check(&[
        (ORDER, "", "400 malformed_json -"),
        (ORDER, "{", "400 malformed_json -"),
        (ORDER, "{}}", "400 malformed_json -"),
        (ORDER, "{'lines': []}", "400 malformed_json -"),
        (ORDER, "\u{feff}{}", "400 malformed_json -"),
        (ORDER, r#"{"lines": [}"#, "400 malformed_json -"),
        (ORDER, "{\"lines\": \"\u{0}\"}", "400 malformed_json -"),
        (ORDER, "NaN", "400 malformed_json -"),
        (ORDER, r#"{"redeem": 01}"#, "400 malformed_json -"),
        (ORDER, r#"{"member": "\ud800"}"#, "400 malformed_json -"),
        (ORDER, &deep, "422 invalid body"),
        (ORDER, &deep_order, "422 invalid lines[0]"),
        ("POST /v1/program-drafts", &deep_draft, "422 invalid document"),
    ])
    .await;
}

#[tokio::test]
async fn shapes_that_do_not_fit_are_refused() {
    check(&[
        (ORDER, "null", "422 invalid body"),
        (ORDER, "[]", "422 invalid body"),
        (ORDER, "\"order\"", "422 invalid body"),
        (ORDER, "{}", "422 invalid lines"),
        (ORDER, r#"{"lines": []}"#, "422 invalid placed_at"),
        (ORDER, &order(r#"{"total": "1.00"}"#), "422 invalid total"),
        (ORDER, &order(r#"{"lines": [{"id": "1", "amount": "1.00", "price": "1.00"}]}"#), "422 invalid lines[0].price"),
        (ORDER, &order(r#"{"lines": [{"amount": "1.00"}]}"#), "422 invalid lines[0].id"),
        (ORDER, &order(r#"{"lines": [{"id": 1, "amount": "1.00"}]}"#), "422 invalid lines[0].id"),
        (ORDER, &order(r#"{"lines": [{"id": "1", "amount": 1}]}"#), "422 invalid lines[0].amount"),
        (
            ORDER,
            &order(r#"{"lines": [{"id": "1", "amount": "1.00", "kind": "service"}]}"#),
            "422 invalid lines[0].kind",
        ),
        (ORDER, &order(r#"{"lines": {"id": "1"}}"#), "422 invalid lines"),
        (ORDER, &order(r#"{"lines": null}"#), "422 invalid lines"),
        (ORDER, &order(r#"{"redeem": "10"}"#), "422 invalid redeem"),
        (ORDER, &order(r#"{"redeem": 1.5}"#), "422 invalid redeem"),
        (ORDER, &order(r#"{"redeem": 1e3}"#), "422 invalid redeem"),
        (ORDER, &order(r#"{"redeem": 123456789012345678901234567890}"#), "422 invalid redeem"),
        (ORDER, &order(r#"{"version": 1.5}"#), "422 invalid version"),
        (ORDER, &order(r#"{"version": -1}"#), "422 invalid version"),
        (ORDER, &order(r#"{"version": true}"#), "422 invalid version"),
        (ORDER, r#"{"lines": [], "placed_at": "2026-03-02T14:20:00Z", "lines": []}"#, "422 invalid lines"),
        (ORDER, r#"{"lines": [{"id": "1", "id": "2", "amount": "1.00"}]}"#, "422 invalid lines[0].id"),
        (
            ORDER,
            &order(r#"{"lines": [["1", null, null, "goods", 1, "1.00", null, null, true]]}"#),
            "422 invalid lines[0]",
        ),
        (ORDER, &order(r#"{"returns": [["1", 1, null]]}"#), "422 invalid returns[0]"),
        (HOLD, r#"["Sample shop", "card:6001234", 1, 1]"#, "422 invalid body"),
        ("POST /v1/members", r#"{"identities": [["card", "1"]]}"#, "422 invalid identities[0]"),
        ("POST /v1/quotes", r#"{"channel": "web", "order": []}"#, "422 invalid order"),
        (HOLD, r#"{"program": "Sample shop", "member": "card:6001234"}"#, "422 invalid points"),
        (
            HOLD,
            r#"{"program": "Sample shop", "member": "card:6001234", "points": 1, "minutes": -1}"#,
            "422 invalid minutes",
        ),
        (
            "POST /v1/members",
            r#"{"identities": [{"kind": "passport", "value": "1"}]}"#,
            "422 invalid identities[0].kind",
        ),
        ("POST /v1/members", r#"{"identities": [{"value": "1"}]}"#, "422 invalid identities[0].kind"),
        ("PATCH /v1/members/card:6001234", r#"{"name": 5}"#, "422 invalid name"),
        ("PATCH /v1/members/card:6001234", r#"{"phone": "5"}"#, "422 invalid phone"),
        ("PATCH /v1/members/card:6001234", r"{}", "422 invalid name"),
        ("PATCH /v1/members/card:6001234", r#"{"customer_type": ""}"#, "422 invalid customer_type"),
        ("PATCH /v1/members/card:6001234", r#"{"birthday": "1990-02-29"}"#, "422 invalid birthday"),
        ("PATCH /v1/members/card:6001234", r#"{"birthday": "1899-12-31"}"#, "422 invalid birthday"),
        ("PATCH /v1/members/card:6001234", r#"{"birthday": "2199-12-31"}"#, "422 invalid birthday"),
        ("POST /v1/programs", r#"{"document": "text"}"#, "422 invalid document"),
        ("POST /v1/programs", r#"{"document": {"format": 1}}"#, "422 invalid document.name"),
        ("POST /v1/programs", "{}", "422 invalid document"),
        ("POST /v1/keys", r#"{"name": "x", "scopes": "read"}"#, "422 invalid scopes"),
        (
            "POST /v1/quotes",
            r#"{"channel": "web", "order": {"lines": [], "placed_at": 5}}"#,
            "422 invalid order.placed_at",
        ),
    ])
    .await;
}

#[tokio::test]
async fn lines_that_cannot_be_are_refused() {
    let many_lines: Vec<String> = (0..1001).map(|it| format!(r#"{{"id": "{it}", "amount": "1.00"}}"#)).collect();
    let many_lines = format!(r#"{{"lines": [{}]}}"#, many_lines.join(","));
    let long = "x".repeat(121);
    let long_id = format!(r#"{{"lines": [{{"id": "{long}", "amount": "1.00"}}]}}"#);
    check(&[
        (ORDER, &order(r#"{"lines": [{"id": "1", "amount": "1,00"}]}"#), "422 invalid lines[0].amount"),
        (ORDER, &order(r#"{"lines": [{"id": "1", "amount": "1.001"}]}"#), "422 invalid lines[0].amount"),
        (ORDER, &order(r#"{"lines": [{"id": "1", "amount": "-1.00"}]}"#), "422 invalid lines[0].amount"),
        (ORDER, &order(r#"{"lines": [{"id": "1", "amount": "100000000000.01"}]}"#), "422 invalid lines[0].amount"),
        (
            ORDER,
            &order(r#"{"lines": [{"id": "1", "amount": "1.00", "quantity": 0}]}"#),
            "422 invalid lines[0].quantity",
        ),
        (
            ORDER,
            &order(r#"{"lines": [{"id": "1", "amount": "1.00", "discount": "2.00"}]}"#),
            "422 invalid lines[0].discount",
        ),
        (ORDER, &order(r#"{"lines": [{"id": "", "amount": "1.00"}]}"#), "422 invalid lines[0].id"),
        (ORDER, &order(r#"{"lines": [{"id": "a\u0000b", "amount": "1.00"}]}"#), "422 invalid lines[0].id"),
        (
            ORDER,
            &order(r#"{"lines": [{"id": "1", "amount": "1"}, {"id": "1", "amount": "1"}]}"#),
            "422 invalid lines[1].id",
        ),
        (ORDER, &order(&long_id), "422 invalid lines[0].id"),
        (ORDER, &order(&many_lines), "422 invalid lines"),
        (ORDER, &order(r#"{"discount": "31.00"}"#), "422 invalid discount"),
        (ORDER, &order(r#"{"refunded": "31.00"}"#), "422 invalid refunded"),
        (ORDER, &order(r#"{"returns": [{"line": "2", "quantity": 1}]}"#), "422 invalid returns[0].line"),
        (ORDER, &order(r#"{"returns": [{"line": "1"}]}"#), "422 invalid returns[0]"),
        (ORDER, &order(r#"{"returns": [{"line": "1", "quantity": 2}]}"#), "422 invalid returns[0].quantity"),
    ])
    .await;
}

#[tokio::test]
async fn orders_that_cannot_be_are_refused() {
    let long_reference = format!("PUT /v1/channels/web/orders/{}", "x".repeat(121));
    check(&[
        (ORDER, &order(r#"{"placed_at": "yesterday"}"#), "422 invalid placed_at"),
        (ORDER, &order(r#"{"placed_at": "2026-03-02"}"#), "422 invalid placed_at"),
        (ORDER, &order(r#"{"placed_at": "2026-03-02T14:20:00"}"#), "422 invalid placed_at"),
        (ORDER, &order(r#"{"placed_at": "1969-12-31T23:59:59Z"}"#), "422 invalid placed_at"),
        (ORDER, &order(r#"{"placed_at": "2501-01-01T00:00:00Z"}"#), "422 invalid placed_at"),
        (ORDER, &order(r#"{"placed_at": "2026-01-01T00:00:00Z"}"#), "422 date_too_old placed_at"),
        (ORDER, &order(r#"{"placed_at": "2026-03-03T00:00:00Z"}"#), "422 date_ahead placed_at"),
        (ORDER, &order(r#"{"version": "monday"}"#), "422 invalid version"),
        (ORDER, &order(r#"{"redeem": -1}"#), "422 invalid redeem"),
        (ORDER, &order(r#"{"redeem": 9223372036854775807}"#), "422 invalid redeem"),
        (ORDER, &order(r#"{"redeem": 100000}"#), "422 exceeds_order -"),
        (ORDER, &order(r#"{"redeem": 3000}"#), "422 insufficient_points -"),
        (ORDER, &order(r#"{"hold": "hld_nonsense"}"#), "422 invalid hold"),
        (ORDER, &order(r#"{"hold": "hld_01kjqec520fhbts1hkxpmjte7j_1_99"}"#), "404 unknown_hold hold"),
        (ORDER, &order(r#"{"member": "Ana"}"#), "422 invalid member"),
        (ORDER, &order(r#"{"member": "card:nobody"}"#), "404 unknown_member member"),
        (ORDER, &order(r#"{"member": null, "redeem": 5}"#), "422 invalid redeem"),
        (ORDER, &order(r#"{"currency": "usd"}"#), "422 invalid currency"),
        (ORDER, &order(r#"{"currency": "EUR"}"#), "422 wrong_currency currency"),
        (ORDER, &order(r#"{"at": "2026-03-02T14:20"}"#), "422 invalid at"),
        (&long_reference, &order("{}"), "422 invalid reference"),
        ("PUT /v1/channels/web/orders/a%00b", &order("{}"), "422 invalid reference"),
        ("PUT /v1/channels/web/orders/a%0Ab", &order("{}"), "422 invalid reference"),
    ])
    .await;
}

#[tokio::test]
async fn values_that_cannot_be_are_refused() {
    let many: Vec<String> = (0..17).map(|it| format!(r#"{{"kind": "card", "value": "{it}"}}"#)).collect();
    let many = format!(r#"{{"identities": [{}]}}"#, many.join(","));
    check(&[
        (HOLD, r#"{"program": "Sample shop", "member": "card:6001234", "points": 0}"#, "422 invalid points"),
        (
            HOLD,
            r#"{"program": "Sample shop", "member": "card:6001234", "points": 1, "minutes": 0}"#,
            "422 invalid minutes",
        ),
        (
            HOLD,
            r#"{"program": "Sample shop", "member": "card:6001234", "points": 1, "minutes": 121}"#,
            "422 invalid minutes",
        ),
        (HOLD, r#"{"program": "none", "member": "card:6001234", "points": 1}"#, "404 unknown_program -"),
        (HOLD, r#"{"program": "Sample shop", "member": "card:nobody", "points": 1}"#, "404 unknown_member member"),
        (ADJUST, r#"{"points": 0, "note": "x"}"#, "422 invalid points"),
        (ADJUST, r#"{"points": -9223372036854775808, "note": "x"}"#, "422 invalid points"),
        (ADJUST, r#"{"points": 1, "note": ""}"#, "422 invalid note"),
        (ADJUST, r#"{"points": 1, "note": "x", "expires_at": "2020-01-01T00:00:00Z"}"#, "422 invalid expires_at"),
        (ADJUST, r#"{"points": -1, "note": "x", "expires_at": "2027-01-01T00:00:00Z"}"#, "422 invalid expires_at"),
        (ADJUST, r#"{"points": 1, "note": "x", "reference": ""}"#, "422 invalid reference"),
        (ADJUST, r#"{"points": -1000, "note": "x"}"#, "422 insufficient_points -"),
        ("POST /v1/members", r#"{"name": ""}"#, "422 invalid name"),
        ("POST /v1/members", r#"{"name": "a\u0007b"}"#, "422 invalid name"),
        (
            "POST /v1/members",
            r#"{"identities": [{"kind": "email", "value": "ana"}]}"#,
            "422 invalid identities[0].value",
        ),
        ("POST /v1/members", r#"{"identities": [{"kind": "card", "value": ""}]}"#, "422 invalid identities[0].value"),
        ("POST /v1/members", &many, "422 invalid identities"),
        ("POST /v1/members/card:6001234/identities", r#"{"kind": "phone", "value": "x"}"#, "422 invalid value"),
        ("POST /v1/channels", r#"{"name": "", "program": "Sample shop"}"#, "422 invalid name"),
        ("POST /v1/channels", r#"{"name": "web", "program": "Sample shop"}"#, "422 invalid name"),
        ("POST /v1/channels", r#"{"name": "chn_x", "program": "Sample shop"}"#, "422 invalid name"),
        ("POST /v1/channels", r#"{"name": "till", "program": "none"}"#, "404 unknown_program -"),
        ("POST /v1/keys", r#"{"name": "x", "scopes": []}"#, "422 invalid scopes"),
        ("POST /v1/keys", r#"{"name": "x", "scopes": ["read", "all"]}"#, "422 invalid scopes[1]"),
        ("POST /v1/keys", r#"{"name": "", "scopes": ["read"]}"#, "422 invalid name"),
        ("POST /v1/programs/Sample%20shop/switches", r#"{"on": true, "at": "soon"}"#, "422 invalid at"),
        ("POST /v1/programs/Sample%20shop/switches", r#"{"on": true, "at": "2020-01-01T00:00:00Z"}"#, "422 invalid at"),
        (
            "POST /v1/quotes",
            r#"{"channel": "none", "order": {"lines": [], "placed_at": "2026-03-02T14:20:00Z"}}"#,
            "404 unknown_channel -",
        ),
        (
            "POST /v1/quotes",
            r#"{"channel": "web", "order": {"lines": [], "placed_at": "2026-03-02T14:20:00Z"}}"#,
            "422 invalid order.member",
        ),
    ])
    .await;
}

/// What is wrong for each row alike is wrong with the request.
#[tokio::test]
async fn a_note_that_no_row_can_have_refuses_all_rows() {
    let given =
        r#"{"program": "Sample shop", "members": ["card:nobody"], "value": "5.00", "expires": "never", "note": " "}"#;
    check(&[
        ("POST /v1/certificates", given, "422 invalid note"),
        (
            "POST /v1/certificate-cancellations",
            r#"{"certificates": ["K7MP-4XWT-9QRA"], "note": ""}"#,
            "422 invalid note",
        ),
        (
            "POST /v1/programs/Sample%20shop/closings",
            r#"{"members": ["card:nobody"], "grace_days": 30, "note": ""}"#,
            "422 invalid note",
        ),
        ("POST /v1/programs/Sample%20shop/joinings", r#"{"members": ["card:nobody"], "note": ""}"#, "422 invalid note"),
    ])
    .await;
}

#[tokio::test]
async fn addresses_that_lead_nowhere_are_refused() {
    let long = format!("GET /v1/members/card:{}", "1".repeat(5_000));
    check(&[
        ("GET /v1", "", "404 not_found -"),
        ("GET /v1/", "", "404 not_found -"),
        ("GET /v2/members", "", "404 not_found -"),
        ("GET /v1/members/", "", "404 not_found -"),
        ("GET /v1//members", "", "404 not_found -"),
        ("GET /v1/channels//orders/A17", "", "404 unknown_channel -"),
        ("GET /v1/../health", "", "404 not_found -"),
        ("GET /V1/members", "", "404 not_found -"),
        ("GET /v1/channels/none/orders/A17", "", "404 unknown_channel -"),
        ("GET /v1/channels/%00/orders/A17", "", "404 unknown_channel -"),
        ("GET /v1/channels/web/orders/none", "", "404 unknown_order -"),
        ("GET /v1/channels/web/orders/A17%2Fextra", "", "404 unknown_order -"),
        ("GET /v1/channels/web/orders/A17/extra", "", "404 not_found -"),
        ("GET /v1/channels/%FF/orders/A17", "", "400 malformed channel"),
        ("GET /v1/members/%C3%28", "", "400 malformed member"),
        ("GET /v1/members/ana", "", "422 invalid member"),
        ("GET /v1/members/mem_short", "", "422 invalid member"),
        ("GET /v1/members/card:%00", "", "422 invalid member"),
        ("GET /v1/members/card:nobody", "", "404 unknown_member member"),
        ("GET /v1/members/mem_00000000000000000000000000", "", "404 unknown_member member"),
        (&long, "", "422 invalid member"),
        ("GET /v1/members/card:6001234/accounts/none", "", "404 unknown_program -"),
        ("GET /v1/programs/none", "", "404 unknown_program -"),
        ("DELETE /v1/members/card:6001234/identities/mem_00000000000000000000000000", "", "422 invalid identity"),
        ("DELETE /v1/members/card:6001234/identities/x", "", "422 invalid identity"),
        ("DELETE /v1/holds/nonsense", "", "404 unknown_hold hold"),
        ("DELETE /v1/holds/ord_01kjqec520fhbts1hkxpmjte7j_1_1", "", "404 unknown_hold hold"),
        ("DELETE /v1/holds/hld_01kjqec520fhbts1hkxpmjte7j_9_1", "", "404 unknown_hold hold"),
        ("DELETE /v1/holds/hld_01kjqec520fhbts1hkxpmjte7j_1_18446744073709551615", "", "404 unknown_hold hold"),
        ("DELETE /v1/keys/x", "", "422 invalid number"),
        ("DELETE /v1/keys/-1", "", "422 invalid number"),
        ("DELETE /v1/keys/99999999999", "", "422 invalid number"),
        ("DELETE /v1/keys/99", "", "404 unknown_key -"),
    ])
    .await;
}

#[tokio::test]
async fn queries_that_do_not_fit_are_refused() {
    let account = "/v1/members/card:6001234/accounts/Sample%20shop";
    let entries = |query: &str| format!("GET {account}/entries?{query}");
    let days = |query: &str| format!("GET /v1/programs/Sample%20shop/days?{query}");
    check(&[
        ("GET /v1/members?limit=0", "", "422 invalid limit"),
        ("GET /v1/members?limit=201", "", "422 invalid limit"),
        ("GET /v1/members?limit=-1", "", "422 invalid limit"),
        ("GET /v1/members?limit=ten", "", "422 invalid limit"),
        ("GET /v1/members?limit=", "", "422 invalid limit"),
        ("GET /v1/members?limit=99999999999999999999", "", "422 invalid limit"),
        ("GET /v1/members?limit=5&limit=6", "", "422 invalid limit"),
        ("GET /v1/members?q=ana", "", "422 invalid q"),
        ("GET /v1/members?after=x", "", "422 invalid after"),
        ("GET /v1/members?query=ana&after=x", "", "422 invalid after"),
        (&entries("after=x"), "", "422 invalid after"),
        (&entries("after=-1"), "", "422 invalid after"),
        (&entries("first=middle"), "", "422 invalid first"),
        (&format!("GET {account}/orders?order=asc"), "", "422 invalid order"),
        (&format!("GET {account}?at=now"), "", "422 invalid at"),
        (&days("from=2026-03-01"), "", "422 invalid to"),
        (&days("from=2026-03-01&to=2026-02-01"), "", "422 invalid to"),
        (&days("from=2026-03-01&to=2099-02-01"), "", "422 invalid to"),
        (&days("from=1.3.2026&to=2026-02-01"), "", "422 invalid from"),
    ])
    .await;
}

#[tokio::test]
async fn methods_that_an_address_does_not_take_are_refused() {
    let served = shop().await;
    for (line, allow) in [
        ("POST /health", "GET,HEAD"),
        ("OPTIONS /v1/members", "GET,HEAD,POST"),
        ("PUT /v1/members/card:6001234", "GET,HEAD,PATCH,DELETE"),
        ("POST /v1/channels/web/orders/A17", "PUT,GET,HEAD"),
        ("TRACE /v1/programs", "GET,HEAD,POST"),
        ("BREW /v1/programs", "GET,HEAD,POST"),
    ] {
        let answered = send(&served, line, b"", &[]).await;
        assert_eq!(problem_of(&answered, line), "405 method_not_allowed -");
        let sorted = |list: &str| {
            let mut names: Vec<String> = list.split(',').map(|it| it.trim().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(sorted(answered.header("allow")), sorted(allow), "{line}");
    }
    let head = send(&served, "HEAD /v1/members", b"", &[]).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "HEAD is a GET without a body");
    let head = send(&served, "HEAD /v1/members/card:nobody", b"", &[]).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (404, ""));
}

#[tokio::test]
async fn kinds_of_bodies_that_cannot_be_read_are_refused() {
    let served = shop().await;
    let before = all_of(&served).await;
    let body = order("{}");
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "json", "*/*"]
    {
        let answered = send(&served, ORDER, body.as_bytes(), &[("content-type", kind)]).await;
        assert_eq!(problem_of(&answered, kind), "415 unsupported_media_type -");
    }
    let answered = send(&served, ORDER, body.as_bytes(), &[]).await;
    assert_eq!(problem_of(&answered, "no content type"), "415 unsupported_media_type -");

    let json = [("content-type", "application/json")];
    let large = format!("{{\"member\": \"{}\"}}", "x".repeat(1 << 20));
    let answered = send(&served, ORDER, large.as_bytes(), &json).await;
    assert_eq!(problem_of(&answered, "a large body"), "413 too_large -");
    let answered = send(&served, ORDER, b"{\"member\": \"\xff\"}", &json).await;
    assert_eq!(problem_of(&answered, "not UTF-8"), "400 malformed_json -");
    assert_eq!(all_of(&served).await, before);

    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"] {
        let answered = send(&served, ORDER, body.as_bytes(), &[("content-type", kind)]).await;
        assert_eq!(answered.status, 200, "{kind}: {}", answered.text);
    }
}

#[tokio::test]
async fn idempotency_keys_that_cannot_be_are_refused() {
    let served = shop().await;
    let before = all_of(&served).await;
    let body = r#"{"program": "Sample shop", "member": "card:6001234", "points": 10}"#;
    let ask = async |key: Option<&str>, body: &str| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|it| ("idempotency-key", it)));
        send(&served, HOLD, body.as_bytes(), &headers).await
    };
    let long = "k".repeat(121);
    for key in [None, Some(""), Some("   "), Some("two words"), Some(long.as_str())] {
        let answered = ask(key, body).await;
        assert_eq!(problem_of(&answered, &format!("{key:?}")), "422 invalid Idempotency-Key");
    }
    assert_eq!(all_of(&served).await, before);

    let longest = "k".repeat(120);
    let first = ask(Some(&longest), body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = ask(Some(&longest), body).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text), "the same key again is answered the same");
    let other = ask(Some(&longest), &body.replace("10", "11")).await;
    assert_eq!(problem_of(&other, "another body"), "422 idempotency_key_reused -");
}

#[tokio::test]
async fn names_may_be_any_text() {
    let served = shop().await;
    for (reference, path) in [
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("Żółć 日本 😀", "%C5%BB%C3%B3%C5%82%C4%87%20%E6%97%A5%E6%9C%AC%20%F0%9F%98%80"),
        ("a+b", "a+b"),
        ("a%2Fb", "a%252Fb"),
        ("..", "%2E%2E"),
        ("?#", "%3F%23"),
    ] {
        let line = format!("PUT /v1/channels/web/orders/{path}");
        let answered = send(&served, &line, order("{}").as_bytes(), &[("content-type", "application/json")]).await;
        assert_eq!(
            (answered.status.as_u16(), answered.json()["reference"].as_str()),
            (200, Some(reference)),
            "{}",
            answered.text
        );
        let found = send(&served, &line.replacen("PUT", "GET", 1), b"", &[]).await;
        assert_eq!((found.status.as_u16(), found.json()["reference"].as_str()), (200, Some(reference)));
    }
    let body = serde_json::json!({"name": "Kasse 1 / Zürich", "program": "Sample shop"});
    assert_eq!(served.send_keyed("POST", "/v1/channels", Some(&body), "till").await.status, 201);
    let found = served.send("GET", "/v1/channels/Kasse%201%20%2F%20Z%C3%BCrich", None).await;
    assert_eq!((found.status.as_u16(), &found.json()["name"]), (200, &body["name"]));
    let id = found.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(served.send("GET", &format!("/v1/channels/{id}"), None).await.json(), found.json(), "by its id as well");
}

#[tokio::test]
async fn what_was_sent_is_not_sent_back_whole() {
    let served = Served::at("2026-03-02T14:00:00Z");
    let long = "x".repeat(500_000);
    for body in
        [json!({ "name": "Till", "scopes": [long] }), json!({ "name": "Till", "scopes": [], (long.as_str()): 1 })]
    {
        let answered = served.send_keyed("POST", "/v1/keys", Some(&body), "long").await;
        assert_eq!((answered.status.as_u16(), &answered.json()["code"]), (422, &"invalid".into()));
        assert!(answered.text.contains("xxx…") && answered.text.len() < 2_000, "{} bytes", answered.text.len());
    }
}

#[tokio::test]
async fn an_idempotency_key_stands_there_once() {
    let served = Served::at("2026-03-02T14:00:00Z");
    let request = Request::builder().method("POST").uri("/v1/members").header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {ADMIN}"));
    let request = request.header("idempotency-key", "one").header("idempotency-key", "two");
    let answered = served.ask(request.body(HttpBody::from("{}")).expect("a request")).await;
    assert_eq!((answered.status.as_u16(), &answered.json()["field"]), (422, &"Idempotency-Key".into()));
}
