-- Usage by day (UTC), added up from the hours in the transaction that writes them: a month of an account's list is read
-- as thirty rows for each meter of an environment, not as seven hundred.
CREATE TABLE usage_days (
    environment_id  uuid NOT NULL REFERENCES environments
  , meter           text NOT NULL CHECK (meter IN ('cpu', 'memory', 'database', 'egress', 'requests'))
  , day             timestamptz NOT NULL CHECK (date_trunc('day', day AT TIME ZONE 'UTC') = day AT TIME ZONE 'UTC')
  , quantity        numeric(38, 0) NOT NULL CHECK (quantity >= 0)
  , PRIMARY KEY (environment_id, meter, day)
);

INSERT INTO usage_days (environment_id, meter, day, quantity)
SELECT environment_id, meter, date_trunc('day', hour AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', sum(quantity)
  FROM usage_hours
 GROUP BY 1, 2, 3;
