//! Views with made-up content: each page full, empty, and with what is long or strange.

use server::pages::admin::figures::{ChannelLine, FiguresPage, FirstSteps, Line, Tile};
use server::pages::admin::keys::{KeyMadePage, KeyRevokePage, KeyRow, KeysPage, ScopeBox};
use server::pages::admin::member::value::ValueRow;
use server::pages::admin::member::{BalanceTile, EntriesPart, EntryRow, Expiry, HoldRow, LotRow, MemberPage, OrderRow};
use server::pages::admin::members::{IdentityLabel, MemberRow, MembersPage};
use server::pages::admin::programs::{ChannelRow, Fact, ProgramPage, ProgramRow, ProgramsPage, VersionRow};
use server::pages::chart::{Band, Chart, Series, Side};
use server::pages::set_up::{CurrencyChoice, SetUpDonePage, SetUpForm, SetUpPage};
use server::pages::shell::{Choice, Section, Shell, Visitor};
use server::pages::sign_in::SignInPage;

/// What no template may let through as it stands.
pub(crate) const STRANGE: &str = "<b>O'Brien & \"Söhne\"</b>";

fn text(text: &str) -> String {
    text.to_owned()
}

pub(crate) fn shell(title: &str, section: Section) -> Shell {
    let visitor = Visitor { is_demo: true, csrf: text("csrf-0123456789") };
    Shell { title: text(title), section: Some(section), visitor: Some(visitor), ..Shell::default() }
}

fn choice(label: &str, href: &str, is_current: bool) -> Choice {
    Choice { label: text(label), href: text(href), is_current }
}

pub(crate) fn chart(bands: usize, size: i64) -> Chart {
    let series = [
        ("Earned", "earned", Side::Above),
        ("Redeemed", "redeemed", Side::Below),
        ("Expired", "expired", Side::Below),
        ("Taken back", "revoked", Side::Below),
    ];
    let series = series.map(|(name, tone, side)| Series { name, tone, side });
    let wave = |index: usize, of: i64| {
        let index = i64::try_from(index).unwrap();
        size * (40 + (index * 37 + of * 53) % 61) / 100
    };
    let band = |index: usize| Band {
        label: format!("{} Nov", index + 1),
        name: format!("{} November 2026", index + 1),
        values: vec![wave(index, 1), wave(index, 2) / 3, wave(index, 3) / 6, wave(index, 4) / 20],
    };
    Chart {
        title: text("Points earned, redeemed, expired and taken back, by day"),
        description: text("Each day from 24 October to 22 November 2026."),
        series: series.to_vec(),
        bands: (0..bands).map(band).collect(),
    }
}

pub(crate) fn figures() -> FiguresPage {
    let chart = chart(30, 4_200);
    let tile = |label, value: &str, unit: &str, note: &str, is_first| Tile {
        label,
        value: text(value),
        unit: text(unit),
        note: text(note),
        is_first,
    };
    let line = |label: &str, value: &str, tone, is_sum| Line { label: text(label), value: text(value), tone, is_sum };
    let channel = |name: &str, orders: &str, share: &str| ChannelLine {
        name: text(name),
        orders: text(orders),
        share: text(share),
        issued: text("61,204"),
        redeemed: text("18,950"),
        revoked: text("1,204"),
        expired: text("0"),
    };
    FiguresPage {
        shell: shell("Figures", Section::Figures),
        programs: Vec::new(),
        program: text("Sample shop"),
        periods: vec![
            choice("30 days", "/admin", true),
            choice("90 days", "/admin?period=90-days", false),
            choice("12 months", "/admin?period=12-months", false),
            choice("All", "/admin?period=all", false),
        ],
        span: text("24 October to 22 November 2026"),
        word: text("points"),
        is_new: false,
        first: FirstSteps { sign_up: text("curl … -d '{…}'"), order: text(STRANGE) },
        tiles: vec![
            tile("Outstanding", "1,204,318", "points", "worth 12,043.18 USD", true),
            tile("Members", "23,570", "", "312 new in these days", false),
            tile("Orders", "1,846", "", "8% more than the 30 days before", false),
            tile("Redeemed of issued", "31%", "", "38,120 of 122,408", false),
            tile("Owed", "1,310", "points", "by members whose returns took more than they had", false),
        ],
        drawing: chart.drawing(),
        chart,
        promise: text("1,204,318 points outstanding would pay 12,043.18 USD."),
        statement: vec![
            line("Outstanding on 24 October", "1,132,640", "", true),
            line("Earned with orders", "+121,908", "earned", false),
            line("Added by staff", "+500", "", false),
            line("Redeemed", "−38,120", "redeemed", false),
            line("Taken back", "−2,410", "revoked", false),
            line("Expired", "−10,200", "expired", false),
            line("Outstanding on 22 November", "1,204,318", "", true),
        ],
        channels: vec![
            channel("web", "1,204", "65.000%"),
            channel("till-1", "512", "28.000%"),
            channel("phone", "130", "7.000%"),
        ],
    }
}

