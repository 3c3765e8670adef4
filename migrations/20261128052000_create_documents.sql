-- Invoices and credit notes, and the ledger under them. What is final is final: the database sees to numbers, sums, hashes and entries.

-- Numbers without holes: one row for each seller and year. Invoices and credit notes share it.
CREATE TABLE document_series (
    seller_id   uuid NOT NULL REFERENCES sellers
  , year        integer NOT NULL CHECK (year BETWEEN 2020 AND 2200)
    -- `FR-2026-`; the number follows it in six digits.
  , prefix      text NOT NULL UNIQUE CHECK (prefix ~ '^[A-Za-z0-9+_/-]{1,20}$')
  , last_no     bigint NOT NULL DEFAULT 0 CHECK (last_no >= 0)
  , last_on     date
    -- SHA-256 of the newest document: the next one names it.
  , last_sha256 bytea NOT NULL DEFAULT '\x'
  , PRIMARY KEY (seller_id, year)
);

CREATE TABLE documents (
    id              uuid PRIMARY KEY
  , account_id      uuid NOT NULL REFERENCES accounts
  , seller_id       uuid NOT NULL REFERENCES sellers
  , kind            text NOT NULL CHECK (kind IN ('invoice', 'credit_note'))
  , state           text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'final'))
    -- The month that an invoice bills; one invoice for each.
  , period_id       uuid REFERENCES billing_periods
    -- The invoice that a credit note takes back, all or a part.
  , corrects_id     uuid REFERENCES documents
  , reason          text NOT NULL DEFAULT ''
  , currency        text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , net_minor       bigint NOT NULL CHECK (net_minor >= 0)
  , vat_minor       bigint NOT NULL CHECK (vat_minor >= 0)
  , gross_minor     bigint NOT NULL CHECK (gross_minor = net_minor + vat_minor)
    -- All NULL in a draft; set together when it becomes final.
  , series_year     integer
  , no              bigint
  , number          text UNIQUE CHECK (number ~ '^[A-Za-z0-9+_/-]{1,35}$')
  , issued_on       date
  , due_on          date CHECK (due_on >= issued_on)
  , finalised_at    timestamptz
    -- Everything that stands on the paper, as it stood then (crates/papers says how it is written).
  , canonical       text
  , sha256          bytea
  , previous_sha256 bytea
  , created_at      timestamptz NOT NULL
  , CHECK ((kind = 'credit_note') = (corrects_id IS NOT NULL))
  , CHECK (kind = 'invoice' OR period_id IS NULL)
  , CHECK ((state = 'final') = (no IS NOT NULL AND series_year IS NOT NULL AND number IS NOT NULL AND issued_on IS NOT NULL
        AND due_on IS NOT NULL AND finalised_at IS NOT NULL AND canonical IS NOT NULL AND sha256 IS NOT NULL
        AND previous_sha256 IS NOT NULL))
  , FOREIGN KEY (period_id, account_id) REFERENCES billing_periods (id, account_id)
  , FOREIGN KEY (seller_id, series_year) REFERENCES document_series (seller_id, year)
  , UNIQUE (seller_id, series_year, no)
  , UNIQUE (id, account_id)
);
CREATE UNIQUE INDEX documents_one_invoice ON documents (period_id) WHERE period_id IS NOT NULL;
CREATE INDEX documents_by_account ON documents (account_id, created_at);
CREATE INDEX documents_by_issue ON documents (issued_on) WHERE state = 'final';

CREATE TABLE document_lines (
    document_id     uuid NOT NULL REFERENCES documents ON DELETE CASCADE
  , line_no         integer NOT NULL CHECK (line_no > 0)
  , kind            text NOT NULL CHECK (kind IN ('base_fee', 'usage', 'discount', 'correction', 'credit'))
  , environment_id  uuid REFERENCES environments
  , meter           text
    -- What the customer reads, in the document's language.
  , title           text NOT NULL CHECK (length(title) BETWEEN 1 AND 600)
  , detail          text NOT NULL DEFAULT ''
  , from_at         timestamptz
  , until_at        timestamptz
  , quantity        numeric(24, 4) NOT NULL
  , unit            text NOT NULL
  , unit_price      numeric(18, 6) NOT NULL CHECK (unit_price > 0)
  , net_minor       bigint NOT NULL CHECK (net_minor = round(quantity * unit_price * 100))
  , vat_category    text NOT NULL
  , vat_rate        numeric(5, 2) NOT NULL CHECK (vat_rate BETWEEN 0 AND 100)
  , PRIMARY KEY (document_id, line_no)
);

