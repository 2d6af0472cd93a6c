//! What the pages of a shop show, asked for as a browser does.

use super::markup::part;
use super::visitor::{Visitor, text_of};

async fn signed_in() -> Visitor {
    let mut visitor = Visitor::of_shop().await;
    visitor.sign_in().await;
    visitor
}

#[track_caller]
fn contains(html: &str, all: &[&str]) {
    let text = text_of(html);
    for it in all {
        assert!(text.contains(it), "{it:?} is not in: {text}");
    }
}

#[tokio::test]
async fn figures_add_up() {
    let visitor = signed_in().await;
    let html = visitor.page("/admin").await;
    contains(&html, &["Outstanding 239 points", "worth 2.39 USD", "Members 2", "2 new in these days", "Orders 3"]);
    contains(&html, &["Earned with orders +239", "Outstanding now 239", "web 3"]);
    assert!(html.contains("<title id=\"chart-title\">By day: points earned"), "{html}");
    for period in ["90-days", "12-months", "all", "nonsense"] {
        contains(&visitor.page(&format!("/admin?period={period}")).await, &["Outstanding now 239"]);
    }
}

#[tokio::test]
async fn a_new_program_says_what_to_do() {
    let mut visitor = Visitor::new();
    visitor.sign_in().await;
    assert_eq!(visitor.get("/admin").await.header("location"), "/admin/programs", "there is no program yet");
    contains(&visitor.page("/admin/programs").await, &["No program yet"]);
    let visitor = {
        let document = crate::document("");
        let body: serde_json::Value = serde_json::from_str(&format!("{{\"document\": {document}}}")).unwrap();
        visitor.served.send_keyed("POST", "/v1/programs", Some(&body), "first").await;
        visitor
    };
    contains(
        &visitor.page("/admin").await,
        &["Nothing has happened yet", "Make a key", "Sign a member up.", "Send an order"],
    );
    contains(&visitor.page("/admin/members").await, &["No members yet"]);
}

#[tokio::test]
async fn members_are_found_with_and_without_scripts() {
    let visitor = signed_in().await;
    contains(&visitor.page("/admin/members").await, &["2 members, newest first", "Ana Silva", "Bo Li", "230 points"]);
    let found = visitor.page("/admin/members?q=ana").await;
    contains(&found, &["1 found", "Ana Silva"]);
    assert!(!found.contains("Bo Li"));
    contains(&visitor.page("/admin/members?q=00043").await, &["Bo Li", "9 points"]);
    contains(&visitor.page("/admin/members?q=%3Czz%3E").await, &["Nobody found for “&#60;zz&#62;”"]);
    let answer = visitor.ask("GET", "/admin/members?q=ana", &[("hx-request", "true")], String::new()).await;
    assert!(answer.text.trim_start().starts_with("<section id=\"results\""), "{}", answer.text);
    part(&answer.text);
    let headers = [("hx-request", "true"), ("hx-history-restore-request", "true")];
    let answer = visitor.ask("GET", "/admin/members?q=ana", &headers, String::new()).await;
    assert!(answer.text.starts_with("<!doctype html>"), "the whole page when going back");
    assert_eq!(visitor.get("/admin/members?after=nonsense").await.status, 422);
}

#[tokio::test]
async fn a_member_is_shown_with_the_reason_of_every_point() {
    let visitor = signed_in().await;
    let html = visitor.page("/admin/members/customer:00042").await;
    contains(&html, &["Ana Silva", "Can be spent 230 points worth 2.30 USD", "Waiting 0 nothing"]);
    contains(&html, &["Order web 1001: 30 points earned (1 point per 1.00 on 30.98, rounded down)", "+30"]);
    contains(&html, &["22 November 2026 13:21 ", "+200 Balance 230", "+30 Balance 30"]);
    contains(&html, &["Coming expiries", "22 November 2027 230", "last day in 12 months", "1002 200.00", "200 earned"]);
    let answer = visitor.get("/admin/members/customer:99999").await;
    assert_eq!(answer.status, 404);
    contains(&answer.text, &["There is nothing here"]);
    assert_eq!(visitor.get("/admin/members/nonsense").await.status, 404);
}

#[tokio::test]
async fn a_long_history_has_its_balance_on_every_page() {
    let visitor = signed_in().await;
    for number in 0..60 {
        visitor.order(&format!("2{number:03}"), "00043", "10.00").await;
    }
    let path = "/admin/members/customer:00043";
    let html = visitor.page(path).await;
    contains(&html, &["Order web 2059: 10 points earned (1 point per 1.00 on 10.00) +10 Balance 609"]);
    contains(&html, &["the newest 10 of 61", "Older entries"]);
    let second = visitor.page(&format!("{path}?before=37")).await;
    contains(
        &second,
        &["Order web 2034: 10 points earned (1 point per 1.00 on 10.00) +10 Balance 359", "Back to the newest"],
    );
    let last = visitor.page(&format!("{path}?before=12")).await;
    contains(&last, &["+9 Balance 9"]);
    assert!(!last.contains("Older entries"));
    let answer = visitor.ask("GET", &format!("{path}?before=37"), &[("hx-request", "true")], String::new()).await;
    assert!(answer.text.trim_start().starts_with("<tbody>"), "{}", answer.text);
    part(&answer.text);
}

#[tokio::test]
async fn a_program_is_told_in_plain_words() {
    let visitor = signed_in().await;
    contains(
        &visitor.page("/admin/programs").await,
        &["Shop", "1 point per 1.00; 100 points pay 1.00; 12 months", "web"],
    );
    let html = visitor.page("/admin/programs/Shop").await;
    contains(&html, &["A member who pays 30.98 earns 30 points.", "Version 1", "in force", "America/New_York"]);
    contains(&html, &["&#34;currency&#34;: &#34;USD&#34;"]);
    assert_eq!(visitor.get("/admin/programs/Shop?version=9").await.status, 404);
    assert_eq!(visitor.get("/admin/programs/Nowhere").await.status, 404);
}

#[tokio::test]
async fn people_are_shown_pages_and_programs_problems() {
    let visitor = Visitor::new();
    let answer = visitor.get("/nowhere").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(!answer.header("x-request-id").is_empty());
    super::markup::check(&answer.text);
    let answer = visitor.get("/v1/nowhere").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "application/problem+json"));
    let answer = visitor.ask("DELETE", "/admin", &[], String::new()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (405, "text/html; charset=utf-8"));
}

#[tokio::test]
async fn files_are_kept_for_ever() {
    let visitor = Visitor::new();
    let answer = visitor.get(&server::pages::assets::url("app.css")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(visitor.get("/static/0000000000000000/app.css").await.status, 404);
    let answer = visitor.get("/docs").await;
    assert_eq!(answer.status, 200);
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'self';") && !policy.contains("://"),
        "nothing from another host: {policy}"
    );
    part(&answer.text);
}
