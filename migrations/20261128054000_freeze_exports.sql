-- What exports say of closed periods and final documents is kept as it was then: names and usage by day may change later, a file
-- that was sent may not. Written by the database, so that no way of closing a period can forget it.

-- How a charge's quantity fell on days (UTC). Days without usage are left out. Charges that have no row here (base prices,
-- corrections, what has no hours) are one line over all of their time.
CREATE TABLE charge_days (
    charge_id   uuid PRIMARY KEY REFERENCES charges
  , days        date[] NOT NULL
  , quantities  numeric(24, 4)[] NOT NULL CHECK (cardinality(days) = cardinality(quantities) AND cardinality(days) > 0)
);

-- Who sold and who bought, as they were called when the period was closed.
CREATE TABLE period_facts (
    period_id  uuid PRIMARY KEY REFERENCES billing_periods
  , issuer     text NOT NULL
  , customer   text NOT NULL
);

-- What an environment was called when the period was closed.
CREATE TABLE environment_facts (
    period_id       uuid NOT NULL REFERENCES billing_periods
  , environment_id  uuid NOT NULL REFERENCES environments
  , name            text NOT NULL
  , kind            text NOT NULL
  , host            text NOT NULL
  , PRIMARY KEY (period_id, environment_id)
);

-- The same of a document, and the period that it counts in: an invoice's own; a credit note's is the seller's month.
CREATE TABLE document_facts (
    document_id     uuid PRIMARY KEY REFERENCES documents
  , issuer          text NOT NULL
  , customer        text NOT NULL
  , purchase_order  text NOT NULL
  , from_at         timestamptz NOT NULL
  , until_at        timestamptz NOT NULL CHECK (until_at > from_at)
);
CREATE INDEX document_facts_by_period ON document_facts (from_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['charge_days', 'period_facts', 'environment_facts', 'document_facts'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       name || '_are_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying()',
                       name || '_are_not_emptied', name);
    END LOOP;
END
$$;

-- The days of a charge are within it and add up to it.
CREATE FUNCTION guard_charge_days() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    whole charges;
    parts record;
BEGIN
    SELECT * INTO whole FROM charges WHERE id = NEW.charge_id;
    SELECT sum(quantity) AS quantity, min(quantity) AS least, min(day) AS first, max(day) AS last, count(DISTINCT day) AS days
      INTO parts
      FROM unnest(NEW.days, NEW.quantities) AS part (day, quantity);
    IF parts.quantity <> whole.quantity OR parts.least <= 0 OR parts.days <> cardinality(NEW.days)
       OR parts.first < (whole.from_at AT TIME ZONE 'UTC')::date OR parts.last > (whole.until_at AT TIME ZONE 'UTC')::date THEN
        RAISE EXCEPTION 'the days of a charge add up to it' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER charge_days_add_up BEFORE INSERT ON charge_days FOR EACH ROW EXECUTE FUNCTION guard_charge_days();

-- Divides what a period's charges of one meter say among the days on which it was used, in the order in which it was used: what
-- is included comes first, then the first price, and so on. The last day takes what rounding to four decimals left.
CREATE FUNCTION divide_charges(of_period uuid) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH whole AS (
        SELECT environment_id, plan_version_id, meter, class
             , min(from_at) AS from_at, max(until_at) AS until_at, sum(quantity) AS quantity
          FROM charges
         WHERE period_id = of_period AND of_period_id = of_period AND meter IS NOT NULL AND revision = 0
         GROUP BY environment_id, plan_version_id, meter, class
        HAVING min(quantity) >= 0 AND sum(quantity) > 0
    ), spans AS (
        SELECT w.environment_id, w.plan_version_id, w.meter, w.class
             , GREATEST(w.from_at, s.from_at) AS from_at, LEAST(w.until_at, s.until_at) AS until_at
          FROM whole w
          JOIN environment_segments s ON s.environment_id = w.environment_id AND s.plan_version_id = w.plan_version_id
               AND s.from_at < w.until_at AND COALESCE(s.until_at, 'infinity') > w.from_at
    ), used AS (
        -- Whole days, and the hours of days that began or ended in between.
        SELECT p.environment_id, p.plan_version_id, p.meter, p.class, u.day, u.quantity * 3600 AS amount
          FROM spans p
          JOIN usage_days u ON u.environment_id = p.environment_id AND u.meter = p.meter
               AND u.day >= p.from_at AND u.day <= p.until_at - interval '24 hours'
        UNION ALL
        SELECT p.environment_id, p.plan_version_id, p.meter, p.class, date_trunc('day', u.hour, 'UTC')
             , u.quantity * extract(epoch FROM LEAST(u.hour + interval '1 hour', p.until_at) - GREATEST(u.hour, p.from_at))
          FROM spans p
          JOIN usage_hours u ON u.environment_id = p.environment_id AND u.meter = p.meter
               AND u.hour > p.from_at - interval '1 hour' AND u.hour < p.until_at
         WHERE date_trunc('day', u.hour, 'UTC') < p.from_at
            OR date_trunc('day', u.hour, 'UTC') > p.until_at - interval '24 hours'
    ), days AS (
        SELECT environment_id, plan_version_id, meter, class, day, sum(amount) AS amount
          FROM used
         GROUP BY environment_id, plan_version_id, meter, class, day
        HAVING sum(amount) > 0
    ), shares AS (
        SELECT d.environment_id, d.plan_version_id, d.meter, d.class, d.day
             , trunc(w.quantity * sum(d.amount) OVER (of_meter ORDER BY d.day) / sum(d.amount) OVER of_meter, 4) AS until_quantity
          FROM days d
          JOIN whole w USING (environment_id, plan_version_id, meter, class)
        WINDOW of_meter AS (PARTITION BY d.environment_id, d.plan_version_id, d.meter, d.class)
    ), steps AS (
        SELECT *, COALESCE(lag(until_quantity) OVER (PARTITION BY environment_id, plan_version_id, meter, class ORDER BY day), 0)
                  AS from_quantity
          FROM shares
    ), tiers AS (
        SELECT c.id, c.environment_id, c.plan_version_id, c.meter, c.class, c.quantity
             , COALESCE(sum(c.quantity) OVER (
                   PARTITION BY c.environment_id, c.plan_version_id, c.meter, c.class ORDER BY c.tier, c.id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS below
          FROM charges c
         WHERE c.period_id = of_period AND c.of_period_id = of_period AND c.meter IS NOT NULL AND c.revision = 0
    ), parts AS (
        SELECT t.id, (s.day AT TIME ZONE 'UTC')::date AS day
             , LEAST(s.until_quantity, t.below + t.quantity) - GREATEST(s.from_quantity, t.below) AS quantity
          FROM tiers t
          JOIN steps s USING (environment_id, plan_version_id, meter, class)
         WHERE s.until_quantity > t.below AND s.from_quantity < t.below + t.quantity
    )
    INSERT INTO charge_days (charge_id, days, quantities)
    SELECT id, array_agg(day ORDER BY day), array_agg(quantity ORDER BY day)
      FROM parts
     WHERE quantity > 0
     GROUP BY id;
$$;

REVOKE ALL ON FUNCTION divide_charges(uuid) FROM PUBLIC;

CREATE FUNCTION freeze_period() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO period_facts (period_id, issuer, customer)
    SELECT NEW.id, COALESCE(NULLIF(s.details #>> '{seller,name}', ''), s.code), COALESCE(b.legal_name, a.name)
      FROM sellers s
      JOIN accounts a ON a.id = NEW.account_id
      LEFT JOIN billing_profiles b ON b.account_id = a.id
     WHERE s.id = NEW.seller_id;
    INSERT INTO environment_facts (period_id, environment_id, name, kind, host)
    SELECT NEW.id, e.id, e.name, e.kind
         , COALESCE((SELECT max(name) FROM subdomains WHERE environment_id = e.id), '')
      FROM environments e
     WHERE e.id IN (SELECT environment_id FROM charges WHERE period_id = NEW.id);
    PERFORM divide_charges(NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER billing_periods_are_frozen AFTER UPDATE OF state ON billing_periods
    FOR EACH ROW WHEN (NEW.state = 'closed') EXECUTE FUNCTION freeze_period();

CREATE FUNCTION freeze_document() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO document_facts (document_id, issuer, customer, purchase_order, from_at, until_at)
    SELECT NEW.id, COALESCE(NULLIF(s.details #>> '{seller,name}', ''), s.code), COALESCE(b.legal_name, a.name)
         , COALESCE(b.purchase_order, '')
         , COALESCE(p.from_at, date_trunc('month', NEW.issued_on::timestamp) AT TIME ZONE s.timezone)
         , COALESCE(p.until_at, (date_trunc('month', NEW.issued_on::timestamp) + interval '1 month') AT TIME ZONE s.timezone)
      FROM sellers s
      JOIN accounts a ON a.id = NEW.account_id
      LEFT JOIN billing_profiles b ON b.account_id = a.id
      -- A credit note for what a month's corrections took back is that month's.
      LEFT JOIN billing_periods p ON p.id = COALESCE(NEW.period_id, (
               SELECT c.period_id FROM charge_lines l JOIN charges c ON c.id = l.charge_id WHERE l.document_id = NEW.id LIMIT 1))
     WHERE s.id = NEW.seller_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER documents_are_frozen AFTER UPDATE OF state ON documents
    FOR EACH ROW WHEN (NEW.state = 'final') EXECUTE FUNCTION freeze_document();

-- What is there already.
INSERT INTO period_facts (period_id, issuer, customer)
SELECT p.id, COALESCE(NULLIF(s.details #>> '{seller,name}', ''), s.code), COALESCE(b.legal_name, a.name)
  FROM billing_periods p
  JOIN sellers s ON s.id = p.seller_id
  JOIN accounts a ON a.id = p.account_id
  LEFT JOIN billing_profiles b ON b.account_id = a.id
 WHERE p.state = 'closed';
INSERT INTO environment_facts (period_id, environment_id, name, kind, host)
SELECT DISTINCT c.period_id, e.id, e.name, e.kind, COALESCE((SELECT max(name) FROM subdomains WHERE environment_id = e.id), '')
  FROM charges c
  JOIN environments e ON e.id = c.environment_id
  JOIN billing_periods p ON p.id = c.period_id AND p.state = 'closed';
INSERT INTO document_facts (document_id, issuer, customer, purchase_order, from_at, until_at)
SELECT d.id, COALESCE(NULLIF(s.details #>> '{seller,name}', ''), s.code), COALESCE(b.legal_name, a.name), COALESCE(b.purchase_order, '')
     , COALESCE(p.from_at, date_trunc('month', d.issued_on::timestamp) AT TIME ZONE s.timezone)
     , COALESCE(p.until_at, (date_trunc('month', d.issued_on::timestamp) + interval '1 month') AT TIME ZONE s.timezone)
  FROM documents d
  JOIN sellers s ON s.id = d.seller_id
  JOIN accounts a ON a.id = d.account_id
  LEFT JOIN billing_profiles b ON b.account_id = a.id
  LEFT JOIN billing_periods p ON p.id = COALESCE(d.period_id, (
           SELECT c.period_id FROM charge_lines l JOIN charges c ON c.id = l.charge_id WHERE l.document_id = d.id LIMIT 1))
 WHERE d.state = 'final';
SELECT divide_charges(id) FROM billing_periods WHERE state = 'closed';

-- How exports write instants and money.
CREATE FUNCTION written_at(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
        || CASE WHEN date_trunc('second', at) = at THEN '' ELSE rtrim(to_char(at AT TIME ZONE 'UTC', '.US'), '0') END || 'Z'
$$;
CREATE FUNCTION written_money(minor numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT round(minor / 100, 2)::text
$$;