-- VAT is computed for all lines of one category and rate together, never by line.
CREATE TABLE document_vat (
    document_id   uuid NOT NULL REFERENCES documents ON DELETE CASCADE
  , category      text NOT NULL
  , rate          numeric(5, 2) NOT NULL CHECK (rate BETWEEN 0 AND 100)
  , base_minor    bigint NOT NULL
  , amount_minor  bigint NOT NULL CHECK (amount_minor = round(base_minor * rate / 100))
    -- Why no VAT is charged, where it is not: `VATEX-EU-AE` and a sentence.
  , reason_code   text NOT NULL DEFAULT ''
  , PRIMARY KEY (document_id, category, rate)
);

-- Which line a charge stands on: one, once.
CREATE TABLE charge_lines (
    charge_id    uuid PRIMARY KEY REFERENCES charges
  , document_id  uuid NOT NULL
  , line_no      integer NOT NULL
  , FOREIGN KEY (document_id, line_no) REFERENCES document_lines ON DELETE CASCADE
);
CREATE INDEX charge_lines_by_document ON charge_lines (document_id, line_no);

-- Papers made of a final document, kept as they were sent.
CREATE TABLE document_files (
    document_id  uuid NOT NULL REFERENCES documents
  , kind         text NOT NULL CHECK (kind IN ('pdf', 'cii', 'ubl'))
  , content      bytea NOT NULL
  , sha256       bytea NOT NULL CHECK (sha256 = sha256(content))
  , created_at   timestamptz NOT NULL
  , PRIMARY KEY (document_id, kind)
);
CREATE TRIGGER document_files_are_kept BEFORE UPDATE OR DELETE ON document_files FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER document_files_are_not_emptied BEFORE TRUNCATE ON document_files FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- The ledger: double entry, per seller. Amounts are signed: debit above zero, credit below.
CREATE TABLE ledger_accounts (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid()
  , seller_id  uuid NOT NULL REFERENCES sellers
    -- What the program posts to; the code and name are the accountant's.
  , role       text NOT NULL CHECK (role IN ('receivable', 'revenue', 'vat', 'bank', 'card_clearing', 'customer_credit',
        'fees', 'other_income', 'vat_withheld', 'loss', 'exchange'))
  , code       text NOT NULL CHECK (code ~ '^[0-9A-Z]{1,20}$')
  , name       text NOT NULL
  , UNIQUE (seller_id, role)
  , UNIQUE (seller_id, code)
);

CREATE TABLE journal_entries (
    id            uuid PRIMARY KEY
  , seller_id     uuid NOT NULL REFERENCES sellers
    -- From 1 without holes for each seller: assigned by the database.
  , seq           bigint NOT NULL
  , effective_on  date NOT NULL
  , journal       text NOT NULL CHECK (journal IN ('sales', 'bank', 'card', 'misc'))
  , source_kind   text NOT NULL
  , source_id     uuid NOT NULL
  , template      text NOT NULL
  , label         text NOT NULL
  , created_at    timestamptz NOT NULL
    -- The transaction that wrote it: sides come in the same one, or never.
  , written_in    xid8 NOT NULL DEFAULT pg_current_xact_id()
  , UNIQUE (seller_id, seq)
    -- The same thing is posted once, whoever tries again.
  , UNIQUE (source_kind, source_id, template)
);

CREATE TABLE postings (
    entry_id           uuid NOT NULL REFERENCES journal_entries
  , position           integer NOT NULL
  , ledger_account_id  uuid NOT NULL REFERENCES ledger_accounts
    -- The customer, where it is a customer's account.
  , account_id         uuid REFERENCES accounts
  , amount_minor       bigint NOT NULL CHECK (amount_minor <> 0)
  , currency           text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , PRIMARY KEY (entry_id, position)
);
CREATE INDEX postings_by_account ON postings (account_id, ledger_account_id);
CREATE INDEX postings_by_ledger_account ON postings (ledger_account_id);

CREATE TRIGGER journal_entries_are_kept BEFORE UPDATE OR DELETE ON journal_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_entries_are_not_emptied BEFORE TRUNCATE ON journal_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER postings_are_kept BEFORE UPDATE OR DELETE ON postings FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_are_not_emptied BEFORE TRUNCATE ON postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- The counter of entries. One row for each seller, taken in the transaction that writes the entry: no holes.
CREATE TABLE journal_counters (
    seller_id  uuid PRIMARY KEY REFERENCES sellers
  , last_seq   bigint NOT NULL
);

CREATE FUNCTION number_journal_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO journal_counters (seller_id, last_seq) VALUES (NEW.seller_id, 1)
        ON CONFLICT (seller_id) DO UPDATE SET last_seq = journal_counters.last_seq + 1
    RETURNING last_seq INTO NEW.seq;
    NEW.written_in := pg_current_xact_id();
    RETURN NEW;
