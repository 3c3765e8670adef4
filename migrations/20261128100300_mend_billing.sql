-- What an audit of billing found: who is written to, what waits and since when, and what must not go back.

-- An owner's address of a closed account: kept while something is owed by either side, for the last invoice and reminders.
CREATE TABLE kept_mails (
    account_id  uuid PRIMARY KEY REFERENCES accounts
  , email       text NOT NULL CHECK (length(email) BETWEEN 3 AND 320)
  , language    text NOT NULL
  , kept_at     timestamptz NOT NULL
);

-- Since when a draft waits, how often it was tried in vain for the same reason, and when that is tried again by itself.
ALTER TABLE documents
    ADD COLUMN held_at timestamptz
  , ADD COLUMN held_tries integer NOT NULL DEFAULT 0
  , ADD COLUMN held_try_at timestamptz
    -- The details with which it was tried: with others it is tried at once.
  , ADD COLUMN held_details text
    -- Somebody looked at it and let it go on.
  , ADD COLUMN is_released boolean NOT NULL DEFAULT false;
UPDATE documents SET held_at = created_at WHERE held IS NOT NULL;
ALTER TABLE documents ADD CHECK (held IS NULL OR held_at IS NOT NULL);

-- What a document is made of besides its lines, in short.
CREATE FUNCTION details_behind(document documents) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(concat((SELECT details::text FROM sellers WHERE id = document.seller_id)
                    , (SELECT billing_profiles::text FROM billing_profiles WHERE account_id = document.account_id)))
$$;

-- A closed period's charges all stand on lines of a final document, but for those of a trial and of nothing. What is given back and
-- waits for a person (it was credited already, perhaps) does not keep the month open: its line is there.
CREATE OR REPLACE FUNCTION demand_lines_of_charges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT
                 FROM charges c
                 LEFT JOIN charge_lines l ON l.charge_id = c.id
                 LEFT JOIN documents d ON d.id = l.document_id
                       AND (d.state = 'final' OR (d.kind = 'credit_note' AND d.held IS NOT NULL))
                WHERE c.period_id = NEW.id
                  AND c.class <> 'trial'
                  AND c.net_minor <> 0
                  AND d.id IS NULL) THEN
        RAISE EXCEPTION 'every charge of a closed period stands on a final document' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;

-- An invoice that waits for its customer's address is asked for as one that is not paid is. Once it is written, it begins anew.
ALTER TABLE dunning_steps
    ADD COLUMN was_draft boolean NOT NULL DEFAULT false
  , DROP CONSTRAINT dunning_steps_pkey
  , ADD PRIMARY KEY (document_id, step, was_draft);

-- Invoices that are not paid in full, kept by the database itself: what is looked for again and again is found without adding up
-- every invoice that there ever was.
CREATE TABLE open_invoices (
    document_id   uuid PRIMARY KEY REFERENCES documents
  , account_id    uuid NOT NULL
  , due_on        date NOT NULL
  , finalised_at  timestamptz NOT NULL
);
CREATE INDEX open_invoices_by_account ON open_invoices (account_id);
CREATE INDEX open_invoices_by_day ON open_invoices (due_on);
CREATE INDEX open_invoices_by_age ON open_invoices (finalised_at);
INSERT INTO open_invoices (document_id, account_id, due_on, finalised_at)
SELECT id, account_id, due_on, finalised_at
  FROM documents
 WHERE kind = 'invoice' AND state = 'final' AND left_of(documents) > 0;

CREATE FUNCTION keep_open_invoices() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    invoice uuid;
BEGIN
    IF TG_TABLE_NAME = 'documents' THEN invoice := NEW.id; ELSE invoice := NEW.document_id; END IF;
    INSERT INTO open_invoices (document_id, account_id, due_on, finalised_at)
    SELECT id, account_id, due_on, finalised_at
      FROM documents
     WHERE id = invoice AND kind = 'invoice' AND state = 'final' AND left_of(documents) > 0
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        DELETE FROM open_invoices
         WHERE document_id = invoice
           AND NOT EXISTS (SELECT FROM documents WHERE id = invoice AND left_of(documents) > 0);
    END IF;
    RETURN NULL;
END
$$;
-- Whoever allocates holds the invoice already: two at once come one after the other.
CREATE TRIGGER allocations_close_invoices AFTER INSERT ON allocations
    FOR EACH ROW EXECUTE FUNCTION keep_open_invoices();
