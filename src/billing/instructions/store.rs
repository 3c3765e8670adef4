//! The table of instructions.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Instruction, State, Waits};
use crate::base::ids::{AccountId, DocumentId, InstructionId, PeriodId, SellerId, StaffId};
use crate::base::money::Money;
use crate::db::StoreError;

/// What an instruction is about: one of these.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject {
    pub document: Option<DocumentId>,
    pub period: Option<PeriodId>,
    pub seller: Option<SellerId>,
}

impl Subject {
    /// Its number, whatever it is.
    pub fn uuid(&self) -> Uuid {
        let of_document = self.document.map(DocumentId::uuid);
        of_document.or(self.period.map(PeriodId::uuid)).or(self.seller.map(SellerId::uuid)).unwrap_or_default()
    }
}

/// An instruction to be.
pub struct New<'a> {
    pub id: InstructionId,
    pub kind: &'static str,
    pub subject: Subject,
    pub wanted: &'a Value,
    pub reason: &'a str,
    pub by: StaffId,
}

/// An instruction that is to be carried out.
pub struct Asked {
    pub id: InstructionId,
    pub kind: String,
    pub subject: Subject,
    pub wanted: Value,
    pub reason: String,
    pub by: StaffId,
    pub by_name: String,
}

/// Whether an instruction is there.
pub async fn is_there(db: &mut PgConnection, id: InstructionId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM billing_instructions WHERE id = $1) AS "is_there!""#,
        id as InstructionId
    )
    .fetch_one(db)
    .await?)
}

/// Inserts an instruction; `false` when another one about the same is not carried out yet.
pub async fn insert(db: &mut PgConnection, new: &New<'_>, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO billing_instructions (id, kind, document_id, period_id, seller_id, wanted, reason, asked_by, asked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT DO NOTHING
        "#,
        new.id as InstructionId,
        new.kind,
        new.subject.document as Option<DocumentId>,
        new.subject.period as Option<PeriodId>,
        new.subject.seller as Option<SellerId>,
        new.wanted,
        new.reason,
        new.by as StaffId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes an instruction that has not ended; it is held until the end of the transaction.
pub async fn lock_asked(db: &mut PgConnection, id: InstructionId) -> Result<Option<Asked>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT billing_instructions.kind
             , billing_instructions.document_id AS "document: DocumentId"
             , billing_instructions.period_id AS "period: PeriodId"
             , billing_instructions.seller_id AS "seller: SellerId"
             , billing_instructions.wanted
             , billing_instructions.reason
             , billing_instructions.asked_by AS "by: StaffId"
             , staff.name AS by_name
          FROM billing_instructions
          JOIN staff ON staff.id = billing_instructions.asked_by
         WHERE billing_instructions.id = $1
           AND billing_instructions.state = 'asked'
           FOR UPDATE OF billing_instructions
        "#,
        id as InstructionId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Asked {
        id,
        kind: row.kind,
        subject: Subject { document: row.document, period: row.period, seller: row.seller },
        wanted: row.wanted,
        reason: row.reason,
        by: row.by,
        by_name: row.by_name,
    }))
}

/// Ends an instruction: refused, or done with the credit note that it made.
pub async fn end(
    db: &mut PgConnection,
    id: InstructionId,
    (refusal, made): (Option<&Value>, Option<DocumentId>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE billing_instructions
           SET state = CASE WHEN $2::jsonb IS NULL THEN 'done' ELSE 'refused' END
             , refusal = $2
             , made_id = $3
             , ended_at = $4
         WHERE id = $1
        "#,
        id as InstructionId,
        refusal,
        made as Option<DocumentId>,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether something waits for a person.
pub async fn is_waiting(db: &mut PgConnection, waits: Waits) -> Result<bool, StoreError> {
    let (draft, period) = parts(waits);
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM documents WHERE id = $1 AND held IS NOT NULL)
            OR EXISTS (SELECT FROM billing_periods WHERE id = $2 AND parked IS NOT NULL) AS "is_waiting!"
        "#,
        draft as Option<DocumentId>,
        period as Option<PeriodId>
    )
    .fetch_one(db)
    .await?)
}

/// Whether a draft waits because its invoice was credited already.
pub async fn may_be_dropped(db: &mut PgConnection, draft: DocumentId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT
                         FROM documents
                        WHERE id = $1
                          AND kind = 'credit_note'
                          AND held ->> 'reason' = 'credited') AS "may!"
        "#,
        draft as DocumentId
    )
    .fetch_one(db)
    .await?)
}

/// Whose it is that waits, or waited.
pub async fn account_of(db: &mut PgConnection, waits: Waits) -> Result<Option<AccountId>, StoreError> {
    let (draft, period) = parts(waits);
    Ok(sqlx::query_scalar!(
        r#"
        SELECT account_id AS "account!: AccountId" FROM documents WHERE id = $1
         UNION ALL
        SELECT account_id FROM billing_periods WHERE id = $2
        "#,
        draft as Option<DocumentId>,
        period as Option<PeriodId>
    )
    .fetch_optional(db)
    .await?)
}

fn parts(waits: Waits) -> (Option<DocumentId>, Option<PeriodId>) {
    match waits {
        Waits::Draft(draft) => (Some(draft), None),
        Waits::Month(period) => (None, Some(period)),
    }
}

/// What was asked about things, newest first; about an invoice also what was dropped of it.
pub async fn about(db: &mut PgConnection, subjects: &[Uuid]) -> anyhow::Result<Vec<Instruction>> {
    let rows = sqlx::query!(
        r#"
        SELECT asked.id AS "id: InstructionId"
             , CASE
               WHEN asked.document_id = ANY($1) THEN asked.document_id
               ELSE COALESCE(dropped.corrects_id, asked.period_id, asked.seller_id)
               END AS "subject!"
             , asked.kind
             , dropped.net_minor AS "net_minor?"
             , dropped.currency AS "currency?"
             , asked.reason
             , staff.name AS by
             , asked.asked_at
             , asked.state
             , asked.refusal
             , made.id AS "made?: DocumentId"
             , made.number AS "number?"
          FROM billing_instructions asked
          JOIN staff ON staff.id = asked.asked_by
          LEFT JOIN documents made ON made.id = asked.made_id
          LEFT JOIN documents dropped ON dropped.dropped_by = asked.id AND dropped.id = asked.document_id
         WHERE COALESCE(asked.document_id, asked.period_id, asked.seller_id) = ANY($1)
            OR asked.id IN (SELECT dropped_by FROM documents WHERE corrects_id = ANY($1) AND state = 'dropped')
         ORDER BY asked.asked_at DESC, asked.id DESC
        "#,
        subjects
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    let said = |refusal: &Value| {
        let problems = refusal["problems"].as_array().cloned().unwrap_or_default();
        let problems = problems.iter().filter_map(|problem| problem.as_str().map(str::to_owned)).collect();
        State::Refused(refusal["key"].as_str().unwrap_or_default().to_owned(), problems)
    };
    let instruction = rows.into_iter().map(|row| {
        let currency = row.currency.map(|code| code.parse()).transpose()?;
        Ok(Instruction {
            id: row.id,
            subject: row.subject,
            kind: row.kind,
            dropped: row.net_minor.zip(currency).map(|(minor, currency)| Money::new(minor, currency)),
            reason: row.reason,
            by: row.by,
            at: row.asked_at,
            state: match (row.state.as_str(), &row.refusal) {
                ("done", _) => State::Done,
                ("refused", Some(refusal)) => said(refusal),
                _ => State::Asked,
            },
            made: row.made.map(|made| (made, row.number)),
        })
    });
    instruction.collect()
}
