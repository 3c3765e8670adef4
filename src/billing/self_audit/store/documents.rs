//! What is asked of invoices and credit notes.

use crate::billing::self_audit::Check;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check {
        code: "numbers",
        rules: "I15, I16",
        // The document after a hole is the one that is told. What was lost when the database was put back is no hole.
        sql: "SELECT documents.account_id
                   , documents.number
                   , documents.no <> row_number() OVER (PARTITION BY documents.seller_id, documents.series_year ORDER BY documents.no)
                                     + COALESCE((SELECT sum(until_no - from_no + 1)
                                                   FROM document_gaps
                                                  WHERE (seller_id, year) = (documents.seller_id, documents.series_year)
                                                    AND until_no < documents.no), 0)
                     OR documents.issued_on < COALESCE(lag(documents.issued_on) OVER of_seller, documents.issued_on)
                     OR documents.number <> series.prefix || lpad(documents.no::text, 6, '0')
                     OR extract(year FROM documents.issued_on) <> documents.series_year
                FROM documents
                LEFT JOIN document_series series ON (series.seller_id, series.year) = (documents.seller_id, documents.series_year)
               WHERE documents.state = 'final'
              WINDOW of_seller AS (PARTITION BY documents.seller_id ORDER BY documents.series_year, documents.no)
               UNION ALL
              SELECT NULL
                   , series.prefix || lpad((series.last_no + 1)::text, 6, '0')
                   , series.last_no <> (SELECT count(*)
                                          FROM documents
                                         WHERE (seller_id, series_year) = (series.seller_id, series.year)
                                           AND state = 'final')
                                       + COALESCE((SELECT sum(until_no - from_no + 1)
                                                     FROM document_gaps
                                                    WHERE (seller_id, year) = (series.seller_id, series.year)), 0)
                FROM document_series series
               UNION ALL
              SELECT account_id, id::text, number IS NOT NULL OR no IS NOT NULL FROM documents WHERE state <> 'final'",
    },
    Check {
        code: "chain",
        rules: "I17, I21",
        sql: r"SELECT documents.account_id
                   , documents.number
                   , documents.previous_sha256 IS DISTINCT FROM COALESCE(lag(documents.sha256) OVER of_seller, '\x'::bytea)
                     OR documents.sha256 IS DISTINCT FROM
                        sha256(documents.previous_sha256 || convert_to(documents.canonical, 'UTF8'))
                FROM documents
               WHERE documents.state = 'final'
              WINDOW of_seller AS (PARTITION BY documents.seller_id ORDER BY documents.series_year, documents.no)
               UNION ALL
              SELECT NULL
                   , series.prefix
                   , series.last_sha256 IS DISTINCT FROM COALESCE((SELECT sha256
                                                                     FROM documents
                                                                    WHERE seller_id = series.seller_id
                                                                      AND series_year <= series.year
                                                                      AND state = 'final'
                                                                    ORDER BY series_year DESC, no DESC
                                                                    LIMIT 1), '\x'::bytea)
                FROM document_series series
               WHERE series.last_no > 0",
    },
    Check {
        code: "sums",
        rules: "I14",
        sql: "SELECT documents.account_id
                   , documents.number
                   , documents.gross_minor <> documents.net_minor + documents.vat_minor
                     OR documents.net_minor <> lines.net
                     OR lines.is_wrong
                     OR documents.vat_minor <> groups.vat
                     OR documents.net_minor <> groups.base
                     OR groups.is_wrong
                FROM documents
               CROSS JOIN LATERAL (
                  SELECT sum(net_minor) AS net
                       , bool_or(net_minor <> round(quantity * unit_price * 100)) AS is_wrong
                    FROM document_lines
                   WHERE document_id = documents.id
                ) AS lines
               CROSS JOIN LATERAL (
                  SELECT sum(amount_minor) AS vat
                       , sum(base_minor) AS base
                       , bool_or(amount_minor <> round(base_minor * rate / 100)
                                 OR base_minor IS DISTINCT FROM (SELECT sum(net_minor)
                                                                   FROM document_lines
                                                                  WHERE document_id = documents.id
                                                                    AND (vat_category, vat_rate) = (category, rate))) AS is_wrong
                    FROM document_vat
                   WHERE document_id = documents.id
                ) AS groups
               WHERE documents.state = 'final'",
    },
    Check {
        code: "written",
        rules: "I18, I21",
        sql: "SELECT final.account_id
                   , final.number
                   , paper ->> 'number' IS DISTINCT FROM final.number
                     OR paper ->> 'currency' IS DISTINCT FROM final.currency
                     OR (paper ->> 'issue_date')::date IS DISTINCT FROM final.issued_on
                     OR (paper ->> 'due_date')::date IS DISTINCT FROM final.due_on
                     OR round((paper #>> '{totals,net}')::numeric * 100) IS DISTINCT FROM final.net_minor
                     OR round((paper #>> '{totals,vat}')::numeric * 100) IS DISTINCT FROM final.vat_minor
                     OR round((paper #>> '{totals,gross}')::numeric * 100) IS DISTINCT FROM final.gross_minor
                     OR jsonb_array_length(paper -> 'lines') <> (SELECT count(*) FROM document_lines WHERE document_id = final.id)
                     OR EXISTS (SELECT
                                  FROM document_lines lines
                                  LEFT JOIN jsonb_to_recordset(paper -> 'lines')
                                    AS told (line_no integer, quantity numeric, unit_price numeric, net numeric)
                                    ON told.line_no = lines.line_no
                                 WHERE lines.document_id = final.id
                                   AND (lines.quantity, lines.unit_price, lines.net_minor)
                                       IS DISTINCT FROM (told.quantity, told.unit_price, round(told.net * 100)))
                FROM (SELECT *, canonical::jsonb AS paper FROM documents WHERE state = 'final') AS final",
    },
    Check {
        code: "files",
        rules: "I17, I18",
        // All that is new; of what is older each file once a month.
        sql: "SELECT documents.account_id
                   , documents.number || ' ' || files.kind
                   , files.sha256 <> sha256(files.content)
                     OR documents.state <> 'final'
                     OR (files.kind IN ('cii', 'ubl')
                         AND position('>' || documents.number || '<' IN convert_from(files.content, 'UTF8')) = 0)
                FROM document_files files
                JOIN documents ON documents.id = files.document_id
               WHERE files.created_at >= $3
                  OR abs(hashtext(files.document_id::text) % 30) = extract(day FROM now())::integer % 30
               UNION ALL
              SELECT periods.account_id
                   , written_at(periods.from_at) || ' ' || proofs.part
                   , proofs.sha256 <> sha256(proofs.content)
                FROM period_proofs proofs
                JOIN billing_periods periods ON periods.id = proofs.period_id
               WHERE proofs.created_at >= $3
                  OR abs(hashtext(proofs.period_id::text) % 30) = extract(day FROM now())::integer % 30",
    },
    Check {
        code: "credits",
        rules: "I19",
        sql: "SELECT notes.account_id
                   , COALESCE(notes.number, notes.id::text)
                   , cited.state <> 'final'
                     OR cited.kind <> 'invoice'
                     OR (cited.account_id, cited.seller_id, cited.currency) <> (notes.account_id, notes.seller_id, notes.currency)
                     OR EXISTS (SELECT
                                  FROM document_vat taken
                                  JOIN documents others ON others.id = taken.document_id
                                   AND others.corrects_id = notes.corrects_id
                                   AND others.state = 'final'
                                 GROUP BY taken.category, taken.rate
                                HAVING sum(taken.base_minor) > COALESCE((SELECT base_minor
                                                                           FROM document_vat
                                                                          WHERE document_id = notes.corrects_id
                                                                            AND (category, rate) = (taken.category, taken.rate)), 0))
                FROM documents notes
                LEFT JOIN documents cited ON cited.id = notes.corrects_id
               WHERE notes.kind = 'credit_note'
                 AND notes.state = 'final'",
    },
    Check {
        code: "once",
        rules: "I20",
        sql: "SELECT periods.account_id
                   , written_at(periods.from_at)
                   , count(documents.id) > 1
                     OR COALESCE(bool_or((documents.account_id, documents.seller_id, documents.currency)
                                         <> (periods.account_id, periods.seller_id, periods.currency)), false)
                FROM billing_periods periods
                LEFT JOIN documents ON documents.period_id = periods.id
               GROUP BY periods.id",
    },
];
