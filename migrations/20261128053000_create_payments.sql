-- Money that came in, and what it paid.

CREATE TABLE payments (
    id             uuid PRIMARY KEY
  , account_id     uuid NOT NULL REFERENCES accounts
  , seller_id      uuid NOT NULL REFERENCES sellers
  , method         text NOT NULL CHECK (method IN ('card', 'transfer', 'withholding', 'gift'))
  , amount_minor   bigint NOT NULL CHECK (amount_minor > 0)
  , currency       text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , received_on    date NOT NULL
    -- What the bank or the card's company calls it: the same money is taken once.
  , external_ref   text NOT NULL CHECK (length(external_ref) BETWEEN 1 AND 200)
  , created_at     timestamptz NOT NULL
  , UNIQUE (method, external_ref)
  , UNIQUE (id, account_id)
);
CREATE INDEX payments_by_account ON payments (account_id, received_on);
CREATE TRIGGER payments_are_kept BEFORE UPDATE OR DELETE ON payments FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payments_are_not_emptied BEFORE TRUNCATE ON payments FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- Which document a part of a payment, or of a credit note, pays. What is not allocated is the customer's credit.
-- Taking back (a refund, a dispute) is a row below zero.
CREATE TABLE allocations (
    id              uuid PRIMARY KEY
  , account_id      uuid NOT NULL REFERENCES accounts
    -- Exactly one of these two is where the money comes from.
  , payment_id      uuid
  , credit_note_id  uuid
  , document_id     uuid NOT NULL
  , amount_minor    bigint NOT NULL CHECK (amount_minor <> 0)
  , created_at      timestamptz NOT NULL
  , CHECK ((payment_id IS NULL) <> (credit_note_id IS NULL))
  , FOREIGN KEY (payment_id, account_id) REFERENCES payments (id, account_id)
  , FOREIGN KEY (credit_note_id, account_id) REFERENCES documents (id, account_id)
  , FOREIGN KEY (document_id, account_id) REFERENCES documents (id, account_id)
);
CREATE INDEX allocations_by_document ON allocations (document_id);
CREATE INDEX allocations_by_payment ON allocations (payment_id);
CREATE INDEX allocations_by_credit_note ON allocations (credit_note_id);
CREATE TRIGGER allocations_are_kept BEFORE UPDATE OR DELETE ON allocations FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocations_are_not_emptied BEFORE TRUNCATE ON allocations FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- Money that went back to a customer: a refund, or a dispute that was lost.
CREATE TABLE paybacks (
    id            uuid PRIMARY KEY
  , account_id    uuid NOT NULL REFERENCES accounts
  , payment_id    uuid NOT NULL
  , kind          text NOT NULL CHECK (kind IN ('refund', 'dispute'))
  , amount_minor  bigint NOT NULL CHECK (amount_minor > 0)
  , external_ref  text NOT NULL UNIQUE
  , paid_on       date NOT NULL
  , created_at    timestamptz NOT NULL
  , FOREIGN KEY (payment_id, account_id) REFERENCES payments (id, account_id)
);
CREATE INDEX paybacks_by_payment ON paybacks (payment_id);
CREATE TRIGGER paybacks_are_kept BEFORE UPDATE OR DELETE ON paybacks FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER paybacks_are_not_emptied BEFORE TRUNCATE ON paybacks FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- Never more than there is is given away, nor more taken for a document than it says, whoever writes and how many at once.
CREATE FUNCTION guard_allocations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    paid      documents;
    source    payments;
    credit    documents;
    available bigint;
    used      bigint;