CREATE TRIGGER documents_open_invoices AFTER UPDATE OF state ON documents
    FOR EACH ROW WHEN (NEW.state = 'final' AND NEW.kind = 'invoice') EXECUTE FUNCTION keep_open_invoices();

-- When an account that has not paid was looked at, and what happened since. Hints are only added by whoever pays, and taken by
-- whoever looks: neither waits for the other.
CREATE TABLE dunning_looks (
    account_id  uuid PRIMARY KEY REFERENCES accounts
  , looked_at   timestamptz NOT NULL
);
CREATE TABLE dunning_hints (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , account_id  uuid NOT NULL
);
CREATE INDEX dunning_hints_by_account ON dunning_hints (account_id);

CREATE FUNCTION hint_at_dunning() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO dunning_hints (account_id) VALUES (NEW.account_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER allocations_hint_at_dunning AFTER INSERT ON allocations
    FOR EACH ROW EXECUTE FUNCTION hint_at_dunning();
CREATE TRIGGER dunning_delays_hint_at_dunning AFTER INSERT ON dunning_delays
    FOR EACH ROW EXECUTE FUNCTION hint_at_dunning();

-- What is looked for every few seconds.
CREATE INDEX documents_drafts ON documents (seller_id, created_at, kind, id) WHERE state = 'draft';
CREATE INDEX documents_held ON documents (account_id) WHERE held IS NOT NULL;
CREATE INDEX documents_by_corrected ON documents (corrects_id) WHERE corrects_id IS NOT NULL;
CREATE INDEX billing_periods_to_rate ON billing_periods (until_at, id) WHERE state = 'open' AND rated_at IS NULL;
CREATE INDEX charges_by_month ON charges (of_period_id);

-- Where a consumer in the Union lives, as an invoice was written: two things that say so, where there are two. Never changed.
CREATE TABLE document_evidence (
    document_id  uuid NOT NULL REFERENCES documents
  , kind         text NOT NULL CHECK (kind IN ('billing', 'card', 'bank'))
  , country      text NOT NULL CHECK (country ~ '^[A-Z]{2}$')
  , PRIMARY KEY (document_id, kind)
);
CREATE TRIGGER document_evidence_is_kept BEFORE UPDATE OR DELETE ON document_evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER document_evidence_is_not_emptied BEFORE TRUNCATE ON document_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
-- The country of the bank that gave a card, as Stripe says; empty where it is not known.
ALTER TABLE payment_methods ADD COLUMN country text NOT NULL DEFAULT '' CHECK (country ~ '^([A-Z]{2})?$');

-- Numbers are given once: a series goes on from the newest one, and never back.
CREATE FUNCTION keep_series() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.last_no > 0 THEN
            RAISE EXCEPTION 'a series of numbers that is in use is kept' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.last_no <> 0 OR NEW.last_on IS NOT NULL THEN
            RAISE EXCEPTION 'a series of numbers begins at one' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.seller_id, NEW.year, NEW.prefix) IS DISTINCT FROM (OLD.seller_id, OLD.year, OLD.prefix)
       OR NEW.last_no < OLD.last_no
       OR (OLD.last_on IS NOT NULL AND (NEW.last_on IS NULL OR NEW.last_on < OLD.last_on))
       OR (NEW.last_no = OLD.last_no AND (NEW.last_on, NEW.last_sha256) IS DISTINCT FROM (OLD.last_on, OLD.last_sha256)) THEN
        RAISE EXCEPTION 'a series of numbers never goes back' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER document_series_never_go_back BEFORE INSERT OR UPDATE OR DELETE ON document_series
    FOR EACH ROW EXECUTE FUNCTION keep_series();
CREATE TRIGGER document_series_are_not_emptied BEFORE TRUNCATE ON document_series
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- Numbers that were given, and whose documents the database lost when it was put back to an earlier day.
CREATE TABLE document_gaps (
    seller_id  uuid NOT NULL
  , year       integer NOT NULL
  , from_no    bigint NOT NULL CHECK (from_no > 0)
  , until_no   bigint NOT NULL CHECK (until_no >= from_no)
  , reason     text NOT NULL CHECK (length(reason) BETWEEN 3 AND 1000)
  , noted_at   timestamptz NOT NULL
  , PRIMARY KEY (seller_id, year, from_no)
  , FOREIGN KEY (seller_id, year) REFERENCES document_series (seller_id, year)
);
CREATE TRIGGER document_gaps_are_kept BEFORE UPDATE OR DELETE ON document_gaps
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER document_gaps_are_not_emptied BEFORE TRUNCATE ON document_gaps
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