pub(crate) fn figures_new() -> FiguresPage {
    let chart = chart(30, 0);
    FiguresPage {
        is_new: true,
        drawing: None,
        chart,
        tiles: Vec::new(),
        statement: Vec::new(),
        channels: Vec::new(),
        ..figures()
    }
}

pub(crate) fn figures_quiet() -> FiguresPage {
    let programs =
        vec![choice("Sample shop", "/admin", true), choice("Staff club", "/admin?program=Staff%20club", false)];
    FiguresPage { drawing: None, channels: Vec::new(), programs, ..figures() }
}

fn identity(kind: &'static str, icon: &'static str, value: &str) -> IdentityLabel {
    IdentityLabel { icon, kind, value: text(value) }
}

fn identities() -> Vec<IdentityLabel> {
    vec![
        identity("Customer", "customer", "00042"),
        identity("Card", "card", "6001 2345 6789"),
        identity("E-mail", "email", "maya.lindqvist@example.org"),
        identity("Phone", "phone", "+46 70 123 45 67"),
    ]
}

pub(crate) fn members() -> MembersPage {
    let row = |name: &str, initials: &str, identities: Vec<IdentityLabel>, balance: Option<&str>| MemberRow {
        href: text("/admin/members/mem_1"),
        name: text(name),
        initials: text(initials),
        identities,
        balance: balance.map(text),
        word: text("points"),
        worth: text("worth 12.50 USD"),
        owed: None,
    };
    let owing = MemberRow {
        owed: Some(text("40")),
        ..row("Member without a name", "", vec![identity("Card", "card", "6001 0000 0001")], Some("0"))
    };
    MembersPage {
        shell: shell("Members", Section::Members),
        programs: Vec::new(),
        program: text("Sample shop"),
        query: String::new(),
        summary: text("23,570 members, newest first"),
        members: vec![
            row("Maya Lindqvist", "ML", identities(), Some("1,250")),
            row(STRANGE, "OS", vec![identity("Customer", "customer", "00043")], Some("98")),
            owing,
            row("Aleksandra Konstantinopolitańczykowianeczka-Wolfeschlegelsteinhausen", "AK", identities(), None),
            row("Jo", "J", vec![identity("Phone", "phone", "+1 212 555 0100")], Some("1,250,000")),
        ],
        next: Some(text("/admin/members?after=x")),
        all: text("/admin/members"),
        is_new: false,
    }
}

pub(crate) fn members_none() -> MembersPage {
    MembersPage { query: text(STRANGE), summary: text("Nobody found"), members: Vec::new(), next: None, ..members() }
}

pub(crate) fn members_new() -> MembersPage {
    MembersPage { summary: text("No members yet"), members: Vec::new(), next: None, is_new: true, ..members() }
}

