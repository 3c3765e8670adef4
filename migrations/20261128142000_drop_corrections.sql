-- A credit note that waits because its invoice was credited already may be superfluous: what it gives back was given back by
-- the other one. Somebody says so, and it is dropped: kept with its lines, so that what was charged is still told, but never
-- final, never in the books, and never looked at again.

ALTER TABLE billing_instructions
    DROP CONSTRAINT billing_instructions_kind_check
  , ADD CONSTRAINT billing_instructions_kind_check CHECK (kind IN ('release', 'keep', 'drop', 'credit', 'seller'))
  , ADD CHECK (kind <> 'drop' OR document_id IS NOT NULL);

ALTER TABLE documents
    DROP CONSTRAINT documents_state_check
  , ADD CONSTRAINT documents_state_check CHECK (state IN ('draft', 'final', 'dropped'))
    -- What says who dropped it, when and why.
  , ADD COLUMN dropped_by uuid REFERENCES billing_instructions
  , ADD CHECK ((state = 'dropped') = (dropped_by IS NOT NULL));

CREATE OR REPLACE FUNCTION guard_documents() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    series document_series;
    sums   record;
    cited  documents;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'draft' THEN
            RAISE EXCEPTION 'a document that is final or dropped never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'a document begins as a draft' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'draft' THEN
        RAISE EXCEPTION 'a document that is final or dropped never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state = 'draft' THEN
        RETURN NEW;
    END IF;
    IF NEW.state = 'dropped' THEN
        -- Only what somebody has to say "it was given back already" of, only because one of our people said so, and as it is.
        IF NEW.kind <> 'credit_note' OR OLD.held ->> 'reason' IS DISTINCT FROM 'credited'
           OR (NEW.id, NEW.account_id, NEW.seller_id, NEW.corrects_id, NEW.currency, NEW.net_minor)
              IS DISTINCT FROM (OLD.id, OLD.account_id, OLD.seller_id, OLD.corrects_id, OLD.currency, OLD.net_minor)
           OR NOT EXISTS (SELECT FROM billing_instructions WHERE id = NEW.dropped_by AND kind = 'drop' AND document_id = NEW.id) THEN
            RAISE EXCEPTION 'only a credit note of what was credited already is dropped, by an instruction'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;

    SELECT * INTO series FROM document_series WHERE seller_id = NEW.seller_id AND year = NEW.series_year FOR UPDATE;
    IF NEW.no IS DISTINCT FROM series.last_no + 1 OR NEW.number IS DISTINCT FROM series.prefix || lpad(NEW.no::text, 6, '0') THEN
        RAISE EXCEPTION 'the next number is %, not %', series.last_no + 1, NEW.no USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.issued_on < series.last_on OR extract(year FROM NEW.issued_on) <> series.year THEN
        RAISE EXCEPTION 'documents are numbered in the order of their dates, each in its year'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.previous_sha256 IS DISTINCT FROM series.last_sha256
       OR NEW.sha256 IS DISTINCT FROM sha256(series.last_sha256 || convert_to(NEW.canonical, 'UTF8')) THEN
        RAISE EXCEPTION 'the hash of a document is made of the one before and of its text' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.canonical::jsonb ->> 'number' IS DISTINCT FROM NEW.number
       OR (NEW.canonical::jsonb ->> 'currency') IS DISTINCT FROM NEW.currency
       OR round((NEW.canonical::jsonb -> 'totals' ->> 'gross')::numeric * 100) IS DISTINCT FROM NEW.gross_minor THEN
        RAISE EXCEPTION 'what is written and what is kept are the same' USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    SELECT count(*) AS lines, COALESCE(sum(net_minor), 0) AS net INTO sums FROM document_lines WHERE document_id = NEW.id;
    IF sums.lines = 0 OR sums.net <> NEW.net_minor THEN
        RAISE EXCEPTION 'the net amount is the sum of the lines' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT COALESCE(sum(amount_minor), 0) AS vat INTO sums FROM document_vat WHERE document_id = NEW.id;
    IF sums.vat <> NEW.vat_minor OR EXISTS (
        SELECT FROM (SELECT vat_category, vat_rate, sum(net_minor) AS base FROM document_lines WHERE document_id = NEW.id GROUP BY 1, 2) AS l
          FULL JOIN (SELECT category, rate, base_minor FROM document_vat WHERE document_id = NEW.id) AS v
            ON (l.vat_category, l.vat_rate) = (v.category, v.rate)
         WHERE l.base IS DISTINCT FROM v.base_minor
    ) THEN
        RAISE EXCEPTION 'VAT is that of the lines of each rate' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.kind = 'credit_note' THEN
        SELECT * INTO cited FROM documents WHERE id = NEW.corrects_id FOR UPDATE;
        IF cited.kind <> 'invoice' OR cited.state <> 'final' OR cited.account_id <> NEW.account_id
           OR cited.seller_id <> NEW.seller_id OR cited.currency <> NEW.currency THEN
            RAISE EXCEPTION 'a credit note cites a final invoice of the same customer' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF EXISTS (
            SELECT FROM (
                SELECT v.category, v.rate, sum(v.base_minor) AS base
                  FROM document_vat v
                  JOIN documents d ON d.id = v.document_id
                 WHERE d.corrects_id = NEW.corrects_id AND (d.state = 'final' OR d.id = NEW.id)
                 GROUP BY 1, 2
            ) AS taken
              LEFT JOIN document_vat billed ON billed.document_id = NEW.corrects_id
                   AND (billed.category, billed.rate) = (taken.category, taken.rate)
             WHERE taken.base > COALESCE(billed.base_minor, 0)
        ) THEN
            RAISE EXCEPTION 'credit notes take back no more than was billed' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;

    UPDATE document_series
       SET last_no = NEW.no, last_on = NEW.issued_on, last_sha256 = NEW.sha256
     WHERE seller_id = NEW.seller_id AND year = NEW.series_year;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION refuse_change_of_final_document() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    document_state text;
BEGIN
    FOR document_state IN
        SELECT state FROM documents
         WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.document_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.document_id END)
         ORDER BY id FOR SHARE
    LOOP
        IF document_state <> 'draft' THEN
            RAISE EXCEPTION 'a document that is final or dropped never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;

-- A closed period's charges all stand on lines of a final document, but for those of a trial and of nothing. What is given back and
-- waits for a person, or was dropped by one, does not keep the month open: its line is there.
CREATE OR REPLACE FUNCTION demand_lines_of_charges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT
                 FROM charges c
                 LEFT JOIN charge_lines l ON l.charge_id = c.id
                 LEFT JOIN documents d ON d.id = l.document_id
                       AND (d.state IN ('final', 'dropped') OR (d.kind = 'credit_note' AND d.held IS NOT NULL))
                WHERE c.period_id = NEW.id
                  AND c.class <> 'trial'
                  AND c.net_minor <> 0
                  AND d.id IS NULL) THEN
        RAISE EXCEPTION 'every charge of a closed period stands on a final document' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
