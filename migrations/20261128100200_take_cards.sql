-- Customers save cards and pay with them on Stripe's own pages; money goes back the way it came; what Stripe pays out is booked.

-- What a customer asks about cards. The worker alone speaks to Stripe: it makes the page there, and says what became of it.
CREATE TABLE card_wishes (
    id           uuid PRIMARY KEY
  , account_id   uuid NOT NULL REFERENCES accounts
  , asked_by     uuid NOT NULL REFERENCES users
  , kind         text NOT NULL CHECK (kind IN ('save', 'pay'))
  , document_id  uuid
    -- The language of the page.
  , language     text NOT NULL CHECK (language ~ '^[a-z]{2}$')
  , created_at   timestamptz NOT NULL
    -- The browser came back from there: Stripe is asked at once, and until it has answered this stands here.
  , back_at      timestamptz
  , state        text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'ready', 'done', 'ended'))
    -- What became of it, as a word; for people.
  , outcome      text NOT NULL DEFAULT '' CHECK (outcome ~ '^[a-z_]*$')
  , session_id   text UNIQUE CHECK (length(session_id) BETWEEN 1 AND 200)
  , page_url     text CHECK (page_url ~ '^https?://')
  , expires_at   timestamptz
    -- When it is looked at without anybody's word.
  , next_at      timestamptz
    -- Until then it is some worker's, or is left alone after something that did not work.
  , held_until   timestamptz
  , FOREIGN KEY (document_id, account_id) REFERENCES documents (id, account_id)
  , CHECK ((kind = 'pay') = (document_id IS NOT NULL))
  , CHECK (state <> 'ready' OR (session_id IS NOT NULL AND page_url IS NOT NULL AND expires_at IS NOT NULL))
  , CHECK ((state IN ('done', 'ended')) = (outcome <> ''))
);
-- Two clicks, or two people, come to one page.
CREATE UNIQUE INDEX card_wishes_one_open ON card_wishes (account_id, COALESCE(document_id, account_id)) WHERE state IN ('asked', 'ready');
CREATE INDEX card_wishes_to_do ON card_wishes (created_at) WHERE state IN ('asked', 'ready');

-- Open pages show at once what became of a wish.
CREATE FUNCTION tell_card_wish() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('card_wishes', NEW.id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER card_wishes_are_told AFTER UPDATE ON card_wishes FOR EACH ROW
    WHEN ((OLD.state, OLD.back_at) IS DISTINCT FROM (NEW.state, NEW.back_at)) EXECUTE FUNCTION tell_card_wish();

-- A card is taken out of use here at once, and at Stripe when the worker gets there.
ALTER TABLE payment_methods ADD COLUMN detached_at timestamptz CHECK (detached_at IS NULL OR removed_at IS NOT NULL);
CREATE INDEX payment_methods_to_detach ON payment_methods (removed_at) WHERE removed_at IS NOT NULL AND detached_at IS NULL;

CREATE FUNCTION guard_payment_methods() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.removed_at IS NOT NULL AND NEW.removed_at IS DISTINCT FROM OLD.removed_at THEN
        RAISE EXCEPTION 'a card that was removed is saved anew' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payment_methods_are_guarded BEFORE UPDATE ON payment_methods FOR EACH ROW EXECUTE FUNCTION guard_payment_methods();

-- An attempt charges a saved card, or waits for a customer on a page of Stripe's.
ALTER TABLE payment_attempts
    ADD COLUMN kind text NOT NULL DEFAULT 'saved' CHECK (kind IN ('saved', 'page'))
    -- The card. What it refused says nothing of another one.
  , ADD COLUMN method_id uuid REFERENCES payment_methods
    -- For whom the page is.
  , ADD COLUMN wish_id uuid UNIQUE REFERENCES card_wishes
  , ADD CHECK ((kind = 'page') = (wish_id IS NOT NULL))
  , ADD CHECK (kind = 'saved' OR method_id IS NULL);

CREATE FUNCTION guard_attempt_kinds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.kind, OLD.method_id, OLD.wish_id) IS DISTINCT FROM (NEW.kind, NEW.method_id, NEW.wish_id) THEN
        RAISE EXCEPTION 'an attempt stays what it was' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payment_attempts_keep_their_kind BEFORE UPDATE ON payment_attempts FOR EACH ROW EXECUTE FUNCTION guard_attempt_kinds();

-- Staff have events looked at again.
ALTER TABLE stripe_events ADD COLUMN again_at timestamptz;
CREATE INDEX stripe_events_again ON stripe_events (again_at) WHERE again_at IS NOT NULL;

-- Card payments that staff give back: a row before Stripe is asked.
CREATE TABLE card_refunds (
    id            uuid PRIMARY KEY
  , payment_id    uuid NOT NULL
  , account_id    uuid NOT NULL
  , amount_minor  bigint NOT NULL CHECK (amount_minor > 0)
  , currency      text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , reason        text NOT NULL CHECK (length(reason) BETWEEN 3 AND 1000)
    -- `waiting`: it is large, and a second person confirms it. `wanted`: the worker asks Stripe. `pending`: Stripe is at it.
  , state         text NOT NULL CHECK (state IN ('waiting', 'wanted', 'unknown', 'pending', 'done', 'failed', 'withdrawn'))
  , asked_by      uuid NOT NULL REFERENCES staff
  , approved_by   uuid REFERENCES staff CHECK (approved_by <> asked_by)
  , created_at    timestamptz NOT NULL
    -- Since when Stripe is asked: its key lives for a day.
  , sent_at       timestamptz
  , next_at       timestamptz
  , ended_at      timestamptz
  , provider_id   text UNIQUE
  , failure       text NOT NULL DEFAULT ''
  , FOREIGN KEY (payment_id, account_id) REFERENCES payments (id, account_id)
  , CHECK ((state IN ('done', 'failed', 'withdrawn')) = (ended_at IS NOT NULL))
  , CHECK (state NOT IN ('pending', 'done') OR provider_id IS NOT NULL)
);
CREATE UNIQUE INDEX card_refunds_one_open ON card_refunds (payment_id) WHERE ended_at IS NULL;
CREATE INDEX card_refunds_to_do ON card_refunds (next_at) WHERE ended_at IS NULL;

