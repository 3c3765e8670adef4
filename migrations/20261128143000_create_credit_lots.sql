-- Customers' credit lies in lots: each payment, each grant of ours and each credit note is one, and what is left of it is known here.
-- What is left of all of them is what the books say that customers have.

ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_role_check;
ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_role_check CHECK (role IN ('receivable', 'revenue', 'vat', 'bank',
    'card_clearing', 'customer_credit', 'fees', 'other_income', 'vat_withheld', 'loss', 'exchange', 'gifts'));
-- An accountant may have used the number for something else.
INSERT INTO ledger_accounts (seller_id, role, code, name)
SELECT sellers.id
     , 'gifts'
     , chart.code || CASE WHEN EXISTS (SELECT FROM ledger_accounts WHERE seller_id = sellers.id AND code = chart.code) THEN 'C' ELSE '' END
     , 'Cadeaux à la clientèle'
  FROM sellers
 CROSS JOIN LATERAL (SELECT CASE sellers.country WHEN 'MA' THEN '61447' ELSE '623400' END AS code) AS chart
    ON CONFLICT DO NOTHING;

-- Credit that our people give: asked for, confirmed by a second person where it is much, and booked by the worker.
CREATE TABLE credit_grants (
    id            uuid PRIMARY KEY
  , account_id    uuid NOT NULL REFERENCES accounts
  , amount_minor  bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 100000000)
  , currency      text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , reason        text NOT NULL CHECK (length(reason) BETWEEN 3 AND 1000)
    -- Of grants that end at the same instant, or never, the lower one is used first. All come before money that was paid.
  , priority      smallint NOT NULL DEFAULT 50 CHECK (priority BETWEEN 1 AND 99)
    -- From this instant on it pays nothing more.
  , expires_at    timestamptz
  , state         text NOT NULL CHECK (state IN ('waiting', 'wanted', 'done', 'failed', 'withdrawn'))
  , asked_by      uuid NOT NULL REFERENCES staff
  , approved_by   uuid REFERENCES staff CHECK (approved_by <> asked_by)
  , payment_id    uuid UNIQUE REFERENCES payments
  , created_at    timestamptz NOT NULL
  , ended_at      timestamptz
  , CHECK ((state = 'done') = (payment_id IS NOT NULL))
  , CHECK ((state IN ('done', 'failed', 'withdrawn')) = (ended_at IS NOT NULL))
);
CREATE INDEX credit_grants_by_account ON credit_grants (account_id, created_at);
CREATE INDEX credit_grants_by_age ON credit_grants (created_at);

CREATE FUNCTION guard_credit_grants() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    is_large boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'grants are kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT NEW.amount_minor > sellers.four_eyes_minor INTO is_large
          FROM sellers
          JOIN accounts ON accounts.id = NEW.account_id AND accounts.currency = NEW.currency
         WHERE sellers.currency = NEW.currency;
        IF is_large IS NULL THEN
            RAISE EXCEPTION 'credit is given in the currency that its customer pays in' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NEW.state <> (CASE WHEN is_large THEN 'waiting' ELSE 'wanted' END) OR NEW.approved_by IS NOT NULL
           OR NEW.expires_at <= NEW.created_at THEN
            RAISE EXCEPTION 'a grant is asked for first' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.id, OLD.account_id, OLD.amount_minor, OLD.currency, OLD.reason, OLD.priority, OLD.expires_at, OLD.asked_by, OLD.created_at)
       IS DISTINCT FROM
       (NEW.id, NEW.account_id, NEW.amount_minor, NEW.currency, NEW.reason, NEW.priority, NEW.expires_at, NEW.asked_by, NEW.created_at)
       OR OLD.state IN ('done', 'failed', 'withdrawn')
       OR (OLD.state = 'waiting' AND NEW.state NOT IN ('waiting', 'wanted', 'withdrawn'))
       OR (OLD.state = 'wanted' AND NEW.state NOT IN ('wanted', 'done', 'failed'))
       OR (NEW.approved_by IS DISTINCT FROM OLD.approved_by AND NOT (OLD.state = 'waiting' AND NEW.state = 'wanted')) THEN
        RAISE EXCEPTION 'a grant stays what it was' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Whether it is large was decided when it was asked for.
    IF OLD.state = 'waiting' AND NEW.state = 'wanted' AND NEW.approved_by IS NULL THEN
        RAISE EXCEPTION 'a large grant is confirmed by a second person' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER credit_grants_are_guarded BEFORE INSERT OR UPDATE OR DELETE ON credit_grants
    FOR EACH ROW EXECUTE FUNCTION guard_credit_grants();
