//! What every page shares: its title, where in the menu it stands, and who looks at it.

use super::assets;

/// The entries of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Figures,
    Members,
    Programs,
    Keys,
}

/// Who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visitor {
    /// Whether this is the sample shop, which anybody may enter.
    pub is_demo: bool,
    /// Proves that a form came from one of our pages.
    pub csrf: String,
}

/// The frame of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shell {
    pub title: String,
    pub section: Option<Section>,
    /// Nobody on the pages that come before signing in.
    pub visitor: Option<Visitor>,
    /// The program that the page is about; links in the menu keep it.
    pub program: Option<String>,
    /// Done just now: "The key was revoked."
    pub notice: Option<String>,
}

impl Shell {
    pub fn is_in(&self, section: &str) -> bool {
        let name = match self.section {
            Some(Section::Figures) => "figures",
            Some(Section::Members) => "members",
            Some(Section::Programs) => "programs",
            Some(Section::Keys) => "keys",
            None => "",
        };
        name == section
    }

    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    /// The query that keeps the program: "?program=Sample%20shop", or nothing.
    pub fn keep(&self) -> String {
        self.program.as_deref().map_or_else(String::new, |it| format!("?program={}", encoded(it)))
    }

    pub fn csrf(&self) -> &str {
        self.visitor.as_ref().map_or("", |it| it.csrf.as_str())
    }
}

/// A text as a part of an address: everything but letters, digits and `-_.~` is written as bytes.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

/// One of several pages to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub label: String,
    pub href: String,
    pub is_current: bool,
}
