//! What holds of every page, read from its markup: it runs only our files, its references lead somewhere, htmx is told
//! where to put things, and nothing that somebody typed becomes markup.

use std::collections::BTreeSet;

use super::samples::STRANGE;

/// A tag with its attributes; enough of HTML for what our templates write.
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.pairs().into_iter().find(|it| it.0 == name).map(|it| it.1)
    }

    fn pairs(&self) -> Vec<(&'a str, &'a str)> {
        let mut pairs = Vec::new();
        let mut rest = self.attributes.trim_start();
        while !rest.is_empty() {
            let end = rest.find(|it: char| it == '=' || it.is_whitespace()).unwrap_or(rest.len());
            let name = &rest[..end];
            rest = &rest[end..];
            let mut value = "";
            if let Some(quoted) = rest.strip_prefix('=') {
                let quote = quoted.chars().next().expect("a quote");
                assert!(quote == '"' || quote == '\'', "attributes are quoted: {}", self.attributes);
                let (inside, after) = quoted[1..].split_once(quote).expect("a closing quote");
                (value, rest) = (inside, after);
            }
            if !name.is_empty() && name != "/" {
                pairs.push((name, value));
            }
            rest = rest.trim_start();
        }
        pairs
    }
}

/// The opening tags of a page in order.
pub(crate) fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if !rest.starts_with(|it: char| it.is_ascii_alphabetic()) {
            continue;
        }
        let mut quote = None;
        let end = rest.find(|it: char| match quote {
            Some(open) => {
                if it == open {
                    quote = None;
                }
                false
            }
            None if it == '"' || it == '\'' => {
                quote = Some(it);
                false
            }
            None => it == '>',
        });
        let inside = &rest[..end.expect("a tag ends")];
        let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        tags.push(Tag { name: name.trim_end_matches('/'), attributes: attributes.trim_end_matches('/') });
    }
    tags
}

/// Holds a whole page against all rules.
#[track_caller]
pub(crate) fn check(html: &str) {
    assert!(html.starts_with("<!doctype html>"), "a whole page: {html}");
    let tags = tags(html);
    assert_eq!(tags.iter().filter(|it| it.name == "h1").count(), 1, "one heading of the first order");
    part(html);
    let ids: Vec<&str> = tags.iter().filter_map(|it| it.get("id")).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "ids are unique: {ids:?}");
    for tag in &tags {
        for name in ["for", "aria-labelledby", "aria-describedby", "list", "data-copy"] {
            for id in tag.get(name).unwrap_or_default().split_whitespace() {
                assert!(unique.contains(id), "{name} leads to {id}, which is not there");
            }
        }
        let inside = tag.get("href").or(tag.get("hx-target")).and_then(|it| it.strip_prefix('#'));
        assert!(inside.is_none_or(|it| unique.contains(it)), "a link leads to {inside:?}, which is not there");
    }
}

/// Holds a page or a part of one against the rules that concern both.
#[track_caller]
pub(crate) fn part(html: &str) {
    assert!(!html.contains(STRANGE), "what was typed became markup");
    for tag in tags(html) {
        let attributes: Vec<&str> = tag.pairs().into_iter().map(|it| it.0).collect();
        let runs = attributes.iter().find(|it| it.starts_with("on") || **it == "style");
        assert_eq!(runs, None, "the policy of the pages refuses it on {}", tag.name);
        assert!(tag.name != "style" && (tag.name != "script" || tag.get("src").is_some()), "no inline {}", tag.name);
        for name in ["src", "href", "action", "hx-get", "hx-post"] {
            let to = tag.get(name).unwrap_or("/");
            let is_ours = ["/", "#", "?"].iter().any(|it| to.starts_with(it)) && !to.starts_with("//");
            assert!(is_ours, "{name} of {} leads elsewhere: {to}", tag.name);
        }
        if attributes.contains(&"hx-get") || attributes.contains(&"hx-post") {
            assert!(tag.get("hx-target").is_some() && tag.get("hx-swap").is_some(), "htmx is told where and how");
        }
        if matches!(tag.name, "input" | "select") && !matches!(tag.get("type"), Some("hidden")) {
            let id = tag.get("id").expect("a field has an id");
            assert!(html.contains(&format!("<label for=\"{id}\"")), "{id} has a label");
        }
    }
}

#[test]
fn tags_are_read_with_their_attributes() {
    let html = r##"<a href="/x" title='a > "b"' hidden>text</a><br/><svg><use href="#i"/></svg>"##;
    let tags = tags(html);
    assert_eq!(tags.iter().map(|it| it.name).collect::<Vec<_>>(), ["a", "br", "svg", "use"]);
    assert_eq!(tags[0].pairs(), [("href", "/x"), ("title", "a > \"b\""), ("hidden", "")]);
    assert_eq!(tags[3].get("href"), Some("#i"));
}

#[test]
#[should_panic(expected = "no inline script")]
fn an_inline_script_is_seen() {
    part("<script>alert(1)</script>");
}

#[test]
#[should_panic(expected = "refuses it on p")]
fn an_inline_style_is_seen() {
    part("<p style=\"color: red\">");
}

#[test]
#[should_panic(expected = "leads elsewhere")]
fn a_foreign_file_is_seen() {
    part("<img src=\"https://example.org/x.png\">");
}
