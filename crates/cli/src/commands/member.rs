//! `guerdon member`: signs a member up with the identities that find it.

use anyhow::{Context, Result, bail};
use engine::{Date, Facts};
use store::{Body, Database, Identity, IdentityKind, MemberId, MemberRef, Reply};

use crate::fault::Outcome;
use crate::open;

const AFTER: &str = "\
Example:
  guerdon member add --customer 00042 --card 6001234 --name \"Ana Costa\"

Signing up again with the same identities changes nothing and says which member it is.";

const AFTER_ERASE: &str = "\
Example:
  guerdon export person card:6001234 --to person.json
  guerdon close card:6001234 --grace-days 0 --note \"asked to be erased\"
  guerdon member erase card:6001234 --for-good

Name, birthday, customer type, every identity and card, and what staff have written about the person go; points, orders and
totals stay. The file is written anew, so that no trace of them is left in it.";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Sign a member up
    #[command(after_help = AFTER)]
    Add(Add),
    /// Erase a person: what is known of them and what finds them; the ledger stays
    #[command(after_help = AFTER_ERASE)]
    Erase(Erase),
}

#[derive(clap::Args)]
pub(crate) struct Erase {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member)]
    member: MemberRef,
    /// Yes, for good
    #[arg(long, required = true)]
    for_good: bool,
    /// Leave the file as it is; traces in it are gone once `guerdon member erase` is run without this
    #[arg(long)]
    keep_file: bool,
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
    let add = match command {
        Command::Add(add) => add,
        Command::Erase(erase) => return self::erase(database, erase),
    };
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

fn erase(database: &Database, erase: Erase) -> Result<Outcome> {
    let store = open::existing(database)?;
    let Erase { member, keep_file, .. } = erase;
    open::send(&store, Body::Erase { member, only_unused: false }, None).context("erasing the member failed")?;
    if !keep_file {
        store.rewrite().context("the member is erased, but writing the file anew failed")?;
    }
    println!(
        "Erased. What is in the ledger stays, under an id that leads to nobody. Backups made before still know the person."
    );
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
