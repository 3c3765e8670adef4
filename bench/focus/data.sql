-- So many customers with one instance and one month, billed: usage of four meters on each day, six prices.
SELECT pg_temp.seller('FR', 'FR', 'EUR', 'Europe/Paris', '{"seller": {"name": "Sayoo France SAS", "identifiers": {"siren": "732829320"}}}');
SELECT pg_temp.plan('pro');
SELECT pg_temp.account('a' || n, 'Customer ' || n || ', SARL', 'FR', 'EUR', 'Europe/Paris') FROM generate_series(1, :customers) AS n;
SELECT pg_temp.environment('a' || n, 'e' || n, 'pro', '2026-09-01T00:00:00Z') FROM generate_series(1, :customers) AS n;
INSERT INTO usage_days (environment_id, meter, day, quantity)
SELECT e.id, meter, '2026-10-01T00:00:00Z'::timestamptz + d * interval '24 hours', 1000000007 + d * 104729
  FROM environments e, unnest(ARRAY['cpu', 'database', 'egress', 'requests']) AS meter, generate_series(0, 30) AS d;
SELECT pg_temp.period('a' || n, 'FR', 'oct', '2026-10-01T00:00:00Z', '2026-11-01T00:00:00Z') FROM generate_series(1, :customers) AS n;
SELECT pg_temp.charge('a' || n, 'e' || n, 'pro', 'oct', 'oct', 'usual', 0, meter, tier, quantity + n * 0.0137, price)
  FROM generate_series(1, :customers) AS n
 CROSS JOIN (VALUES (NULL, NULL, 1, 19), ('cpu', 0, 20, 0), ('cpu', 1, 50.3333, 0.045679), ('cpu', 2, 61.9871, 0.031234)
                  , ('database', 1, 740.1234, 0.000821), ('egress', 1, 7.7777, 0.090001), ('requests', 1, 603.6001, 0.000833))
       AS c (meter, tier, quantity, price);
SELECT pg_temp.bill('a' || n, 'oct', '2026-11-01', 0, 'S', 20) FROM generate_series(1, :customers) AS n;
ANALYZE;
