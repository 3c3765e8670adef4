//! What customers' banks take back.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::{PaymentId, SellerId};
use crate::db::StoreError;
use crate::payments::stripe::Dispute;

/// Keeps a dispute. What was decided stays decided.
pub async fn keep(
    db: &mut PgConnection,
    payment: PaymentId,
    dispute: &Dispute,
    state: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO card_disputes (provider_id, payment_id, amount_minor, currency, reason, state, opened_at, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (provider_id) DO UPDATE
           SET state = excluded.state, changed_at = excluded.changed_at
         WHERE card_disputes.state = 'open'
           AND excluded.state <> 'open'
        ",
        dispute.id,
        payment as PaymentId,
        dispute.amount,
        dispute.currency.to_ascii_uppercase(),
        dispute.reason,
        state,
        DateTime::from_timestamp(dispute.created, 0).unwrap_or(now),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A dispute that is lost and not booked yet.
pub struct Lost {
    pub id: Uuid,
    pub seller: SellerId,
    /// What of the payment has not gone back.
    pub left: i64,
}

/// Locks a dispute that is lost. `None` when it is booked already.
pub async fn lock_lost(db: &mut PgConnection, dispute: &str) -> Result<Option<Lost>, StoreError> {
    Ok(sqlx::query_as!(
        Lost,
        r#"
        SELECT x.id
             , p.seller_id AS "seller: SellerId"
             , p.amount_minor - COALESCE((SELECT sum(amount_minor) FROM paybacks WHERE payment_id = p.id), 0)::bigint AS "left!"
          FROM card_disputes x
          JOIN payments p ON p.id = x.payment_id
         WHERE x.provider_id = $1
           AND x.state = 'lost'
           AND x.loss_minor IS NULL
           FOR UPDATE OF x
        "#,
        dispute
    )
    .fetch_optional(db)
    .await?)
}

/// Notes that a lost dispute is booked, with what of it is our loss.
pub async fn set_lost(db: &mut PgConnection, dispute: &str, loss_minor: i64) -> Result<(), StoreError> {
    sqlx::query!("UPDATE card_disputes SET loss_minor = $2 WHERE provider_id = $1", dispute, loss_minor)
        .execute(db)
        .await?;
    Ok(())
}
