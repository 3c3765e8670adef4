//! What is asked of the tax that was collected: of each rate, and that it came with a document.

use crate::billing::self_audit::Check;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[Check {
    code: "rates",
    rules: "I29",
    // The books do not know of rates, documents do: so each document's tax there is that of its rates, added up by month and rate;
    // what stands there without a document belongs to none.
    sql: "WITH booked AS (
              SELECT entries.source_kind, entries.source_id, entries.seller_id, entries.effective_on, entries.seq
                   , -sum(postings.amount_minor) AS vat_minor
                FROM journal_entries entries
                JOIN postings ON postings.entry_id = entries.id
                JOIN ledger_accounts books ON books.id = postings.ledger_account_id AND books.role = 'vat'
               GROUP BY entries.id
          ), told AS (
              SELECT documents.id, documents.seller_id, documents.issued_on
                   , CASE documents.kind WHEN 'invoice' THEN 1 ELSE -1 END * COALESCE(sum(rates.amount_minor), 0) AS vat_minor
                FROM documents
                LEFT JOIN document_vat rates ON rates.document_id = documents.id
               WHERE documents.state = 'final'
               GROUP BY documents.id
          )
          SELECT NULL::uuid
               , sellers.code || ' ' || to_char(told.issued_on, 'YYYY-MM') || ' ' || rates.category || ' ' || rates.rate
               , bool_or(told.vat_minor <> COALESCE(booked.vat_minor, 0)
                         OR date_trunc('month', booked.effective_on::timestamp) <> date_trunc('month', told.issued_on::timestamp)
                         OR booked.seller_id <> told.seller_id) IS TRUE
            FROM told
            JOIN document_vat rates ON rates.document_id = told.id
            JOIN sellers ON sellers.id = told.seller_id
            LEFT JOIN booked ON booked.source_kind = 'document' AND booked.source_id = told.id
           GROUP BY sellers.id, to_char(told.issued_on, 'YYYY-MM'), rates.category, rates.rate
           UNION ALL
          SELECT NULL, sellers.code || ' ' || booked.seq, true
            FROM booked
            JOIN sellers ON sellers.id = booked.seller_id
            LEFT JOIN told ON booked.source_kind = 'document' AND told.id = booked.source_id
           WHERE told.id IS NULL
             AND booked.vat_minor <> 0",
}];
