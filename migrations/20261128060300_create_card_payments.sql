-- Cards, through Stripe: every call that moves money stands here before it is made, every event before it is believed.

-- Who a customer is at Stripe, for each of our companies.
CREATE TABLE stripe_customers (
    account_id   uuid NOT NULL REFERENCES accounts
  , seller_id    uuid NOT NULL REFERENCES sellers
  , customer_id  text NOT NULL UNIQUE CHECK (length(customer_id) BETWEEN 1 AND 200)
  , created_at   timestamptz NOT NULL
  , PRIMARY KEY (account_id, seller_id)
);

-- Cards that customers saved; their numbers are with Stripe only.
CREATE TABLE payment_methods (
    id           uuid PRIMARY KEY
  , account_id   uuid NOT NULL REFERENCES accounts
  , customer_id  text NOT NULL REFERENCES stripe_customers (customer_id)
  , provider_id  text NOT NULL UNIQUE CHECK (length(provider_id) BETWEEN 1 AND 200)
  , brand        text NOT NULL
  , last4        text NOT NULL
    -- `2030-12`.
  , expires      text NOT NULL
  , is_default   boolean NOT NULL DEFAULT false
  , created_at   timestamptz NOT NULL
  , removed_at   timestamptz
  , CHECK (NOT is_default OR removed_at IS NULL)
);
CREATE UNIQUE INDEX payment_methods_one_default ON payment_methods (account_id) WHERE is_default;

-- A try to have an invoice paid: committed before Stripe is asked.
CREATE TABLE payment_attempts (
    id               uuid PRIMARY KEY
  , document_id      uuid NOT NULL
  , account_id       uuid NOT NULL
  , attempt_no       integer NOT NULL CHECK (attempt_no > 0)
  , idempotency_key  text NOT NULL UNIQUE
  , amount_minor     bigint NOT NULL CHECK (amount_minor > 0)
  , currency         text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
    -- What is asked, word for word: a repetition says the same. [[name, value], …]
  , request          jsonb NOT NULL
  , state            text NOT NULL DEFAULT 'created'
                     CHECK (state IN ('created', 'unknown', 'processing', 'requires_action', 'succeeded', 'failed'))
  , provider_id      text UNIQUE
  , failure_code     text NOT NULL DEFAULT ''
  , failure_message  text NOT NULL DEFAULT ''
  , created_at       timestamptz NOT NULL
    -- When Stripe is asked (again), or the next attempt is made.
  , next_at          timestamptz
  , ended_at         timestamptz
  , FOREIGN KEY (document_id, account_id) REFERENCES documents (id, account_id)
  , UNIQUE (document_id, attempt_no)
  , CHECK (idempotency_key = 'invoice-' || document_id::text || '-' || attempt_no::text)
  , CHECK ((state IN ('succeeded', 'failed')) = (ended_at IS NOT NULL))
  , CHECK (state NOT IN ('succeeded', 'processing', 'requires_action') OR provider_id IS NOT NULL)
);
CREATE UNIQUE INDEX payment_attempts_one_open ON payment_attempts (document_id) WHERE ended_at IS NULL;
CREATE INDEX payment_attempts_by_state ON payment_attempts (next_at) WHERE ended_at IS NULL;

-- What is asked of Stripe stays what it was; money that came stays come.
CREATE FUNCTION guard_payment_attempts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    is_open bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'attempts are kept' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        IF (OLD.id, OLD.document_id, OLD.account_id, OLD.attempt_no, OLD.amount_minor, OLD.currency, OLD.request, OLD.created_at)
           IS DISTINCT FROM
           (NEW.id, NEW.document_id, NEW.account_id, NEW.attempt_no, NEW.amount_minor, NEW.currency, NEW.request, NEW.created_at)
           OR (OLD.state = 'succeeded' AND NEW.state <> 'succeeded')
           OR (OLD.provider_id IS NOT NULL AND NEW.provider_id IS DISTINCT FROM OLD.provider_id) THEN
            RAISE EXCEPTION 'an attempt stays what it was' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSE
        PERFORM FROM documents WHERE id = NEW.document_id FOR UPDATE;
        SELECT gross_minor - COALESCE((SELECT sum(amount_minor) FROM allocations WHERE document_id = NEW.document_id), 0)
          INTO is_open
          FROM documents
         WHERE id = NEW.document_id AND kind = 'invoice' AND state = 'final' AND currency = NEW.currency;
        IF is_open IS NULL OR NEW.amount_minor > is_open THEN
            RAISE EXCEPTION 'no more is asked than is open on the invoice' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payment_attempts_are_guarded BEFORE INSERT OR UPDATE OR DELETE ON payment_attempts
    FOR EACH ROW EXECUTE FUNCTION guard_payment_attempts();
CREATE TRIGGER payment_attempts_are_not_emptied BEFORE TRUNCATE ON payment_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- What Stripe told us, as it was told.
CREATE TABLE stripe_events (
    event_id      text PRIMARY KEY CHECK (length(event_id) BETWEEN 1 AND 200)
  , kind          text NOT NULL
  , created       timestamptz NOT NULL
  , livemode      boolean NOT NULL
  , payload       jsonb NOT NULL
  , received_at   timestamptz NOT NULL
  , tries         integer NOT NULL DEFAULT 0
  , next_at       timestamptz NOT NULL
  , processed_at  timestamptz
    -- What became of it; why nothing did.
  , note          text NOT NULL DEFAULT ''
);
CREATE INDEX stripe_events_to_process ON stripe_events (next_at) WHERE processed_at IS NULL;

-- When Stripe was last asked for events that got lost.
CREATE TABLE stripe_polls (
    is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only)
  , polled_at  timestamptz NOT NULL
);

-- What customers' banks take back. Lost ones stand in the books as paybacks.
CREATE TABLE card_disputes (
    provider_id   text PRIMARY KEY
  , payment_id    uuid NOT NULL REFERENCES payments
  , amount_minor  bigint NOT NULL CHECK (amount_minor > 0)
  , currency      text NOT NULL
  , reason        text NOT NULL DEFAULT ''
  , state         text NOT NULL CHECK (state IN ('open', 'won', 'lost'))
  , opened_at     timestamptz NOT NULL
  , changed_at    timestamptz NOT NULL
);
