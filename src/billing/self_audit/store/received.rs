//! What is asked of where money came from: a payment that nobody brought is an invoice that nobody paid.

use crate::billing::self_audit::Check;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[Check {
    code: "received",
    rules: "I28",
    // A transfer is what the bank said; a card's payment is what Stripe was asked for, for an invoice or as credit bought beforehand,
    // or told of by itself (docs/operations.md, after the database was put back). What came back that had been given back is known by its payback.
    sql: "SELECT payments.account_id
               , payments.method || ' ' || payments.external_ref
               , NOT EXISTS (SELECT FROM paybacks WHERE paybacks.external_ref || '-returned' = payments.external_ref)
                 AND CASE payments.method
                     WHEN 'transfer' THEN
                         NOT EXISTS (SELECT
                                       FROM bank_receipts receipts
                                      WHERE receipts.payment_id = payments.id
                                        AND receipts.state = 'booked'
                                        AND (receipts.account_id, receipts.seller_id, receipts.currency, receipts.amount_minor, receipts.value_on)
                                          = (payments.account_id, payments.seller_id, payments.currency, payments.amount_minor, payments.received_on))
                     WHEN 'card' THEN
                         NOT EXISTS (SELECT
                                       FROM payment_attempts attempts
                                      WHERE attempts.provider_id = payments.external_ref
                                        AND attempts.account_id = payments.account_id)
                         AND NOT EXISTS (SELECT
                                           FROM card_wishes wishes
                                          WHERE wishes.intent_id = payments.external_ref
                                            AND wishes.account_id = payments.account_id)
                         AND NOT EXISTS (SELECT
                                           FROM stripe_events events
                                          WHERE events.payload #>> '{data,object,id}' = payments.external_ref)
                     ELSE false
                     END
            FROM payments",
}];
