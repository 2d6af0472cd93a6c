//! `guerdon member`: signs a member up with the identities that find it.

use anyhow::{Context, Result, bail};
use engine::{Date, Facts};
use store::{Body, Database, Identity, IdentityKind, MemberId, Reply};

use crate::fault::Outcome;
use crate::open;

const AFTER: &str = "\
Example:
  guerdon member add --customer 00042 --card 6001234 --name \"Ana Costa\"

Signing up again with the same identities changes nothing and says which member it is.";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Sign a member up
    #[command(after_help = AFTER)]
    Add(Add),
}

#[derive(clap::Args)]
pub(crate) struct Add {
    /// What the shop calls the member
    #[arg(long)]
    name: Option<String>,
    /// The shop's customer id; each of these may be given several times
    #[arg(long, value_name = "ID")]
    customer: Vec<String>,
    /// The number of a card
    #[arg(long, value_name = "NUMBER")]
    card: Vec<String>,
    /// The type of customer, a word of the shop's own, such as wholesale
    #[arg(long = "type", value_name = "TYPE")]
    customer_type: Option<String>,
    /// The birthday, such as 1992-02-29
    #[arg(long, value_name = "DAY")]
    birthday: Option<String>,
    /// An e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// A phone number with its country, such as +41441234567
    #[arg(long, value_name = "NUMBER")]
    phone: Vec<String>,
}

pub(crate) fn run(database: &Database, command: Command) -> Result<Outcome> {
    let Command::Add(add) = command;
    let identities = add.identities()?;
    if identities.is_empty() {
        bail!("a member needs an identity: --customer, --card, --email or --phone");
    }
    let store = open::existing(database)?;
    let facts = add.facts()?;
    let body = Body::SignUp { id: MemberId::draw(), name: add.name, identities, facts };
    match open::send(&store, body, None).context("signing the member up failed")? {
        Reply::Member { id, created: true } => println!("Signed up as {id}."),
        Reply::Member { id, created: false } => println!("This is {id}, a member already; nothing changed."),
        _ => bail!("the store answered something else"),
    }
    Ok(Outcome::Ok)
}

impl Add {
    fn facts(&self) -> Result<Facts> {
        let birthday = self.birthday.as_deref().map(|text| {
            Date::parse_birthday(text)
                .with_context(|| format!("\"{text}\" cannot be a birthday; allowed is a day such as 1992-02-29"))
        });
        Ok(Facts { customer_type: self.customer_type.clone(), birthday: birthday.transpose()?, ..Facts::default() })
    }

    fn identities(&self) -> Result<Vec<Identity>> {
        let kinds = [
            (IdentityKind::Customer, &self.customer),
            (IdentityKind::Card, &self.card),
            (IdentityKind::Email, &self.email),
            (IdentityKind::Phone, &self.phone),
        ];
        let pairs = kinds.into_iter().flat_map(|(kind, values)| values.iter().map(move |it| (kind, it)));
        pairs
            .map(|(kind, value)| {
                open::identity(kind, value).with_context(|| {
                    format!("\"{value}\" cannot be a member's {}; allowed is {}", kind.name(), open::allowed(kind))
                })
            })
            .collect()
    }
}