CREATE TRIGGER credit_grants_are_not_emptied BEFORE TRUNCATE ON credit_grants FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- Customers buy credit on a page of Stripe's: the wish is written down before it, and says what it is for.
ALTER TABLE card_wishes
    DROP CONSTRAINT card_wishes_kind_check
  , ADD CONSTRAINT card_wishes_kind_check CHECK (kind IN ('save', 'pay', 'top_up'))
  , ADD COLUMN amount_minor bigint
  , ADD COLUMN currency text
    -- The payment at Stripe.
  , ADD COLUMN intent_id text UNIQUE CHECK (length(intent_id) BETWEEN 1 AND 200)
    -- The same bounds as in the program (payments::top_ups).
  , ADD CHECK (CASE kind WHEN 'top_up' THEN COALESCE(CASE currency WHEN 'EUR' THEN amount_minor BETWEEN 500 AND 500000
                                                                   WHEN 'MAD' THEN amount_minor BETWEEN 5000 AND 5000000 END, false)
                         ELSE amount_minor IS NULL AND currency IS NULL AND intent_id IS NULL END);
DROP INDEX card_wishes_one_open;
CREATE UNIQUE INDEX card_wishes_one_open ON card_wishes (account_id, COALESCE(document_id, account_id), kind, COALESCE(amount_minor, 0))
    WHERE state IN ('asked', 'ready');

-- A lot has the id of the payment or credit note that it is of.
CREATE TABLE credit_lots (
    id               uuid PRIMARY KEY
  , account_id       uuid NOT NULL REFERENCES accounts
  , seller_id        uuid NOT NULL REFERENCES sellers
  , currency         text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
    -- `payment`: money for invoices; what none takes is left. `top_up`: bought beforehand. `grant`: given by us.
  , source           text NOT NULL CHECK (source IN ('payment', 'top_up', 'grant', 'credit_note'))
  , payment_id       uuid UNIQUE REFERENCES payments CHECK (payment_id = id)
  , credit_note_id   uuid UNIQUE REFERENCES documents CHECK (credit_note_id = id)
  , amount_minor     bigint NOT NULL CHECK (amount_minor > 0)
  , remaining_minor  bigint NOT NULL CHECK (remaining_minor BETWEEN 0 AND amount_minor)
    -- Money that somebody paid never runs out.
  , expires_at       timestamptz CHECK (expires_at IS NULL OR source = 'grant')
  , priority         smallint NOT NULL
    -- The day by which lots of one priority are ordered: when it came in, or was issued.
  , since_on         date NOT NULL
  , created_at       timestamptz NOT NULL
    -- When its people were told that it runs out soon.
  , reminded_at      timestamptz
  , CHECK (num_nonnulls(payment_id, credit_note_id) = 1)
  , CHECK ((source = 'credit_note') = (credit_note_id IS NOT NULL))
);
CREATE INDEX credit_lots_by_account ON credit_lots (account_id, since_on);
CREATE INDEX credit_lots_free ON credit_lots (account_id) WHERE remaining_minor > 0;
CREATE INDEX credit_lots_ending ON credit_lots (expires_at) WHERE remaining_minor > 0 AND expires_at IS NOT NULL;

CREATE FUNCTION guard_credit_lots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR (to_jsonb(OLD) - '{remaining_minor,expires_at,reminded_at}'::text[])
          IS DISTINCT FROM (to_jsonb(NEW) - '{remaining_minor,expires_at,reminded_at}'::text[])
       -- What comes back to a grant may give it more time. Nothing takes time away.
       OR (NEW.expires_at IS DISTINCT FROM OLD.expires_at AND (NEW.expires_at > OLD.expires_at) IS NOT TRUE) THEN
        RAISE EXCEPTION 'a lot stays what it was' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER credit_lots_are_guarded BEFORE UPDATE OR DELETE ON credit_lots FOR EACH ROW EXECUTE FUNCTION guard_credit_lots();
