//! Forms: signing in and out, keys, setting up, and what is refused.

use store::Scopes;

use super::markup::{check, tags};
use super::visitor::{Visitor, text_of};
use crate::served::ADMIN;

const TILL: &str = "gdn_1111111111111111111111111111111111111111";

#[tokio::test]
async fn only_an_admin_key_signs_in() {
    let mut visitor = Visitor::of_shop().await;
    let answer = visitor.get("/admin/keys").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in?next=%2Fadmin%2Fkeys"));
    visitor.served.add_key(TILL, Scopes::ORDERS);
    for (key, fault) in [("gdn_wrong", "There is no such key"), (TILL, "needs one with the scope admin")] {
        let answer = visitor.send("/sign-in", &[("key", key)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.header("set-cookie").is_empty());
        assert!(answer.text.contains(fault) && !answer.text.contains(key), "{}", answer.text);
    }
    let answer = visitor.send("/sign-in", &[("key", &format!(" {ADMIN} ")), ("next", "/admin/keys")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/admin/keys"));
    visitor.keep(&answer);
    visitor.page("/admin/keys").await;
    assert_eq!(visitor.get("/sign-in?next=//example.org").await.header("location"), "/admin");
    let csrf = visitor.csrf().await;
    assert_eq!(visitor.send("/sign-out", &[("csrf", &csrf)]).await.header("location"), "/sign-in");
    assert_eq!(visitor.get("/admin/keys").await.status, 303, "the session has ended");
}

#[tokio::test]
async fn whoever_signed_in_with_a_key_is_signed_out_with_it() {
    let mut visitor = Visitor::of_shop().await;
    visitor.served.add_key(TILL, Scopes::ADMIN);
    let answer = visitor.send("/sign-in", &[("key", TILL)]).await;
    visitor.keep(&answer);
    visitor.page("/admin/keys").await;
    assert_eq!(visitor.served.send("DELETE", "/v1/keys/2", None).await.status, 204);
    let answer = visitor.get("/admin/keys").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in?next=%2Fadmin%2Fkeys"));
    visitor.sign_in().await;
    visitor.page("/admin/keys").await;
}

#[tokio::test]
async fn the_sample_shop_is_entered_only_where_it_is() {
    let visitor = Visitor::of_shop().await;
    let answer = visitor.send("/sign-in/demo", &[]).await;
    assert!(answer.header("set-cookie").is_empty(), "this is no sample shop");
    assert!(!visitor.page("/sign-in").await.contains("sample shop"));
}

/// A name of somebody else's may point at this machine: the page behind it would be let in by its own browser.
#[tokio::test]
async fn the_sample_shop_is_entered_under_its_own_names() {
    let visitor = Visitor::of_demo();
    let enter = async |host: &str| {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("host", host)];
        visitor.ask("POST", "/sign-in/demo", &headers, String::new()).await
    };
    for ours in ["localhost:7070", "127.0.0.1:7070", "[::1]:7070"] {
        let answer = enter(ours).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/admin"), "{ours}");
        assert!(!answer.header("set-cookie").is_empty());
    }
    let answer = enter("example.org:7070").await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, ""));
    check(&answer.text);
}

