-- What our people want done in the books: their page writes it down, the worker carries it out and says what became of it.
-- And what a month that is open would come to, so that they see it before it is an invoice.

CREATE TABLE billing_instructions (
    id           uuid PRIMARY KEY
  , kind         text NOT NULL CHECK (kind IN ('release', 'keep', 'credit', 'seller'))
    -- What it is about, one of these: a draft or an invoice, a month, one of our companies.
  , document_id  uuid REFERENCES documents
  , period_id    uuid REFERENCES billing_periods
  , seller_id    uuid REFERENCES sellers
    -- Of a credit note: which lines, how much; of a company: what is to stand on its documents.
  , wanted       jsonb NOT NULL DEFAULT '{}'
  , reason       text NOT NULL CHECK (length(reason) BETWEEN 3 AND 1000)
  , asked_by     uuid NOT NULL REFERENCES staff
  , asked_at     timestamptz NOT NULL
  , state        text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'done', 'refused'))
    -- Why not: the key of a sentence, and what more is known.
  , refusal      jsonb CHECK ((state = 'refused') = (refusal IS NOT NULL))
    -- The credit note that it made.
  , made_id      uuid REFERENCES documents
  , ended_at     timestamptz CHECK ((state = 'asked') = (ended_at IS NULL))
  , CHECK (num_nonnulls(document_id, period_id, seller_id) = 1)
  , CHECK (kind NOT IN ('credit', 'seller') OR (kind = 'credit' AND document_id IS NOT NULL) OR (kind = 'seller' AND seller_id IS NOT NULL))
);
-- One at a time: what is asked twice at once is carried out once.
CREATE UNIQUE INDEX billing_instructions_one_asked ON billing_instructions (COALESCE(document_id, period_id, seller_id)) WHERE state = 'asked';
CREATE INDEX billing_instructions_by_subject ON billing_instructions (COALESCE(document_id, period_id, seller_id), asked_at);

CREATE FUNCTION keep_billing_instructions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'asked' THEN
        RAISE EXCEPTION 'what was asked of billing and ended never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.id, NEW.kind, NEW.document_id, NEW.period_id, NEW.seller_id, NEW.wanted, NEW.reason, NEW.asked_by, NEW.asked_at) IS DISTINCT FROM
       (OLD.id, OLD.kind, OLD.document_id, OLD.period_id, OLD.seller_id, OLD.wanted, OLD.reason, OLD.asked_by, OLD.asked_at) THEN
        RAISE EXCEPTION 'what was asked of billing never becomes something else' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER billing_instructions_are_kept BEFORE UPDATE OR DELETE ON billing_instructions
    FOR EACH ROW EXECUTE FUNCTION keep_billing_instructions();
CREATE TRIGGER billing_instructions_are_not_emptied BEFORE TRUNCATE ON billing_instructions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- Which line of the invoice a line of a credit note gives back: no line is given back twice.
ALTER TABLE document_lines ADD COLUMN corrects_line integer CHECK (corrects_line > 0);

-- What an open month would come to now. Written again and again until the month is rated.
CREATE TABLE dry_runs (
    period_id    uuid PRIMARY KEY REFERENCES billing_periods
    -- Without VAT, with corrections of earlier months; NULL when it cannot be computed.
  , net_minor    bigint
    -- Why not.
  , problem      text NOT NULL DEFAULT '' CHECK ((problem = '') = (net_minor IS NOT NULL))
  , computed_at  timestamptz NOT NULL
);

-- The month of a seller that an instant lies in, account by account: how far it is, what it comes to, and what the invoice
-- of the month before said, both without VAT.
CREATE FUNCTION month_run(of_seller uuid, at timestamptz)
    RETURNS TABLE (period_id uuid, account_id uuid, standing text, net_minor bigint, before_minor bigint, computed_at timestamptz, problem text)
    LANGUAGE sql STABLE AS $$
    WITH months AS (
        SELECT *
          FROM billing_periods
         WHERE seller_id = of_seller
           AND from_at <= at
           AND until_at > at
    ), charged AS (
        SELECT charges.period_id, sum(charges.net_minor)::bigint AS net_minor
          FROM charges
          JOIN months ON months.id = charges.period_id
         WHERE charges.class <> 'trial'
         GROUP BY charges.period_id
    ), drafts AS (
        SELECT charges.period_id, bool_or(documents.held IS NOT NULL) AS is_held
          FROM documents
          JOIN charge_lines ON charge_lines.document_id = documents.id
          JOIN charges ON charges.id = charge_lines.charge_id
          JOIN months ON months.id = charges.period_id
         WHERE documents.state = 'draft'
         GROUP BY charges.period_id
    )
    SELECT months.id
         , months.account_id
         , CASE WHEN months.parked IS NOT NULL THEN 'failed'
                WHEN months.state = 'closed' THEN 'finalised'
                WHEN months.rated_at IS NULL THEN 'open'
                WHEN drafts.is_held THEN 'held'
                ELSE 'drafted'
           END
         , CASE WHEN months.parked IS NOT NULL THEN NULL
                WHEN months.rated_at IS NULL THEN dry_runs.net_minor
                ELSE COALESCE(charged.net_minor, 0)
           END
         , invoices.net_minor
         , COALESCE(months.rated_at, dry_runs.computed_at)
         , COALESCE(months.parked -> 'problems' ->> 0, CASE WHEN months.rated_at IS NULL THEN dry_runs.problem END, '')
      FROM months
      LEFT JOIN charged ON charged.period_id = months.id
      LEFT JOIN drafts ON drafts.period_id = months.id
      LEFT JOIN dry_runs ON dry_runs.period_id = months.id
      LEFT JOIN billing_periods before ON before.account_id = months.account_id AND before.until_at = months.from_at
      LEFT JOIN documents invoices ON invoices.period_id = before.id AND invoices.state = 'final'
$$;
