-- What is carried into the Odoos that keep our companies' books: once each, however often it is tried.

-- The Odoo with a company's books, as the worker is configured.
CREATE TABLE book_links (
    seller_id   uuid PRIMARY KEY REFERENCES sellers
  , address     text NOT NULL
  , database    text NOT NULL
    -- When it last answered.
  , seen_at     timestamptz
    -- How often in a row it did not, why, and until when it is left alone.
  , failures    integer NOT NULL DEFAULT 0
  , problem     text NOT NULL DEFAULT ''
  , not_before  timestamptz
);

CREATE TABLE book_pushes (
    id              uuid PRIMARY KEY
  , seller_id       uuid NOT NULL REFERENCES sellers
  , kind            text NOT NULL CHECK (kind IN ('customer', 'document', 'payment', 'payback', 'match'))
    -- What comes later needs what comes earlier: customers, invoices, credit notes, payments, paybacks, matches.
  , rank            smallint NOT NULL
  , account_id      uuid NOT NULL REFERENCES accounts
    -- A document; in a match, the invoice that is paid.
  , document_id     uuid REFERENCES documents
    -- A payment; in a match, what pays.
  , payment_id      uuid REFERENCES payments
    -- In a match, what pays.
  , credit_note_id  uuid REFERENCES documents
    -- A payback; in a match, what it takes from the payment.
  , payback_id      uuid REFERENCES paybacks
    -- Of a match: how much.
  , wanted_minor    bigint
  , state           text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'done', 'parked'))
  , tries           integer NOT NULL DEFAULT 0
    -- Why it is not there yet, for our people.
  , problem         text NOT NULL DEFAULT ''
    -- Of a customer: the hash of what was carried.
  , carried         text NOT NULL DEFAULT ''
    -- Its id there.
  , odoo_id         bigint CHECK (odoo_id > 0)
  , created_at      timestamptz NOT NULL
  , next_at         timestamptz NOT NULL
    -- Until when a worker has it.
  , taken_until     timestamptz
    -- One of our people wants it tried now.
  , asked_at        timestamptz
  , done_at         timestamptz
  , CHECK ((state = 'done') = (done_at IS NOT NULL))
  , CHECK (state <> 'done' OR kind = 'match' OR odoo_id IS NOT NULL)
  , CHECK ((kind = 'match') = (wanted_minor IS NOT NULL))
  , CHECK (CASE kind
           WHEN 'customer' THEN num_nonnulls(document_id, payment_id, credit_note_id, payback_id) = 0
           WHEN 'document' THEN document_id IS NOT NULL AND num_nonnulls(payment_id, credit_note_id, payback_id) = 0
           WHEN 'payment' THEN payment_id IS NOT NULL AND num_nonnulls(document_id, credit_note_id, payback_id) = 0
           WHEN 'payback' THEN payback_id IS NOT NULL AND num_nonnulls(document_id, payment_id, credit_note_id) = 0
           ELSE num_nonnulls(document_id, payback_id) = 1 AND num_nonnulls(payment_id, credit_note_id) = 1
           END)
  , UNIQUE NULLS NOT DISTINCT (seller_id, kind, account_id, document_id, payment_id, credit_note_id, payback_id)
);
CREATE INDEX book_pushes_to_do ON book_pushes (seller_id, rank, created_at) WHERE state <> 'done';
CREATE INDEX book_pushes_by_document ON book_pushes (document_id);
CREATE INDEX book_pushes_by_payment ON book_pushes (payment_id);
CREATE INDEX book_pushes_by_payback ON book_pushes (payback_id) WHERE payback_id IS NOT NULL;
CREATE INDEX book_pushes_by_credit_note ON book_pushes (credit_note_id) WHERE credit_note_id IS NOT NULL;