CREATE TRIGGER credit_lots_are_not_emptied BEFORE TRUNCATE ON credit_lots FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- What was left of a grant when it ran out: each time once. A second time comes where something came back to it meanwhile.
CREATE TABLE credit_expiries (
    id            uuid PRIMARY KEY
  , account_id    uuid NOT NULL REFERENCES accounts
  , lot_id        uuid NOT NULL REFERENCES credit_lots
  , amount_minor  bigint NOT NULL CHECK (amount_minor > 0)
  , expired_at    timestamptz NOT NULL
  , created_at    timestamptz NOT NULL
  , UNIQUE (lot_id, expired_at)
);
CREATE TRIGGER credit_expiries_are_kept BEFORE UPDATE OR DELETE ON credit_expiries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_expiries_are_not_emptied BEFORE TRUNCATE ON credit_expiries FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

CREATE FUNCTION guard_credit_expiries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    lot credit_lots;
BEGIN
    SELECT * INTO lot FROM credit_lots WHERE id = NEW.lot_id FOR UPDATE;
    IF (lot.account_id, lot.expires_at, lot.remaining_minor) IS DISTINCT FROM (NEW.account_id, NEW.expired_at, NEW.amount_minor)
       OR NEW.expired_at > NEW.created_at THEN
        RAISE EXCEPTION 'what is left runs out at its instant, all of it' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER credit_expiries_are_guarded BEFORE INSERT ON credit_expiries FOR EACH ROW EXECUTE FUNCTION guard_credit_expiries();
CREATE CONSTRAINT TRIGGER credit_expiries_stand_in_ledger AFTER INSERT ON credit_expiries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_entry('expiry', 'expired');

CREATE OR REPLACE FUNCTION left_of(payment payments) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT payment.amount_minor
         - COALESCE((SELECT sum(amount_minor) FROM allocations WHERE payment_id = payment.id), 0)::bigint
         - COALESCE((SELECT sum(amount_minor) FROM paybacks WHERE payment_id = payment.id), 0)::bigint
         - COALESCE((SELECT sum(amount_minor) FROM credit_expiries WHERE lot_id = payment.id), 0)::bigint
$$;

-- What there is already.
INSERT INTO credit_lots (id, account_id, seller_id, currency, source, payment_id, amount_minor, remaining_minor, priority, since_on, created_at)
SELECT id, account_id, seller_id, currency, CASE method WHEN 'gift' THEN 'grant' ELSE 'payment' END, id, amount_minor
     , left_of(payments), CASE method WHEN 'gift' THEN 50 ELSE 200 END, received_on, created_at
  FROM payments;
INSERT INTO credit_lots (id, account_id, seller_id, currency, source, credit_note_id, amount_minor, remaining_minor, priority, since_on, created_at)
SELECT id, account_id, seller_id, currency, 'credit_note', id, gross_minor, left_of(documents), 100, issued_on, finalised_at
  FROM documents
 WHERE kind = 'credit_note' AND state = 'final' AND gross_minor > 0;

-- From now on each of them comes with its lot, whoever writes it.
CREATE FUNCTION open_lot_of_payment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    given     credit_grants;
    is_bought boolean;
