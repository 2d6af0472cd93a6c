//! Quotes: what a cart would earn and could redeem, with nothing stored.

use axum::Json as Reply;
use axum::extract::State;
use engine::{Actor, CertificateChoice, Choice, Choices, LotNo, Moment, Rejection, is_name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::certificates::certificate_refs;
use super::members::member_ref;
use super::orders::{only_own_hold, read};
use super::worth::worth_of_named;
use crate::access::Caller;
use crate::app::App;
use crate::extract::Json;
use crate::problem::{Answer, Problem};
use crate::wire::account::WireOutcome;
use crate::wire::object::object;
use crate::wire::order::OrderDocument;
use crate::words::{Voice, choices_in_words, offer_in_words};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteRequest {
    /// The channel's name or id.
    #[schema(example = "web")]
    channel: String,
    /// An order that is recorded already: what this change of it would come to.
    reference: Option<String>,
    /// The cart. Without `redeem`, the most that can be redeemed is offered; `member` is needed.
    #[serde(deserialize_with = "object")]
    order: OrderDocument,
}

/// An offer. Recorded at the same instant, the order comes to just that.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuoteView {
    /// The figure to ask for in `redeem`.
    #[schema(example = 250)]
    redeem: i64,
    /// Why it is less than was asked for: the problem that the order would be refused with.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Problem>,
    choices: ChoicesView,
    /// Why less store credit is offered than was asked for: the problem that the order would be refused with.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_credit: Option<Problem>,
    /// Certificates of the cart that cannot be used, and the problem that the order would be refused with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    why_certificates: Vec<RefusedCertificate>,
    /// The certificates that the member has, and what each would pay: those of the cart as they are used, others alone. With them, why
    /// not: those of the cart that cannot be used, and the last ten that are over for at most 30 days.
    #[serde(rename = "wallet", skip_serializing_if = "Vec::is_empty")]
    wallet: Vec<CertificateOffer>,
    #[serde(flatten)]
    outcome: WireOutcome,
}

/// What could be asked for: each of it would be accepted now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChoicesView {
    /// Figures for `redeem`, from the fewest to the most: a few where many would do. Empty when nothing can be redeemed.
    points: Vec<ChoiceView>,
    /// What asking for more would be refused with.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not_more: Option<Problem>,
    /// All of it as sentences that a cashier can read aloud.
    #[schema(example = "250 points pay 2.50, or at most 500 points pay 5.00.")]
    text: String,
}

/// A figure for `redeem`, and what it pays.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChoiceView {
    #[schema(example = 250)]
    redeem: i64,
    #[schema(example = "2.50")]
    value: String,
}

/// A certificate of the cart that cannot be used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedCertificate {
    /// Its number among those of the member in that currency; of one that belongs to nobody, the one that it would get.
    certificate: u64,
    why: Problem,
}

/// A certificate of the member, and what it would pay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CertificateOffer {
    /// Its number among those of the member in that currency; of one that belongs to nobody, the one that it would get.
    certificate: u64,
    #[schema(example = "20.00")]
    pays: String,
    /// What of it would be lost, since it can be used once; of one that pays a share, what it could have paid more at most.
    #[schema(example = "5.00")]
    loses: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<Problem>,
    /// All of it as a sentence that a cashier can read aloud.
    #[schema(example = "Certificate 1 pays 20.00; the rest of 5.00 would be lost, since it can be used once.")]
    text: String,
}

impl CertificateOffer {
    fn of(it: &CertificateChoice, voice: &Voice<'_>) -> Self {
        let exponent = voice.terms.currency.exponent;
        Self {
            certificate: it.certificate.0,
            pays: it.pays.to_text(exponent),
            loses: it.loses.to_text(exponent),
            why_not: it.why.as_ref().map(|it| *Problem::rejected(it, Some(voice))),
            text: offer_in_words(it, voice),
        }
    }
}

impl ChoicesView {
    fn of(it: &Choices, voice: &Voice<'_>) -> Self {
        let exponent = voice.terms.currency.exponent;
        let view = |it: &Choice| ChoiceView { redeem: it.redeem.get(), value: it.value.to_text(exponent) };
        Self {
            points: it.points.iter().map(view).collect(),
            why_not_more: it.why_not_more.as_ref().map(|it| *Problem::rejected(it, Some(voice))),
            text: choices_in_words(it, voice),
        }
    }
}

/// Quote a cart.
#[utoipa::path(post, path = "/v1/quotes", tag = "Orders", operation_id = "quote",
    request_body = QuoteRequest,
    security(("key" = ["orders"])),
    responses((status = 200, description = "What it would come to.", body = QuoteView)))]
pub(crate) async fn quote(
    State(app): State<App>,
    _: Caller,
    Json(asked): Json<QuoteRequest>,
) -> Answer<Reply<QuoteView>> {
    let catalog = app.catalog().await?;
    let channel = catalog.channel(&asked.channel)?;
    let now = app.now();
    let voice = channel.program.voice(now)?;
    let member = asked.order.member.as_deref().map(member_ref).transpose()?;
    let member = member.ok_or_else(|| {
        let allowed = "mem_…, customer:…, card:…, email:… or phone:…";
        Problem::invalid("order.member", "the key is missing", allowed)
    })?;
    if asked.order.at.is_some() {
        return Err(Problem::invalid("order.at", "a quote is for now", "no such key"));
    }
    if asked.reference.as_deref().is_some_and(|it| !is_name(it)) {
        let allowed = "1 to 120 bytes of text without control characters";
        return Err(Problem::invalid("reference", "it cannot be the reference of an order", allowed));
    }
    let mut document = read(&asked.order, asked.reference.as_deref(), channel, now).map_err(|it| it.within("order"))?;
    let reference = asked.reference.as_deref().unwrap_or_default();
    only_own_hold(&app, &asked.order, Some(&member), channel, reference, &mut document).await?;
    let certificates = certificate_refs(&app, asked.order.certificates.as_ref())?;
    let moment = Moment { now, actor: Actor::Channel(channel.info.number), import: false };
    let (name, reference, named) = (channel.info.name.clone(), asked.reference.clone(), member.clone());
    let quoted = app.ask(move |reader| {
        let asked = (&document, certificates.as_deref());
        reader.quote(&name, &member, reference.as_deref(), asked, moment)
    });
    let quoted = quoted.await?;
    let quoted = quoted.map_err(|it| Problem::failed(&it, Some(&voice)).within("order"))?;
    let voice = channel.program.voice_of(quoted.answer.earned.version).unwrap_or(voice);
    let worth = worth_of_named(&app, &channel.program, &named).await?;
    let outcome = WireOutcome::of(&quoted.answer, asked.reference.as_deref(), &voice, worth);
    let why = quoted.why.map(|it| *Problem::rejected(&it, Some(&voice)));
    let choices = ChoicesView::of(&quoted.choices, &voice);
    let why_credit = quoted.why_credit.map(|it| *Problem::rejected(&it, Some(&voice)));
    let certificate = |(no, why): &(LotNo, Rejection)| RefusedCertificate {
        certificate: no.0,
        why: *Problem::rejected(why, Some(&voice)),
    };
    let why_certificates = quoted.why_certificates.iter().map(certificate).collect();
    let wallet = quoted.wallet.iter().map(|it| CertificateOffer::of(it, &voice)).collect();
    let redeem = quoted.redeem.get();
    Ok(Reply(QuoteView { redeem, why, choices, why_credit, why_certificates, wallet, outcome }))
}
