//! What our people want done in the books. Their page may write nothing there: it writes an instruction, with the job that
//! carries it out, in one transaction; the worker does it, and says what became of it.

mod carry;
mod store;

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::documents::credit::{self, CreditRefusal};
use super::sellers::{self, Details, Terms, checks};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::{DocumentId, InstructionId, PeriodId, SellerId};
use crate::base::money::Money;
use crate::portal::Portal;
use crate::queue::{self, Job};
use crate::staff::StaffMember;

pub use carry::carry_out;

/// The job that carries an instruction out. Done again, it changes nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CarryOut {
    /// Which one.
    pub instruction: InstructionId,
}

impl Job for CarryOut {
    const KIND: &'static str = "carry_out";
}

/// What waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// A draft.
    Draft(DocumentId),
    /// A month that could not be rated.
    Month(PeriodId),
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// What waits goes on.
    Release(Waits),
    /// What waits goes on waiting: somebody has looked at it.
    Keep(Waits),
    /// A credit note that waits because its invoice was credited already is superfluous: it ends, and is never issued.
    Drop(DocumentId),
    /// Parts of lines of an invoice are given back.
    Credit(DocumentId, Parts),
    /// Something else stands on a company's documents from now on.
    Seller(SellerId, Box<Terms>),
}

/// Which parts of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Everything that is left when it is carried out.
    Everything,
    /// So much of each of these lines, without VAT.
    Lines(Vec<(i32, Money)>),
}

/// How an instruction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The worker has yet to carry it out.
    Asked,
    /// It was carried out.
    Done,
    /// It was not: the key of the sentence that says why, and what more is known.
    Refused(String, Vec<String>),
}

/// An instruction, as pages show it.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// Which one.
    pub id: InstructionId,
    /// The draft, invoice, month or company that it is about.
    pub subject: Uuid,
    /// `release`, `keep`, `drop`, `credit`, `seller`.
    pub kind: String,
    /// Of what was dropped: what it would have given back, without VAT.
    pub dropped: Option<Money>,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who asked.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// How it stands.
    pub state: State,
    /// The credit note that it made: which one, and its number once it is final.
    pub made: Option<(DocumentId, Option<String>)>,
}

/// Why an instruction was not carried out, or not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The key of the sentence that says so.
    pub key: &'static str,
    /// What more is known, for our people.
    pub problems: Vec<String>,
}

impl Refusal {
    fn new(key: &'static str) -> Self {
        Self { key, problems: Vec::new() }
    }
}

impl From<CreditRefusal> for Refusal {
    fn from(refusal: CreditRefusal) -> Self {
        let key = match refusal {
            CreditRefusal::NoInvoice => "instruction-no-invoice",
            CreditRefusal::NoLine(_) => "instruction-no-line",
            CreditRefusal::Nothing => "instruction-nothing",
            CreditRefusal::TooMuch(..) => "instruction-too-much",
            CreditRefusal::TooMuchOfRate(_) => "instruction-too-much-of-rate",
        };
        Self { key, problems: vec![refusal.to_string()] }
    }
}

/// Why nothing was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It waits no more, or is not there.
    #[error("it is not there")]
    NotFound,
    /// A reason has 3 to 1,000 characters.
    #[error("a reason of 3 to 1,000 characters is needed")]
    ReasonNeeded,
    /// Something was asked about it a moment ago, and is not carried out yet.
    #[error("something is being carried out")]
    UnderWay,
    /// It cannot be carried out.
    #[error("it would be refused")]
    Refused(Refusal),
    /// What is wrong with a company's terms, by field.
    #[error("the details cannot be right")]
    Wrong(Vec<(&'static str, checks::Problem)>),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What is kept of what is wanted, beside its subject.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// Lines and amounts of a credit note; `None`: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<(i32, i64)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms: Option<KeptTerms>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptTerms {
    details: Details,
    payment_days: i32,
    trial_days: i32,
    four_eyes_minor: i64,
}

impl Wanted {
    fn kind(&self) -> &'static str {
        match self {
            Self::Release(_) => "release",
            Self::Keep(_) => "keep",
            Self::Drop(_) => "drop",
            Self::Credit(..) => "credit",
            Self::Seller(..) => "seller",
        }
    }

    fn kept(&self) -> Kept {
        match self {
            Self::Release(_) | Self::Keep(_) | Self::Drop(_) | Self::Credit(_, Parts::Everything) => Kept::default(),
            Self::Credit(_, Parts::Lines(lines)) => {
                let lines = lines.iter().map(|(line_no, net)| (*line_no, net.minor)).collect();
                Kept { lines: Some(lines), terms: None }
            }
            Self::Seller(_, terms) => {
                let kept = KeptTerms {
                    details: terms.details.clone(),
                    payment_days: terms.payment_days,
                    trial_days: terms.trial_days,
                    four_eyes_minor: terms.four_eyes.minor,
                };
                Kept { lines: None, terms: Some(kept) }
            }
        }
    }

    fn subject(&self) -> store::Subject {
        match self {
            Self::Release(Waits::Draft(id)) | Self::Keep(Waits::Draft(id)) | Self::Drop(id) | Self::Credit(id, _) => {
                store::Subject { document: Some(*id), ..store::Subject::default() }
            }
            Self::Release(Waits::Month(id)) | Self::Keep(Waits::Month(id)) => {
                store::Subject { period: Some(*id), ..store::Subject::default() }
            }
            Self::Seller(id, _) => store::Subject { seller: Some(*id), ..store::Subject::default() },
        }
    }
}