END
$$;
CREATE TRIGGER journal_entries_are_numbered BEFORE INSERT ON journal_entries FOR EACH ROW EXECUTE FUNCTION number_journal_entry();

CREATE FUNCTION refuse_unbalanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid;
BEGIN
    IF TG_TABLE_NAME = 'postings' THEN entry := NEW.entry_id; ELSE entry := NEW.id; END IF;
    IF NOT EXISTS (SELECT FROM postings WHERE entry_id = entry) THEN
        RAISE EXCEPTION 'an entry has postings' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM postings WHERE entry_id = entry GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'an entry adds up to zero in each currency' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM postings p
                 JOIN ledger_accounts l ON l.id = p.ledger_account_id
                 JOIN journal_entries e ON e.id = p.entry_id
                WHERE p.entry_id = entry AND l.seller_id <> e.seller_id) THEN
        RAISE EXCEPTION 'an entry stays in the books of its seller' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- What was committed before is complete: nothing is added to it.
    IF TG_TABLE_NAME = 'postings' AND (SELECT written_in <> pg_current_xact_id() FROM journal_entries WHERE id = entry) THEN
        RAISE EXCEPTION 'rows of postings are never added to an old entry' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER journal_entries_balance AFTER INSERT ON journal_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_entry();
CREATE CONSTRAINT TRIGGER postings_balance AFTER INSERT ON postings DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_entry();

-- A document becomes final by one UPDATE, which takes the next number of its series, or it does not become final.
CREATE FUNCTION guard_documents() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    series document_series;
    sums   record;
    cited  documents;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state = 'final' THEN
            RAISE EXCEPTION 'a final document never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'a document begins as a draft' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state = 'final' THEN
        RAISE EXCEPTION 'a final document never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state = 'draft' THEN
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
CREATE TRIGGER documents_are_guarded BEFORE INSERT OR UPDATE OR DELETE ON documents FOR EACH ROW EXECUTE FUNCTION guard_documents();
CREATE TRIGGER documents_are_not_emptied BEFORE TRUNCATE ON documents FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- A final document is in the ledger when its transaction ends.
CREATE FUNCTION demand_entry_of_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT
                     FROM journal_entries e
                     JOIN postings p ON p.entry_id = e.id
                     JOIN ledger_accounts l ON l.id = p.ledger_account_id
                    WHERE e.source_kind = 'document' AND e.source_id = NEW.id AND e.template = 'final'
                      AND p.account_id = NEW.account_id
                      -- What a credit note gives is the customer's credit until it is allocated.
                      AND l.role = CASE NEW.kind WHEN 'invoice' THEN 'receivable' ELSE 'customer_credit' END
                      AND p.amount_minor = CASE NEW.kind WHEN 'invoice' THEN NEW.gross_minor ELSE -NEW.gross_minor END) THEN
        RAISE EXCEPTION 'a final document stands in the ledger' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER documents_stand_in_ledger AFTER UPDATE OF state ON documents DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state = 'final' AND NEW.gross_minor > 0) EXECUTE FUNCTION demand_entry_of_document();

CREATE FUNCTION refuse_change_of_final_document() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    document_state text;
BEGIN
    FOR document_state IN
        SELECT state FROM documents
         WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.document_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.document_id END)
         ORDER BY id FOR SHARE
    LOOP
        IF document_state = 'final' THEN
            RAISE EXCEPTION 'a final document never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER document_lines_are_final BEFORE INSERT OR UPDATE OR DELETE ON document_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final_document();
CREATE TRIGGER document_vat_is_final BEFORE INSERT OR UPDATE OR DELETE ON document_vat
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final_document();
CREATE TRIGGER charge_lines_are_final BEFORE INSERT OR UPDATE OR DELETE ON charge_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final_document();
CREATE TRIGGER document_lines_are_not_emptied BEFORE TRUNCATE ON document_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER document_vat_is_not_emptied BEFORE TRUNCATE ON document_vat FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER charge_lines_are_not_emptied BEFORE TRUNCATE ON charge_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- A closed period's charges all stand on lines of a final invoice, but for those of a trial and of nothing.
CREATE FUNCTION demand_lines_of_charges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT
                 FROM charges c
                 LEFT JOIN charge_lines l ON l.charge_id = c.id
                 LEFT JOIN documents d ON d.id = l.document_id AND d.state = 'final'
                WHERE c.period_id = NEW.id
                  AND c.class <> 'trial'
                  AND c.net_minor <> 0
                  AND d.id IS NULL) THEN
        RAISE EXCEPTION 'every charge of a closed period stands on a final document' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER billing_periods_are_billed AFTER UPDATE OF state ON billing_periods DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state = 'closed') EXECUTE FUNCTION demand_lines_of_charges();