/// A proxy says `Host: 127.0.0.1:7070`, whatever the browser was told.
#[tokio::test]
async fn forms_are_believed_from_the_public_address() {
    let visitor = Visitor::at("https://points.example.com");
    let enter = async |origin: &str, host: &str| {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let headers = [kind, ("origin", origin), ("host", host), ("sec-fetch-site", "same-origin")];
        visitor.ask("POST", "/sign-in", &headers, format!("key={ADMIN}")).await
    };
    let answer = enter("https://points.example.com", "127.0.0.1:7070").await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(answer.header("set-cookie").starts_with("__Host-guerdon="));
    for (origin, host) in [
        ("http://points.example.com", "points.example.com"),
        ("https://example.org", "example.org"),
        ("http://localhost:7070", "localhost:7070"),
        ("null", "points.example.com"),
    ] {
        assert_eq!(enter(origin, host).await.status, 403, "{origin}");
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_are_pages_too() {
    let mut visitor = Visitor::of_shop().await;
    visitor.sign_in().await;
    for (path, status) in [
        ("/admin/keys/abc/revoke", 404),
        ("/admin/keys/99999999999/revoke", 404),
        ("/admin/members/%ff", 400),
        ("/admin/programs/%ff", 400),
        ("/set-up/%ff", 400),
    ] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        check(&answer.text);
    }
    let csrf = visitor.csrf().await;
    assert_eq!(visitor.send("/admin/keys/abc/revoke", &[("csrf", &csrf)]).await.status, 404);
}

#[tokio::test]
async fn no_address_to_go_on_to_breaks_the_answer() {
    let visitor = Visitor::of_shop().await;
    for next in ["/admin/\r\nset-cookie: x=y", "/admin/\u{e4}", "//example.org", "/admin/\u{0}"] {
        let answer = visitor.send("/sign-in", &[("key", ADMIN), ("next", next)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/admin"), "{next:?}");
    }
}

#[tokio::test]
async fn a_key_is_made_shown_once_and_revoked() {
    let mut visitor = Visitor::of_shop().await;
    visitor.sign_in().await;
    let csrf = visitor.csrf().await;
    let fields = [("csrf", csrf.as_str()), ("name", "Till <2>"), ("scope", "orders"), ("scope", "read")];
    let answer = visitor.send("/admin/keys", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    check(&answer.text);
    let tags = tags(&answer.text);
    let secret =
        tags.iter().find(|it| it.get("id") == Some("secret")).and_then(|it| it.get("value")).unwrap().to_owned();
    assert!(secret.starts_with("gdn_") && secret.len() == 44, "{secret}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let list = visitor.page("/admin/keys").await;
    let text = text_of(&list);
    assert!(!list.contains(&secret) && text.contains("Till &#60;2&#62; read orders"), "{text}");
    let ask = tags_href(&list, "/revoke");
    let page = visitor.page(&ask).await;
    assert!(text_of(&page).contains("Revoke “Till &#60;2&#62;”?"));
    assert_eq!(visitor.send(&ask, &[("csrf", "wrong")]).await.status, 403);
    let answer = visitor.send(&ask, &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let text = text_of(&visitor.page(answer.header("location")).await);
    assert!(text.contains("The key was revoked") && text.contains("revoked 22 November 2026"), "{text}");
    assert_eq!(visitor.get(&ask).await.status, 404, "it is revoked already");
}

/// The first link with that end.
fn tags_href(html: &str, end: &str) -> String {
    let tags = tags(html);
    let mut hrefs = tags.iter().filter_map(|it| it.get("href"));
    hrefs.find(|it| it.ends_with(end)).expect(end).to_owned()
}

#[tokio::test]
async fn a_key_needs_a_name_and_a_scope() {
    let mut visitor = Visitor::of_shop().await;
    visitor.sign_in().await;
    let csrf = visitor.csrf().await;
    for (fields, fault) in [
        ([("name", ""), ("scope", "read")], "Give the key a name"),
        ([("name", "Till"), ("scope", "nonsense")], "Choose at least one thing"),
        ([("name", &*"x".repeat(121)), ("scope", "read")], "too long"),
        ([("name", "a\nb"), ("scope", "read")], "name"),
    ] {
        let all = [("csrf", csrf.as_str()), fields[0], fields[1]];
        let answer = visitor.send("/admin/keys", &all).await;
        assert_eq!(answer.status, 422, "{fields:?}");
        check(&answer.text);
        assert!(answer.text.contains(fault), "{fault}: {}", text_of(&answer.text));
    }
}

#[tokio::test]
async fn forms_of_other_pages_are_refused() {
    let mut visitor = Visitor::of_shop().await;
    visitor.sign_in().await;
    let csrf = visitor.csrf().await;
    let body = format!("csrf={csrf}&name=x&scope=read");
    for foreign in [("sec-fetch-site", "cross-site"), ("origin", "https://example.org")] {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("host", "localhost:7070"), foreign];
        let answer = visitor.ask("POST", "/admin/keys", &headers, body.clone()).await;
        assert_eq!(answer.status, 403);
        check(&answer.text);
        assert!(answer.text.contains("This form was not sent by a page of this server"), "{}", answer.text);
    }
}

const ANSWERS: [(&str, &str); 9] = [
    ("name", "Bookshop"),
    ("one", "star"),
    ("many", "stars"),
    ("currency", "EUR"),
    ("time_zone", "Europe/Berlin"),
    ("earn", "0.5"),
    ("worth", "1.00"),
    ("months", ""),
    ("channel", "web"),
];

#[tokio::test]
async fn a_new_database_is_set_up_once() {
    let mut visitor = Visitor::new();
    let link = visitor.served.app.open_link().await.expect("a link");
    let path = link.strip_prefix("http://localhost:7070").expect("our address").to_owned();
    assert!(visitor.page(&path).await.contains("Welcome."));
    let answer = visitor.send(&format!("{path}/words"), &ANSWERS).await;
    assert!(answer.text.contains("An order earns 5 stars per 10.00"), "{}", answer.text);
    let mut wrong = ANSWERS;
    wrong[5].1 = "many";
    let answer = visitor.send(&path, &wrong).await;
    assert_eq!(answer.status, 422);
    check(&answer.text);
    assert!(text_of(&answer.text).contains("“many” is no number of points"));
    let answer = visitor.send(&path, &ANSWERS).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    check(&answer.text);
    visitor.keep(&answer);
    let text = text_of(&answer.text);
    assert!(text.contains("Bookshop is ready") && answer.text.contains("value=\"gdn_"), "{text}");
    assert!(text_of(&visitor.page("/admin").await).contains("Nothing has happened yet"));
    assert!(text_of(&visitor.page("/admin/keys").await).contains("First key"));
    let again = Visitor { cookie: String::new(), ..visitor };
    let answer = again.send(&path, &ANSWERS).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text.contains("This link is unknown, was used before"), "{}", answer.text);
}

#[tokio::test]
async fn a_link_signs_in_where_all_is_set_up() {
    let mut visitor = Visitor::of_shop().await;
    let link = visitor.served.app.open_link().await.expect("a link");
    let path = link.strip_prefix("http://localhost:7070").expect("our address").to_owned();
    assert!(visitor.page(&path).await.contains("This link signs this browser in, once."));
    let answer = visitor.send(&path, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/admin"));
    visitor.keep(&answer);
    visitor.page("/admin").await;
}
