//! What the points of a balance are worth in an answer: at the rate of the member's tier, where tiers have one (R5).

use engine::Terms;
use store::{MemberId, MemberRef};

use crate::app::App;
use crate::catalog::Program;
use crate::problem::Answer;

/// The terms of now under which the member's points are worth something. Programs whose tiers have no rate of their own for
/// redeeming are not asked for the tier.
pub(super) async fn worth_of<'a>(app: &App, program: &'a Program, member: MemberId) -> Answer<&'a Terms> {
    let now = app.now();
    let terms = program.terms(now)?;
    if !differs(terms) {
        return Ok(terms);
    }
    let number = program.info.number;
    let standing = app.read(move |reader| reader.standing(member, number, now, 0)).await?;
    Ok(terms.under(standing.progress.map_or(0, |it| it.rank)))
}

/// The same of a member who was named.
pub(super) async fn worth_of_named<'a>(app: &App, program: &'a Program, named: &MemberRef) -> Answer<&'a Terms> {
    let terms = program.terms(app.now())?;
    if !differs(terms) {
        return Ok(terms);
    }
    let named = named.clone();
    match app.read(move |reader| reader.find(&named)).await? {
        Some(member) => worth_of(app, program, member).await,
        None => Ok(terms),
    }
}

fn differs(terms: &Terms) -> bool {
    let levels = terms.tiers.as_ref().map_or(0, |it| it.levels.len());
    (1..).take(levels).any(|rank| terms.under(rank).redeem.rate != terms.redeem.rate)
}