-- What can go back of a card payment: what is free of it, and what credit notes gave back meanwhile of what it paid. Nothing while
-- its customer's bank has the word, nor after that.
CREATE FUNCTION returnable_of(payment payments) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE
           WHEN payment.method <> 'card'
             -- What Stripe could not give back is credit here, and no payment there.
             OR payment.external_ref LIKE '%-returned'
             OR EXISTS (SELECT FROM card_disputes WHERE payment_id = payment.id AND state <> 'won') THEN 0
           ELSE LEAST(
               payment.amount_minor
             - COALESCE((SELECT sum(amount_minor) FROM paybacks WHERE payment_id = payment.id), 0)::bigint
             , left_of(payment)
             + COALESCE((SELECT sum(left_of(notes)) FROM documents notes
                          WHERE notes.account_id = payment.account_id
                            AND notes.seller_id = payment.seller_id
                            AND notes.kind = 'credit_note'
                            AND notes.state = 'final'), 0)::bigint)
           END
$$;

-- The same, less what is going back to the customer already.
CREATE FUNCTION refundable_of(payment payments) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT GREATEST(0, returnable_of(payment)
                     - COALESCE((SELECT sum(amount_minor) FROM card_refunds
                                  WHERE account_id = payment.account_id AND ended_at IS NULL), 0)::bigint)
$$;

CREATE FUNCTION guard_card_refunds() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    source   payments;
    is_large boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'refunds are kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT * INTO source FROM payments WHERE id = NEW.payment_id FOR UPDATE;
    SELECT NEW.amount_minor > four_eyes_minor INTO is_large FROM sellers WHERE id = source.seller_id;
    IF TG_OP = 'INSERT' THEN
        -- Two at once for one customer wait for each other.
        PERFORM FROM accounts WHERE id = NEW.account_id FOR NO KEY UPDATE;
        IF NEW.currency <> source.currency OR NEW.amount_minor > refundable_of(source) THEN
            RAISE EXCEPTION 'no more goes back than is free' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NEW.state <> (CASE WHEN is_large THEN 'waiting' ELSE 'wanted' END) OR NEW.approved_by IS NOT NULL OR NEW.provider_id IS NOT NULL THEN
            RAISE EXCEPTION 'a refund is asked for first' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.id, OLD.payment_id, OLD.account_id, OLD.amount_minor, OLD.currency, OLD.reason, OLD.asked_by, OLD.created_at)
       IS DISTINCT FROM
       (NEW.id, NEW.payment_id, NEW.account_id, NEW.amount_minor, NEW.currency, NEW.reason, NEW.asked_by, NEW.created_at)
       OR (OLD.provider_id IS NOT NULL AND NEW.provider_id IS DISTINCT FROM OLD.provider_id)
       OR (OLD.state IN ('failed', 'withdrawn') AND NEW.state <> OLD.state)
       OR (NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn' AND OLD.state <> 'waiting')
       OR (OLD.state <> 'waiting' AND (NEW.state = 'waiting' OR NEW.approved_by IS DISTINCT FROM OLD.approved_by)) THEN
        RAISE EXCEPTION 'a refund stays what it was' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Whether it is large was decided when it was asked for: another limit since then changes nothing.
    IF OLD.state = 'waiting' AND NEW.state NOT IN ('waiting', 'withdrawn', 'failed') AND NEW.approved_by IS NULL THEN
        RAISE EXCEPTION 'a large refund is confirmed by a second person' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER card_refunds_are_guarded BEFORE INSERT OR UPDATE OR DELETE ON card_refunds
    FOR EACH ROW EXECUTE FUNCTION guard_card_refunds();
CREATE TRIGGER card_refunds_are_not_emptied BEFORE TRUNCATE ON card_refunds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- What Stripe paid out to our bank, with what it kept.
CREATE TABLE card_payouts (
    id            uuid PRIMARY KEY
  , provider_id   text NOT NULL UNIQUE CHECK (length(provider_id) BETWEEN 1 AND 200)
  , seller_id     uuid NOT NULL REFERENCES sellers
    -- Below zero when Stripe took from the bank.
  , amount_minor  bigint NOT NULL CHECK (amount_minor <> 0)
  , fees_minor    bigint NOT NULL
  , currency      text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , arrived_on    date NOT NULL
  , created_at    timestamptz NOT NULL
    -- The bank sent it back.
  , returned_at   timestamptz
);
CREATE FUNCTION guard_card_payouts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR (to_jsonb(OLD) - 'returned_at') IS DISTINCT FROM (to_jsonb(NEW) - 'returned_at')
       OR OLD.returned_at IS NOT NULL THEN
        RAISE EXCEPTION 'a payout stays what it was' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER card_payouts_are_guarded BEFORE UPDATE OR DELETE ON card_payouts FOR EACH ROW EXECUTE FUNCTION guard_card_payouts();
CREATE TRIGGER card_payouts_are_not_emptied BEFORE TRUNCATE ON card_payouts FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE CONSTRAINT TRIGGER card_payouts_stand_in_ledger AFTER INSERT ON card_payouts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_entry('payout', 'paid');
