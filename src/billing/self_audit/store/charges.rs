//! What is asked of months and of what they cost.

use super::items::items_of_closed_months;
use crate::billing::self_audit::Check;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check {
        code: "months",
        rules: "I7",
        // Nobody has a month while nothing of theirs is on a plan.
        sql: "SELECT account_id
                   , written_at(from_at)
                   , from_at < before
                     OR (from_at > before AND EXISTS (SELECT
                                                        FROM environment_segments segments
                                                       WHERE segments.account_id = months.account_id
                                                         AND segments.from_at < months.from_at
                                                         AND COALESCE(segments.until_at, 'infinity') > months.before))
                FROM (SELECT account_id
                           , from_at
                           , COALESCE(lag(until_at) OVER (PARTITION BY account_id ORDER BY from_at), from_at) AS before
                        FROM billing_periods) AS months",
    },
    Check {
        code: "segments",
        rules: "I7, I10",
        // All time on a plan in a closed month, of each plan version, in the trial or not, and what was charged for it.
        sql: concat!(
            "WITH ",
            items_of_closed_months!(),
            ", wanted AS (
                  SELECT items.*, round(prices.monthly_minor * active / lasts) AS base
                    FROM items
                    LEFT JOIN plan_prices prices ON (prices.plan_version_id, prices.currency) = (items.plan_version_id, items.currency)
              ), charged AS (
                  SELECT charges.of_period_id AS period_id
                       , charges.account_id
                       , charges.environment_id
                       , charges.plan_version_id
                       , charges.class = 'trial' AS is_trial
                       , sum(charges.net_minor) AS base
                       , (array_agg(charges.used_raw ORDER BY charges.revision DESC))[1] AS active
                       , count(*) FILTER (WHERE charges.revision = 0) AS times
                    FROM charges
                    JOIN billing_periods periods ON periods.id = charges.of_period_id AND periods.state = 'closed'
                   WHERE charges.meter IS NULL
                   GROUP BY 1, 2, 3, 4, 5
              )
              SELECT COALESCE(wanted.account_id, charged.account_id)
                   , COALESCE(wanted.environment_id, charged.environment_id)::text
                   , COALESCE(wanted.base, 0) <> COALESCE(charged.base, 0)
                     OR (charged.base IS NULL AND wanted.base IS NULL)
                     OR COALESCE(charged.times, 0) > 1
                     OR (charged.active IS NOT NULL AND COALESCE(wanted.active, 0) <> charged.active)
                FROM wanted
                FULL JOIN charged USING (period_id, environment_id, plan_version_id, is_trial)"
        ),
    },
    Check {
        code: "quantities",
        rules: "I8, I12",
        // What was charged of a meter, with its corrections, is what was used, but for less than a step.
        sql: "SELECT charged.account_id
                   , charged.environment_id::text || ' ' || charged.meter
                   , NOT (charged.used - charged.quantity * meters.unit - charged.carried >= 0
                          AND charged.used - charged.quantity * meters.unit - charged.carried < meters.step)
                FROM (SELECT account_id
                           , environment_id
                           , meter
                           , (array_agg(used_raw ORDER BY revision DESC))[1] AS used
                           , sum(quantity) AS quantity
                           , sum(carry_out_raw - carry_in_raw) AS carried
                        FROM charges
                       WHERE meter IS NOT NULL
                       GROUP BY account_id, of_period_id, environment_id, plan_version_id, class = 'trial', meter) AS charged
                LEFT JOIN (VALUES ('cpu', 3600000000, 360000)
                                , ('database', 3600000000000, 360000000)
                                , ('egress', 1000000000, 100000)
                                , ('requests', 1000, 1)) AS meters (meter, unit, step) ON meters.meter = charged.meter",
    },
    Check {
        code: "remainders",
        rules: "I8",
        sql: "SELECT charged.account_id
                   , charged.environment_id::text || ' ' || charged.meter
                   , NOT (charged.remains >= 0 AND charged.remains < meters.step)
                FROM (SELECT account_id, environment_id, meter, sum(carry_out_raw - carry_in_raw) AS remains
                        FROM charges
                       WHERE meter IS NOT NULL
                         AND class <> 'trial'
                       GROUP BY account_id, environment_id, meter) AS charged
                LEFT JOIN (VALUES ('cpu', 360000), ('database', 360000000), ('egress', 100000), ('requests', 1))
                    AS meters (meter, step) ON meters.meter = charged.meter",
    },
    Check {
        code: "lines",
        rules: "I13",
        sql: "SELECT charges.account_id
                   , COALESCE(documents.number, charges.id::text)
                   , documents.id IS NULL
                     -- What is given back and waits for a person stands on its draft; what was given back before stands on what
                     -- one of our people dropped.
                     OR (documents.state <> 'final' AND charges.net_minor > 0)
                     OR (documents.state = 'draft' AND documents.held IS NULL)
                     OR (documents.state = 'dropped' AND NOT EXISTS (SELECT
                                                                       FROM billing_instructions
                                                                      WHERE id = documents.dropped_by
                                                                        AND document_id = documents.id
                                                                        AND kind = 'drop'
                                                                        AND state = 'done'))
                     OR documents.account_id <> charges.account_id
                     OR lines.quantity <> abs(charges.quantity)
                     OR lines.unit_price <> charges.unit_price
                     OR lines.net_minor <> abs(charges.net_minor)
                     OR (documents.kind = 'credit_note') <> (charges.net_minor < 0)
                FROM charges
                JOIN billing_periods periods ON periods.id = charges.period_id AND periods.state = 'closed'
                LEFT JOIN charge_lines ON charge_lines.charge_id = charges.id
                LEFT JOIN document_lines lines ON (lines.document_id, lines.line_no) = (charge_lines.document_id, charge_lines.line_no)
                LEFT JOIN documents ON documents.id = charge_lines.document_id
               WHERE charges.class <> 'trial'
                 AND charges.net_minor <> 0",
    },
    Check {
        code: "discounts",
        rules: "I13",
        // What a coupon took off stands on one line: below zero on an invoice; as it is on a credit note, which says what is given
        // back. And nothing else is told as a discount.
        sql: "SELECT discounts.account_id
                   , COALESCE(documents.number, discounts.id::text)
                   , documents.id IS NULL
                     OR (documents.kind = 'invoice' AND documents.state <> 'final')
                     OR (documents.state = 'draft' AND documents.held IS NULL)
                     OR (documents.account_id, documents.currency) <> (discounts.account_id, discounts.currency)
                     OR lines.quantity * lines.unit_price * 100
                        <> CASE documents.kind WHEN 'invoice' THEN -discounts.amount_minor ELSE discounts.amount_minor END
                     OR lines.kind <> CASE
                                      WHEN documents.kind = 'invoice' AND discounts.amount_minor > 0 THEN 'discount'
                                      ELSE 'correction'
                                      END
                FROM discounts
                JOIN billing_periods periods ON periods.id = discounts.period_id AND periods.state = 'closed'
                LEFT JOIN discount_lines ON discount_lines.discount_id = discounts.id
                LEFT JOIN document_lines lines ON (lines.document_id, lines.line_no) = (discount_lines.document_id, discount_lines.line_no)
                LEFT JOIN documents ON documents.id = discount_lines.document_id
               UNION ALL
              SELECT documents.account_id
                   , documents.number || ' ' || lines.line_no
                   , (SELECT count(*)
                        FROM discount_lines
                        JOIN discounts ON discounts.id = discount_lines.discount_id
                       WHERE (discount_lines.document_id, discount_lines.line_no) = (lines.document_id, lines.line_no)) <> 1
                FROM document_lines lines
                JOIN documents ON documents.id = lines.document_id
               WHERE lines.kind = 'discount'
                 AND documents.state = 'final'",
    },
    Check {
        code: "frozen",
        rules: "I32, I33",
        // What exports say of what is closed: the days of each charge, and what things were called.
        sql: "SELECT charges.account_id
                   , charges.id::text
                   , charges.quantity <> (SELECT sum(quantity) FROM unnest(charge_days.quantities) AS part (quantity))
                FROM charge_days
                JOIN charges ON charges.id = charge_days.charge_id
               UNION ALL
              SELECT periods.account_id
                   , written_at(periods.from_at)
                   , NOT EXISTS (SELECT FROM period_facts WHERE period_id = periods.id)
                FROM billing_periods periods
               WHERE periods.state = 'closed'
               UNION ALL
              SELECT documents.account_id
                   , documents.number
                   , NOT EXISTS (SELECT FROM document_facts WHERE document_id = documents.id)
                FROM documents
               WHERE documents.state = 'final'",
    },
];
