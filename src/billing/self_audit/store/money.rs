//! What is asked of the ledger, payments and what they paid.

use crate::billing::self_audit::Check;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check {
        code: "entries",
        rules: "I22",
        sql: "SELECT (array_agg(postings.account_id) FILTER (WHERE postings.account_id IS NOT NULL))[1]
                   , sellers.code || ' ' || entries.seq || ' ' || entries.label
                   , COALESCE(sum(postings.amount_minor), 1) <> 0
                     OR bool_or(books.seller_id <> entries.seller_id)
                FROM journal_entries entries
                JOIN sellers ON sellers.id = entries.seller_id
                LEFT JOIN postings ON postings.entry_id = entries.id
                LEFT JOIN ledger_accounts books ON books.id = postings.ledger_account_id
               GROUP BY entries.id, sellers.id, postings.currency
               UNION ALL
              SELECT NULL, sellers.code || ' ' || postings.currency, sum(postings.amount_minor) <> 0
                FROM postings
                JOIN ledger_accounts books ON books.id = postings.ledger_account_id
                JOIN sellers ON sellers.id = books.seller_id
               GROUP BY sellers.id, postings.currency",
    },
    Check {
        code: "journal",
        rules: "I15",
        sql: "SELECT NULL::uuid
                   , sellers.code || ' ' || entries.seq
                   , entries.seq <> row_number() OVER (PARTITION BY entries.seller_id ORDER BY entries.seq)
                FROM journal_entries entries
                JOIN sellers ON sellers.id = entries.seller_id
               UNION ALL
              SELECT NULL
                   , sellers.code || ' ' || (counters.last_seq + 1)
                   , counters.last_seq <> (SELECT count(*) FROM journal_entries WHERE seller_id = sellers.id)
                FROM journal_counters counters
                JOIN sellers ON sellers.id = counters.seller_id",
    },
    Check {
        code: "posted",
        rules: "I30",
        // What has happened stands in the books once, with its amount; what stands there has happened.
        sql: "WITH happened AS (
                  SELECT 'document' AS kind, id, account_id, number AS subject
                       , CASE kind WHEN 'invoice' THEN 'receivable' ELSE 'customer_credit' END AS role
                       , CASE kind WHEN 'invoice' THEN gross_minor ELSE -gross_minor END AS amount_minor
                    FROM documents
                   WHERE state = 'final'
                     AND gross_minor > 0
                   UNION ALL
                  SELECT 'payment', id, account_id, external_ref, 'customer_credit', -amount_minor FROM payments
                   UNION ALL
                  SELECT 'allocation', id, account_id, id::text, 'receivable', -amount_minor FROM allocations
                   UNION ALL
                  SELECT 'payback', id, account_id, external_ref, 'customer_credit', amount_minor FROM paybacks
                   UNION ALL
                  SELECT 'expiry', id, account_id, lot_id::text, 'customer_credit', amount_minor FROM credit_expiries
              ), booked AS (
                  SELECT entries.source_kind AS kind, entries.source_id AS id, entries.seq, postings.account_id, books.role
                       , postings.amount_minor
                    FROM journal_entries entries
                    JOIN postings ON postings.entry_id = entries.id
                    JOIN ledger_accounts books ON books.id = postings.ledger_account_id
                   WHERE entries.source_kind IN ('document', 'payment', 'allocation', 'payback', 'expiry')
              )
              SELECT happened.account_id
                   , happened.kind || ' ' || happened.subject
                   , count(booked.seq) <> 1
                FROM happened
                LEFT JOIN booked USING (kind, id, account_id, role, amount_minor)
               GROUP BY happened.kind, happened.id, happened.account_id, happened.subject
               UNION ALL
              SELECT DISTINCT booked.account_id, booked.kind || ' ' || booked.seq, true
                FROM booked
                LEFT JOIN happened USING (kind, id)
               WHERE happened.id IS NULL",
    },
    Check {
        code: "allocations",
        rules: "I23",
        sql: "SELECT payments.account_id
                   , payments.external_ref
                   , left_of(payments) NOT BETWEEN 0 AND payments.amount_minor
                FROM payments
               UNION ALL
              SELECT documents.account_id
                   , documents.number
                   , left_of(documents) NOT BETWEEN 0 AND documents.gross_minor
                FROM documents
               WHERE documents.state = 'final'
               UNION ALL
              SELECT allocations.account_id
                   , paid.number
                   , paid.state <> 'final'
                     OR paid.kind <> 'invoice'
                     OR (paid.account_id, paid.seller_id, paid.currency) IS DISTINCT FROM
                        (allocations.account_id, COALESCE(payments.seller_id, notes.seller_id), COALESCE(payments.currency, notes.currency))
                     OR COALESCE(payments.account_id, notes.account_id) <> allocations.account_id
                FROM allocations
                LEFT JOIN documents paid ON paid.id = allocations.document_id
                LEFT JOIN payments ON payments.id = allocations.payment_id
                LEFT JOIN documents notes ON notes.id = allocations.credit_note_id AND notes.kind = 'credit_note' AND notes.state = 'final'",
    },
    Check {
        code: "receivable",
        rules: "I24",
        sql: "SELECT account_id, min(name), sum(amount_minor) <> 0
                FROM (SELECT postings.account_id, accounts.name, postings.currency, postings.amount_minor
                        FROM postings
                        JOIN ledger_accounts books ON books.id = postings.ledger_account_id AND books.role = 'receivable'
                        JOIN accounts ON accounts.id = postings.account_id
                       UNION ALL
                      SELECT documents.account_id, accounts.name, documents.currency, -left_of(documents)
                        FROM documents
                        JOIN accounts ON accounts.id = documents.account_id
                       WHERE documents.kind = 'invoice'
                         AND documents.state = 'final') AS sides
               GROUP BY account_id, currency",
    },
    Check {
        code: "credit",
        rules: "I25",
        sql: "SELECT account_id, min(name), sum(amount_minor) <> 0
                FROM (SELECT postings.account_id, accounts.name, postings.currency, postings.amount_minor
                        FROM postings
                        JOIN ledger_accounts books ON books.id = postings.ledger_account_id AND books.role = 'customer_credit'
                        JOIN accounts ON accounts.id = postings.account_id
                       UNION ALL
                      SELECT documents.account_id, accounts.name, documents.currency, left_of(documents)
                        FROM documents
                        JOIN accounts ON accounts.id = documents.account_id
                       WHERE documents.kind = 'credit_note'
                         AND documents.state = 'final'
                       UNION ALL
                      SELECT payments.account_id, accounts.name, payments.currency, left_of(payments)
                        FROM payments
                        JOIN accounts ON accounts.id = payments.account_id) AS sides
               GROUP BY account_id, currency",
    },
    Check {
        code: "lots",
        rules: "I25",
        // Each payment and credit note is a lot, of which is left what was not moved; nothing of it ends but what was given.
        sql: "SELECT COALESCE(lots.account_id, sources.account_id)
                   , COALESCE(sources.subject, lots.id::text)
                   , lots.id IS NULL
                     OR sources.id IS NULL
                     OR (lots.account_id, lots.seller_id, lots.currency, lots.amount_minor) IS DISTINCT FROM
                        (sources.account_id, sources.seller_id, sources.currency, sources.amount_minor)
                     OR lots.remaining_minor NOT BETWEEN 0 AND lots.amount_minor
                     OR lots.remaining_minor <> lots.amount_minor - sources.moved_minor
                     OR (lots.source = 'grant') <> sources.is_given
                     OR (lots.expires_at IS NOT NULL AND NOT sources.is_given)
                FROM credit_lots lots
                FULL JOIN (SELECT id, account_id, seller_id, currency, amount_minor, external_ref AS subject, method = 'gift' AS is_given
                                , (SELECT COALESCE(sum(amount_minor), 0) FROM allocations WHERE payment_id = payments.id)
                                + (SELECT COALESCE(sum(amount_minor), 0) FROM paybacks WHERE payment_id = payments.id)
                                + (SELECT COALESCE(sum(amount_minor), 0) FROM credit_expiries WHERE lot_id = payments.id) AS moved_minor
                             FROM payments
                            UNION ALL
                           SELECT id, account_id, seller_id, currency, gross_minor, number, false
                                , (SELECT COALESCE(sum(amount_minor), 0) FROM allocations WHERE credit_note_id = documents.id)
                             FROM documents
                            WHERE kind = 'credit_note'
                              AND state = 'final'
                              AND gross_minor > 0) AS sources USING (id)",
    },
    Check {
        code: "lots_booked",
        rules: "I25",
        sql: "SELECT account_id, min(name), sum(amount_minor) <> 0
                FROM (SELECT postings.account_id, accounts.name, postings.currency, postings.amount_minor
                        FROM postings
                        JOIN ledger_accounts books ON books.id = postings.ledger_account_id AND books.role = 'customer_credit'
                        JOIN accounts ON accounts.id = postings.account_id
                       UNION ALL
                      SELECT lots.account_id, accounts.name, lots.currency, lots.remaining_minor
                        FROM credit_lots lots
                        JOIN accounts ON accounts.id = lots.account_id) AS sides
               GROUP BY account_id, currency",
    },
    Check {
        code: "cards",
        rules: "I26, I28",
        sql: "SELECT attempts.account_id
                   , attempts.idempotency_key
                   , attempts.idempotency_key <> 'invoice-' || attempts.document_id || '-' || attempts.attempt_no
                     OR NOT EXISTS (SELECT
                                      FROM jsonb_array_elements(attempts.request) AS asked
                                     WHERE asked ->> 0 IN ('amount', 'line_items[0][price_data][unit_amount]')
                                       AND asked ->> 1 = attempts.amount_minor::text)
                     OR (attempts.state = 'succeeded'
                         AND (SELECT count(*)
                                FROM payments
                               WHERE payments.method = 'card'
                                 AND payments.external_ref = attempts.provider_id
                                 AND (payments.account_id, payments.amount_minor, payments.currency)
                                   = (attempts.account_id, attempts.amount_minor, attempts.currency)) <> 1)
                FROM payment_attempts attempts",
    },
    Check {
        code: "clearing",
        rules: "I28",
        // What Stripe holds is what came in by card, less what went back and what it paid out; and nothing of it is held for ever.
        sql: "WITH held AS (
                  SELECT books.seller_id, postings.currency, sum(postings.amount_minor) AS minor
                    FROM postings
                    JOIN ledger_accounts books ON books.id = postings.ledger_account_id AND books.role = 'card_clearing'
                   GROUP BY books.seller_id, postings.currency
              ), happened AS (
                  SELECT seller_id, currency, amount_minor AS minor FROM payments WHERE method = 'card'
                   UNION ALL
                  SELECT payments.seller_id, payments.currency, -paybacks.amount_minor
                    FROM paybacks
                    JOIN payments ON payments.id = paybacks.payment_id AND payments.method = 'card'
                   UNION ALL
                  SELECT payments.seller_id, payments.currency, -card_disputes.loss_minor
                    FROM card_disputes
                    JOIN payments ON payments.id = card_disputes.payment_id
                   WHERE card_disputes.loss_minor > 0
                   UNION ALL
                  SELECT seller_id, currency, -amount_minor - fees_minor FROM card_payouts
                   UNION ALL
                  SELECT seller_id, currency, amount_minor FROM card_payouts WHERE returned_at IS NOT NULL
              )
              SELECT NULL::uuid, sellers.code || ' ' || sides.currency, sum(sides.minor) <> 0 OR sides.currency <> sellers.currency
                FROM (SELECT seller_id, currency, minor FROM held
                       UNION ALL
                      SELECT seller_id, currency, -minor FROM happened) AS sides
                JOIN sellers ON sellers.id = sides.seller_id
               GROUP BY sellers.id, sides.currency
               UNION ALL
              SELECT NULL
                   , sellers.code || ' ' || held.currency || ' for more than 45 days'
                   , held.minor > COALESCE((SELECT sum(payments.amount_minor)
                                              FROM payments
                                             WHERE payments.method = 'card'
                                               AND (payments.seller_id, payments.currency) = (held.seller_id, held.currency)
                                               AND payments.received_on > looks.began_at::date - 45), 0)
                FROM held
                JOIN sellers ON sellers.id = held.seller_id
                JOIN self_audits looks ON looks.id = $1",
    },
    Check {
        code: "vat",
        rules: "I29",
        sql: "SELECT NULL::uuid, sellers.code || ' ' || to_char(sides.month, 'YYYY-MM'), sum(sides.vat_minor) <> 0
                FROM (SELECT entries.seller_id, date_trunc('month', entries.effective_on::timestamp) AS month
                           , postings.amount_minor AS vat_minor
                        FROM postings
                        JOIN journal_entries entries ON entries.id = postings.entry_id AND entries.source_kind = 'document'
                        JOIN ledger_accounts books ON books.id = postings.ledger_account_id AND books.role = 'vat'
                       UNION ALL
                      SELECT seller_id, date_trunc('month', issued_on::timestamp)
                           , CASE kind WHEN 'invoice' THEN vat_minor ELSE -vat_minor END
                        FROM documents
                       WHERE state = 'final') AS sides
                JOIN sellers ON sellers.id = sides.seller_id
               GROUP BY sellers.id, sides.month",
    },
];
