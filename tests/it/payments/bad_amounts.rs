//! What staff may type where a card payment is given back, and nothing goes back for it.

use sqlx::PgPool;

use super::{debtor, without_poll};
use crate::billing::world::{audit, number, texts};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nothing_goes_back_to_a_card_for_what_is_no_amount(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    without_poll(&cards).await;
    // Something is free, so that a number could go back.
    let invoice = super::invoice_of(&world.db, alice).await;
    let mut conn = world.db.acquire().await.unwrap();
    let ten = crate::billing::world::mad(1_000);
    sayoo::billing::documents::credit(&mut conn, invoice, &[(1, ten)], "an outage", world.portal.clock.now())
        .await
        .unwrap();
    sayoo::billing::run::look(&world.portal).await.unwrap();
    let id = texts(&world.db, "SELECT id::text FROM payments WHERE method = 'card'").await.remove(0);
    let (payment, sam) = (format!("/staff/payments/{id}"), world.staff().await);
    for amount in
        ["NaN", "inf", "-1", "0", "", "1e3", "0x10", "99999999999999999999999999", "9223372036854775807", "1;2", "١٢"]
    {
        let answer = sam.post(&format!("{payment}/refund"), &[("amount", amount), ("reason", "an outage")]).await;
        answer.assert_redirect(&payment);
        assert!(sam.get(&payment).await.words().contains("Nothing goes back"), "{amount}");
    }
    without_poll(&cards).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM card_refunds").await, 0);
    assert!(standin.state().await["refunds"].as_array().is_none_or(Vec::is_empty));
    audit(&world.db).await;
}