/// Day, time, icon and tone, words, change, balance: newest first.
type Told = (&'static str, &'static str, [&'static str; 2], &'static str, &'static str, &'static str);
const ENTRIES: [Told; 7] = [
    ("22 November 2026", "13:21", ["hold", "held"], HELD, "−200", "1,250"),
    ("21 November 2026", "09:02", ["earn", "earned"], WAITS, "", "1,450"),
    ("14 November 2026", "17:45", ["redeem", "redeemed"], REDEEMED, "−250", "1,450"),
    ("2 November 2026", "11:10", ["back", "revoked"], TAKEN_BACK, "−40", "1,700"),
    ("1 November 2026", "00:00", ["expire", "expired"], "120 points expired (earned 31 October 2025)", "−120", "1,740"),
    ("20 October 2026", "15:00", ["adjust", "earned"], ADDED, "+500", "1,860"),
    ("12 October 2026", "12:30", ["earn", "earned"], "Order web 1007: 100 points earned", "+100", "1,360"),
];
const HELD: &str = "Hold 3: 200 points held for a checkout for 15 minutes, until 13:36";
const WAITS: &str =
    "Order web 1009: 64 points earned (1 point per 1.00 on 64.90, rounded down); can be spent from 5 December 2026";
const REDEEMED: &str = "Order till-1 A-2203: 250 points redeemed (earned 12 October 2026), worth 25.00";
const TAKEN_BACK: &str = "Order web 1007: 40 points taken back (earned 12 October 2026): it now calls for 60 (1 point per 1.00 on 60.00), it \
     had earned 100";
const ADDED: &str = "500 points added by staff: <b>sorry</b> for the late parcel, to be spent until 20 October 2027";

fn entries() -> Vec<EntryRow> {
    let entry = |(day, time, [icon, tone], words, change, balance): Told| EntryRow {
        day: text(day),
        time: text(time),
        datetime: text("2026-11-22T18:21:00Z"),
        icon,
        tone,
        words: text(words),
        change: text(change),
        balance: text(balance),
    };
    ENTRIES.map(entry).to_vec()
}

fn expiries() -> Vec<Expiry> {
    let expiry = |last_day: &str, distance: &str, points: &str, share: &str, is_soon| Expiry {
        last_day: text(last_day),
        distance: text(distance),
        points: text(points),
        share: text(share),
        is_soon,
    };
    vec![
        expiry("4 December 2026", "in 12 days", "350", "43.750%", true),
        expiry("31 March 2027", "in 4 months", "300", "37.500%", false),
        expiry("20 October 2027", "in 11 months", "800", "100.000%", false),
    ]
}

fn lots() -> Vec<LotRow> {
    let lot = |points: &str, remark: &str, [earned, from, last]: [&str; 3], order: &str| LotRow {
        points: text(points),
        remark: text(remark),
        earned: text(earned),
        from: text(from),
        last_day: text(last),
        order: text(order),
    };
    vec![
        lot("350", "200 of them held", ["4 December 2025", "4 December 2025", "4 December 2026"], "web 1001"),
        lot("300", "", ["31 March 2026", "31 March 2026", "31 March 2027"], "web 1004"),
        lot("64", "waiting", ["21 November 2026", "5 December 2026", "5 December 2027"], "web 1009"),
        lot("800", "", ["20 October 2026", "20 October 2026", "20 October 2027"], "by staff or for an activity"),
    ]
}

fn value(told: &str, value: &str, is_over: bool) -> ValueRow {
    ValueRow { told: text(told), value: text(value), is_over }
}

fn orders() -> Vec<OrderRow> {
    let order = |reference: &str, placed: &str, amount: &str, earned: &str, redeemed: Option<&str>| OrderRow {
        reference: text(reference),
        channel: text("web"),
        placed: text(placed),
        amount: text(amount),
        state: "paid",
        earned: text(earned),
        redeemed: redeemed.map(text),
    };
    vec![
        order("1009", "21 Nov 2026", "64.90", "64 earned", None),
        order("A-2203", "14 Nov 2026", "110.00", "85 earned", Some("250 redeemed")),
        order("1007", "12 Oct 2026", "100.00", "60 earned", None),
    ]
}

pub(crate) fn member() -> MemberPage {
    let tile = |label, value: &str, note: &str| BalanceTile {
        label,
        value: text(value),
        note: text(note),
        is_zero: value == "0",
        is_bad: false,
    };
    MemberPage {
        shell: shell("Maya Lindqvist", Section::Members),
        programs: Vec::new(),
        program: text("Sample shop"),
        id: text("mem_01jd8wq2m5e9ct5v3kq4z8r7bn"),
        name: text("Maya Lindqvist"),
        initials: text("ML"),
        identities: identities(),
        facts: vec!["Customer type wholesale".to_owned(), "born 29 February 1992".to_owned()],
        as_of: text("22 November 2026, 13:21 (America/New_York)"),
        many: text("points"),
        spendable_label: "Can be spent",
        spendable: text("1,250"),
        spendable_word: text("points"),
        worth: text("worth 125.00 USD"),
        closed: None,
        tier: vec![text("Tier Gold until 31 December 2027."), text("388.00 more reach Platinum.")],
        balances: vec![
            tile("Waiting", "64", "next on 5 December"),
            tile("Held", "200", "1 checkout"),
            tile("Owed", "0", "nothing"),
        ],
        expiries: expiries(),
        never: None,
        holds: vec![HoldRow { number: text("3"), points: text("200"), until: text("13:36") }],
        credit: vec![value("Can be spent", "8.00 USD", false)],
        certificates: vec![
            value("Given 20 October 2026, until 20 October 2027", "17.50 USD of 25.00", false),
            value("Given 1 March 2026, used up", "25.00 USD", true),
        ],
        more_certificates: None,
        rewards: vec![
            value("Mug: claimed 20 October 2026, to be handed over", "500 points", false),
            value("10 off: claimed 1 March 2026, certificate 1", "1,000 points", true),
        ],
        more_rewards: None,
        lots: lots(),
        orders: orders(),
        more_orders: Some(text("the newest 3 of 17")),
        entries: entries(),
        older: Some(text("/admin/members/mem_1?before=12")),
        newest: None,
    }
}

pub(crate) fn member_empty() -> MemberPage {
    let zero = |label| BalanceTile { label, value: text("0"), note: text("nothing"), is_zero: true, is_bad: false };
    MemberPage {
        name: text(STRANGE),
        initials: text("OS"),
        identities: vec![identity("Customer", "customer", STRANGE)],
        facts: vec![STRANGE.to_owned()],
        spendable_label: "Suspended",
        spendable: text("0"),
        worth: text("worth 0.00 USD"),
        closed: Some(text("Closed since 2 March 2022: its points cannot be spent, and are kept until 1 April 2022.")),
        tier: Vec::new(),
        balances: vec![zero("Waiting"), zero("Held"), zero("Owed")],
        expiries: Vec::new(),
        holds: Vec::new(),
        credit: Vec::new(),
        certificates: Vec::new(),
        rewards: Vec::new(),
        lots: Vec::new(),
        orders: Vec::new(),
        more_orders: None,
        entries: Vec::new(),
        older: None,
        ..member()
    }
}

pub(crate) fn programs() -> ProgramsPage {
    let row = |name: &str, is_on| ProgramRow {
        name: text(name),
        href: text("/admin/programs/Sample%20shop"),
        is_on,
        summary: text("1 point per 1.00 USD; 250 points pay 25.00; 12 months"),
        channels: text("web, till-1, phone"),
    };
    ProgramsPage {
        shell: shell("Programs", Section::Programs),
        programs: vec![row("Sample shop", true), row(STRANGE, false)],
    }
}

pub(crate) fn program() -> ProgramPage {
    let fact = |label, value: &str| Fact { label, value: text(value) };
    let version = |number: &str, effective: &str, state: &str, is_in_force| VersionRow {
        number: text(number),
        href: text("?version=1"),
        effective: text(effective),
        state: text(state),
        is_in_force,
        is_shown: is_in_force,
    };
    let channel = |name: &str| ChannelRow { name: text(name), id: text("chn_01jd8wq2m5e9ct5v3kq4z8r7bn") };
    ProgramPage {
        shell: shell("Sample shop", Section::Programs),
        name: text("Sample shop"),
        id: text("prg_01jd8wq2m5e9ct5v3kq4z8r7bn"),
        is_on: true,
        switch: text("since 1 April 2022"),
        facts: vec![
            fact("Earns", "1 point per 1.00"),
            fact("Pays", "250 points = 25.00"),
            fact("Lasts", "12 months"),
            fact("Counts in", "USD, America/New_York"),
        ],
        sentences: include_str!("../plain/sample.txt").lines().skip(1).map(text).collect(),
        shown: text("version 2, in force"),
        versions: vec![
            version("3", "1 January 2027, 00:00", "later", false),
            version("2", "1 August 2022, 00:00", "in force", true),
            version("1", "1 April 2022, 00:00", "before", false),
        ],
        channels: vec![channel("web"), channel("till-1")],
        document: text("{\n  \"format\": 1,\n  \"name\": \"<Sample> shop\",\n  \"currency\": \"USD\"\n}"),
    }
}

fn scopes() -> Vec<ScopeBox> {
    let scope = |name, label, help, is_checked| ScopeBox { name, label, help, is_checked };
    vec![
        scope("read", "Read", "Look at members, balances, orders and figures.", true),
        scope("orders", "Orders", "Record orders, hold and redeem points: what a shop or till needs.", true),
        scope("members", "Members", "Add members and change their names and identities.", false),
        scope("adjust", "Adjust", "Add or deduct points by hand.", false),
        scope("admin", "Everything", "All of the above, new keys and these pages.", false),
    ]
}

pub(crate) fn keys() -> KeysPage {
    let key = |name: &str, scopes: &[&'static str], ending: &str, revoked: Option<&str>, revoke: Option<&str>| KeyRow {
        name: text(name),
        scopes: scopes.to_vec(),
        ending: text(ending),
        created: text("12 October 2026"),
        revoked: revoked.map(text),
        revoke: revoke.map(text),
    };
    KeysPage {
        shell: shell("Keys", Section::Keys),
        keys: vec![
            key("First key", &["admin"], "9f3a", None, None),
            key("Web shop", &["read", "orders"], "k2m7", None, Some("/admin/keys/2/revoke")),
            key(STRANGE, &["orders"], "x0x0", Some("1 November 2026"), None),
        ],
        scopes: scopes(),
        name: String::new(),
        fault: None,
    }
}

pub(crate) fn keys_refused() -> KeysPage {
    let fault = Some(text("Choose at least one thing that the key may do."));
    KeysPage { keys: Vec::new(), name: text(STRANGE), fault, ..keys() }
}

const CURL: &str =
    "curl -H \"Authorization: Bearer gdn_7q2mzk4v5e9ct5v3kq4z8r7bn7q2mzk4v5e9ct5v3\" http://localhost:7070/v1/programs";
const SECRET: &str = "gdn_7q2mzk4v5e9ct5v3kq4z8r7bn7q2mzk4v5e9ct5v3";

pub(crate) fn key_made() -> KeyMadePage {
    KeyMadePage {
        shell: shell("Key made", Section::Keys),
        name: text("Web shop"),
        scopes: vec!["read", "orders"],
        secret: text(SECRET),
        curl: text(CURL),
    }
}

pub(crate) fn key_revoke() -> KeyRevokePage {
    KeyRevokePage {
        shell: shell("Revoke a key", Section::Keys),
        name: text(STRANGE),
        ending: text("k2m7"),
        scopes: vec!["read", "orders"],
        created: text("12 October 2026"),
        action: text("/admin/keys/2/revoke"),
    }
}

fn outside(title: &str) -> Shell {
    Shell { title: text(title), ..Shell::default() }
}

pub(crate) fn sign_in(is_demo: bool, fault: Option<&str>) -> SignInPage {
    SignInPage { shell: outside("Sign in"), next: text("/admin"), fault: fault.map(text), is_demo }
}

pub(crate) fn set_up() -> SetUpPage {
    let currency = |code, name, is_chosen| CurrencyChoice { code, name: text(name), is_chosen };
    SetUpPage {
        shell: outside("Set up"),
        action: text("/set-up/token"),
        preview: text("/set-up/token/words"),
        form: SetUpForm::default(),
        sentences: program().sentences.into_iter().take(8).collect(),
        faults: Vec::new(),
        zones: vec!["Europe/Berlin", "America/New_York"],
        currencies: vec![currency("EUR", "Euro", true), currency("USD", "United States dollar", false)],
    }
}

pub(crate) fn set_up_refused() -> SetUpPage {
    use server::pages::set_up::Fault;
    let fault = |field, message: &str| Fault { field, message: text(message) };
    let faults = vec![
        fault("name", "Give the program a name."),
        fault("earn", "“many” is no number of points; allowed is 0.01 to 1,000,000."),
    ];
    let form = SetUpForm { earn: text("many"), one: text(STRANGE), ..SetUpForm::default() };
    SetUpPage { faults, form, sentences: Vec::new(), ..set_up() }
}

pub(crate) fn set_up_done() -> SetUpDonePage {
    SetUpDonePage {
        shell: outside("Ready"),
        program: text("Sample shop"),
        secret: text(SECRET),
        curl: text(CURL),
        sentences: program().sentences.into_iter().take(6).collect(),
    }
}

pub(crate) fn link() -> server::pages::set_up::LinkPage {
    server::pages::set_up::LinkPage { shell: outside("Sign in"), action: text("/set-up/token") }
}

pub(crate) fn entries_part() -> EntriesPart {
    EntriesPart { entries: entries(), older: Some(text("/admin/members/mem_1?before=5")) }
}