/// Asks for something; `id` comes from the form, so that a form that is sent twice asks once. What would be refused now is
/// refused at once; the worker looks again.
pub async fn ask(
    portal: &Portal,
    by: &StaffMember,
    id: InstructionId,
    wanted: &Wanted,
    reason: &str,
) -> Result<(), AskError> {
    let reason = reason.trim();
    if !(3..=1000).contains(&reason.chars().count()) {
        return Err(AskError::ReasonNeeded);
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    if store::is_there(&mut tx, id).await.context("look for the same form")? {
        return Ok(());
    }
    look_first(&mut tx, wanted).await?;
    let kept = serde_json::to_value(wanted.kept()).context("write down what is wanted")?;
    let new = store::New { id, kind: wanted.kind(), subject: wanted.subject(), wanted: &kept, reason, by: by.id };
    if !store::insert(&mut tx, &new, now).await.context("write an instruction down")? {
        return Err(AskError::UnderWay);
    }
    queue::enqueue(&mut tx, &CarryOut { instruction: id }, now).await?;
    let detail =
        json!({ "instruction": id, "kind": wanted.kind(), "subject": wanted.subject().uuid(), "reason": reason });
    let entry = Entry::new("billing.asked").detail(detail);
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Refuses what cannot be carried out.
async fn look_first(db: &mut PgConnection, wanted: &Wanted) -> Result<(), AskError> {
    match wanted {
        Wanted::Release(waits) | Wanted::Keep(waits) => {
            let is_waiting = store::is_waiting(db, *waits).await.context("look whether it waits")?;
            if is_waiting { Ok(()) } else { Err(AskError::NotFound) }
        }
        Wanted::Drop(draft) => {
            let may = store::may_be_dropped(db, *draft).await.context("look whether it may be dropped")?;
            if may { Ok(()) } else { Err(AskError::NotFound) }
        }
        Wanted::Credit(invoice, parts) => {
            let left = credit::creditable(db, *invoice).await?.ok_or(AskError::NotFound)?;
            let lines = match parts {
                Parts::Everything => left.everything(),
                Parts::Lines(lines) => lines.clone(),
            };
            left.check(&lines).map_err(|refusal| AskError::Refused(refusal.into()))
        }
        Wanted::Seller(id, terms) => {
            let seller = sellers::find(db, *id).await?.ok_or(AskError::NotFound)?;
            let terms = Terms { details: checks::tidied(terms.details.clone()), ..terms.as_ref().clone() };
            let mut problems = checks::problems(&seller, &terms);
            if terms.four_eyes.minor > seller.four_eyes.minor {
                problems.push(("four_eyes", checks::Problem::FourEyes));
            }
            if problems.is_empty() { Ok(()) } else { Err(AskError::Wrong(problems)) }
        }
    }
}

/// Returns what was asked about things, newest first; about an invoice also what was dropped of it.
pub async fn about(db: &mut PgConnection, subjects: &[Uuid]) -> anyhow::Result<BTreeMap<Uuid, Vec<Instruction>>> {
    let mut by_subject: BTreeMap<Uuid, Vec<Instruction>> = BTreeMap::new();
    for instruction in store::about(db, subjects).await? {
        by_subject.entry(instruction.subject).or_default().push(instruction);
    }
    Ok(by_subject)
}
