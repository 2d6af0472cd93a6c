//! Every template with made-up content. With `GUERDON_PAGES=folder` the pages are written there, to be looked at.

use std::path::Path;

use askama::Template as _;
use server::pages::assets::{ASSETS, url};
use server::pages::errors::ErrorPage;

use super::markup::{check, part};
use super::samples;

/// Every page by name.
fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("figures", samples::figures().render()),
        ("figures-new", samples::figures_new().render()),
        ("figures-quiet", samples::figures_quiet().render()),
        ("members", samples::members().render()),
        ("members-none", samples::members_none().render()),
        ("members-new", samples::members_new().render()),
        ("member", samples::member().render()),
        ("member-empty", samples::member_empty().render()),
        ("programs", samples::programs().render()),
        ("program", samples::program().render()),
        ("keys", samples::keys().render()),
        ("keys-refused", samples::keys_refused().render()),
        ("key-made", samples::key_made().render()),
        ("key-revoke", samples::key_revoke().render()),
        ("sign-in", samples::sign_in(false, Some("There is no such key, or it was revoked.")).render()),
        ("sign-in-demo", samples::sign_in(true, None).render()),
        ("set-up", samples::set_up().render()),
        ("set-up-refused", samples::set_up_refused().render()),
        ("set-up-done", samples::set_up_done().render()),
        ("link", samples::link().render()),
        ("error-403", ErrorPage::of(403, None).render()),
        ("error-404", ErrorPage::of(404, None).render()),
        ("error-500", ErrorPage::of(500, Some("0123456789".to_owned())).render()),
        ("error-503", ErrorPage::of(503, None).render()),
    ]
}

#[test]
fn every_page_keeps_the_rules() {
    for (name, page) in pages() {
        let html = page.unwrap_or_else(|error| panic!("{name}: {error}"));
        check(&html);
        if let Ok(folder) = std::env::var("GUERDON_PAGES") {
            write(Path::new(&folder), &format!("{name}.html"), html.as_bytes());
        }
    }
    if let Ok(folder) = std::env::var("GUERDON_PAGES") {
        for asset in ASSETS {
            write(Path::new(&folder), url(asset.name).trim_start_matches('/'), asset.bytes);
        }
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder can be made");
    std::fs::write(path, bytes).expect("the page can be written");
}

#[test]
fn parts_keep_the_rules_too() {
    for html in [
        samples::members().as_results().render(),
        samples::members_none().as_results().render(),
        samples::entries_part().render(),
        samples::set_up().as_words().render(),
    ] {
        let html = html.unwrap();
        assert!(html.contains('<') && !html.contains("<!doctype"), "a part is something, and no page: {html}");
        part(&html);
    }
}

#[test]
fn each_menu_says_where_it_is() {
    for (page, current) in [
        (samples::figures().render(), "Figures"),
        (samples::members().render(), "Members"),
        (samples::program().render(), "Programs"),
        (samples::keys().render(), "Keys"),
    ] {
        let html = page.unwrap();
        let marked: Vec<&str> = html.split("aria-current=\"page\"").skip(1).collect();
        assert_eq!(marked.len(), 1);
        let (_, label) = marked[0].split_once("</svg>").unwrap();
        assert!(label.starts_with(current), "{label}");
    }
    assert!(!samples::sign_in(false, None).render().unwrap().contains("<nav"), "no menu before signing in");
}

#[test]
fn what_was_typed_is_shown_as_text() {
    let html = samples::members_none().render().unwrap();
    assert!(html.contains("Nobody found for “&#60;b&#62;O&#39;Brien"), "{html}");
    let html = samples::member().render().unwrap();
    assert!(html.contains("500 points added by staff: &#60;b&#62;sorry&#60;/b&#62;"));
}