BEGIN
    IF NEW.method = 'gift' THEN
        SELECT * INTO given FROM credit_grants WHERE account_id = NEW.account_id AND 'credit-' || id::text = NEW.external_ref FOR UPDATE;
        IF (given.state, given.amount_minor, given.currency) IS DISTINCT FROM ('wanted', NEW.amount_minor, NEW.currency) THEN
            RAISE EXCEPTION 'credit is given as it was asked for' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    is_bought := NEW.method = 'card'
        AND EXISTS (SELECT FROM card_wishes WHERE kind = 'top_up' AND account_id = NEW.account_id AND intent_id = NEW.external_ref);
    INSERT INTO credit_lots (id, account_id, seller_id, currency, source, payment_id, amount_minor, remaining_minor, expires_at
                           , priority, since_on, created_at)
    VALUES (NEW.id, NEW.account_id, NEW.seller_id, NEW.currency
          , CASE WHEN NEW.method = 'gift' THEN 'grant' WHEN is_bought THEN 'top_up' ELSE 'payment' END
          , NEW.id, NEW.amount_minor, NEW.amount_minor, given.expires_at, COALESCE(given.priority, 200), NEW.received_on, NEW.created_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER payments_open_lots AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION open_lot_of_payment();

CREATE FUNCTION open_lot_of_credit_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO credit_lots (id, account_id, seller_id, currency, source, credit_note_id, amount_minor, remaining_minor
                           , priority, since_on, created_at)
    VALUES (NEW.id, NEW.account_id, NEW.seller_id, NEW.currency, 'credit_note', NEW.id, NEW.gross_minor, NEW.gross_minor
          , 100, NEW.issued_on, NEW.finalised_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER documents_open_lots AFTER UPDATE OF state ON documents
    FOR EACH ROW WHEN (NEW.state = 'final' AND OLD.state <> 'final' AND NEW.kind = 'credit_note' AND NEW.gross_minor > 0)
    EXECUTE FUNCTION open_lot_of_credit_note();

-- The one way in which what is left of a lot changes. That it never falls below nothing, nor rises above what came, is the
-- table's own check, under the lock of its row.
CREATE FUNCTION move_lot() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    of_lot uuid;
    ends   timestamptz;
BEGIN
    IF TG_TABLE_NAME = 'allocations' THEN
        of_lot := COALESCE(NEW.payment_id, NEW.credit_note_id);
    ELSIF TG_TABLE_NAME = 'paybacks' THEN
        of_lot := NEW.payment_id;
    ELSE
        of_lot := NEW.lot_id;
    END IF;
    UPDATE credit_lots SET remaining_minor = remaining_minor - NEW.amount_minor WHERE id = of_lot RETURNING expires_at INTO ends;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'credit lies in lots' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_TABLE_NAME = 'allocations' AND NEW.amount_minor > 0 AND ends <= NEW.created_at THEN
        RAISE EXCEPTION 'what has run out pays nothing' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER allocations_move_lots AFTER INSERT ON allocations FOR EACH ROW EXECUTE FUNCTION move_lot();
CREATE TRIGGER paybacks_move_lots AFTER INSERT ON paybacks FOR EACH ROW EXECUTE FUNCTION move_lot();
CREATE TRIGGER credit_expiries_move_lots AFTER INSERT ON credit_expiries FOR EACH ROW EXECUTE FUNCTION move_lot();

-- When a transaction ends, what is left of a customer's lots is the customer's credit in the books. Both are asked about at once:
-- whatever others commit meanwhile is seen whole, or not at all.
CREATE FUNCTION demand_lots_of_credit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    beyond bigint;
BEGIN
    IF TG_TABLE_NAME = 'postings' THEN
        IF NOT EXISTS (SELECT FROM ledger_accounts WHERE id = NEW.ledger_account_id AND role = 'customer_credit') THEN
            RETURN NULL;
        END IF;
    END IF;
    SELECT COALESCE((SELECT sum(postings.amount_minor)
                       FROM postings
                       JOIN ledger_accounts ON ledger_accounts.id = postings.ledger_account_id AND ledger_accounts.role = 'customer_credit'
                      WHERE postings.account_id = NEW.account_id AND postings.currency = NEW.currency), 0)
         + COALESCE((SELECT sum(remaining_minor) FROM credit_lots WHERE account_id = NEW.account_id AND currency = NEW.currency), 0)
      INTO beyond;
    IF beyond <> 0 THEN
        RAISE EXCEPTION 'credit in the books is what is left of its lots' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER credit_lots_stand_in_ledger AFTER INSERT OR UPDATE OF remaining_minor ON credit_lots DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_lots_of_credit();
CREATE CONSTRAINT TRIGGER postings_have_lots AFTER INSERT ON postings DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.account_id IS NOT NULL) EXECUTE FUNCTION demand_lots_of_credit();