BEGIN
    -- In one order: documents by id, then the payment.
    PERFORM FROM documents WHERE id IN (NEW.document_id, NEW.credit_note_id) ORDER BY id FOR UPDATE;
    SELECT * INTO paid FROM documents WHERE id = NEW.document_id;
    IF paid.kind <> 'invoice' OR paid.state <> 'final' THEN
        RAISE EXCEPTION 'only final invoices are paid' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.payment_id IS NOT NULL THEN
        SELECT * INTO source FROM payments WHERE id = NEW.payment_id FOR UPDATE;
        IF (source.currency, source.seller_id) IS DISTINCT FROM (paid.currency, paid.seller_id) THEN
            RAISE EXCEPTION 'a payment pays invoices in its currency and of its seller' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        available := source.amount_minor - (SELECT COALESCE(sum(amount_minor), 0) FROM paybacks WHERE payment_id = NEW.payment_id);
        SELECT COALESCE(sum(amount_minor), 0) INTO used FROM allocations WHERE payment_id = NEW.payment_id;
    ELSE
        SELECT * INTO credit FROM documents WHERE id = NEW.credit_note_id;
        IF credit.kind <> 'credit_note' OR credit.state <> 'final'
           OR (credit.currency, credit.seller_id) IS DISTINCT FROM (paid.currency, paid.seller_id) THEN
            RAISE EXCEPTION 'only a final credit note in the same currency pays an invoice' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        available := credit.gross_minor;
        SELECT COALESCE(sum(amount_minor), 0) INTO used FROM allocations WHERE credit_note_id = NEW.credit_note_id;
    END IF;
    IF used + NEW.amount_minor > available OR used + NEW.amount_minor < 0 THEN
        RAISE EXCEPTION 'more is allocated than there is' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT COALESCE(sum(amount_minor), 0) INTO used FROM allocations WHERE document_id = NEW.document_id;
    IF used + NEW.amount_minor > paid.gross_minor OR used + NEW.amount_minor < 0 THEN
        RAISE EXCEPTION 'more is paid than the invoice says' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER allocations_are_guarded BEFORE INSERT ON allocations FOR EACH ROW EXECUTE FUNCTION guard_allocations();

-- What goes back is no more than came, and is taken from its invoices first.
CREATE FUNCTION guard_paybacks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    source    payments;
    given     bigint;
    allocated bigint;
BEGIN
    SELECT * INTO source FROM payments WHERE id = NEW.payment_id FOR UPDATE;
    SELECT COALESCE(sum(amount_minor), 0) INTO given FROM paybacks WHERE payment_id = NEW.payment_id;
    SELECT COALESCE(sum(amount_minor), 0) INTO allocated FROM allocations WHERE payment_id = NEW.payment_id;
    IF given + NEW.amount_minor + allocated > source.amount_minor THEN
        RAISE EXCEPTION 'more goes back than is free of the payment' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER paybacks_are_guarded BEFORE INSERT ON paybacks FOR EACH ROW EXECUTE FUNCTION guard_paybacks();

-- All of these stand in the ledger when their transaction ends.
CREATE FUNCTION demand_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM journal_entries WHERE source_kind = TG_ARGV[0] AND source_id = NEW.id AND template = TG_ARGV[1]) THEN
        RAISE EXCEPTION 'a row of % stands in the ledger', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER payments_stand_in_ledger AFTER INSERT ON payments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_entry('payment', 'received');
CREATE CONSTRAINT TRIGGER allocations_stand_in_ledger AFTER INSERT ON allocations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_entry('allocation', 'allocated');
CREATE CONSTRAINT TRIGGER paybacks_stand_in_ledger AFTER INSERT ON paybacks DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_entry('payback', 'paid');

-- Transfers as our people or a bank's statement report them. One that is large waits for a second person.
CREATE TABLE bank_receipts (
    id             uuid PRIMARY KEY
  , seller_id      uuid NOT NULL REFERENCES sellers
    -- NULL until it is known who paid.
  , account_id     uuid REFERENCES accounts
  , amount_minor   bigint NOT NULL CHECK (amount_minor > 0)
  , currency       text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , value_on       date NOT NULL
  , bank_ref       text NOT NULL CHECK (length(bank_ref) BETWEEN 1 AND 200)
  , payer          text NOT NULL DEFAULT ''
  , remittance     text NOT NULL DEFAULT ''
  , source         text NOT NULL CHECK (source IN ('staff', 'camt', 'csv'))
    -- Which invoices it is meant for, as proposed or chosen: [{"document": …, "amount_minor": …}].
  , proposal       jsonb NOT NULL DEFAULT '[]'
  , state          text NOT NULL DEFAULT 'entered' CHECK (state IN ('entered', 'booked', 'refused'))
  , entered_by     uuid NOT NULL REFERENCES staff
  , approved_by    uuid REFERENCES staff CHECK (approved_by <> entered_by)
  , payment_id     uuid REFERENCES payments
  , created_at     timestamptz NOT NULL
  , ended_at       timestamptz
  , CHECK ((state = 'booked') = (payment_id IS NOT NULL))
  , UNIQUE (seller_id, bank_ref, value_on, amount_minor)
);
