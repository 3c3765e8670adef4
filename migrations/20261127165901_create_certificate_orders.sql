-- What was asked of a certificate authority for customers' domains. It outlives the domains: an authority forgets nothing
-- either, and what it gives is for everybody here.
CREATE TABLE certificate_orders (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , hostname    text NOT NULL
  , account_id  uuid NOT NULL
  , ordered_at  timestamptz NOT NULL
    -- Whether a certificate came of it.
  , is_granted  boolean NOT NULL DEFAULT false
);
CREATE INDEX certificate_orders_by_time ON certificate_orders (ordered_at);
