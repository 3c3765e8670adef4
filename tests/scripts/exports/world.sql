-- Two sellers, three customers, October and November 2026, with everything that a file can have to say.

SELECT pg_temp.seller('FR', 'FR', 'EUR', 'Europe/Paris', '{"seller": {"name": "Sayoo France SAS", "identifiers": {"country": "FR", "siren": "732829320"}}}');
SELECT pg_temp.seller('MA', 'MA', 'MAD', 'Africa/Casablanca', '{"seller": {"name": "Sayoo Maroc SARL"}}');
SELECT pg_temp.plan('pro');
SELECT pg_temp.account('acme', '=HYPERLINK("http://evil") & Zoé, "Söhne"', 'FR', 'EUR', 'Europe/Paris');
SELECT pg_temp.account('atlas', E'شركة الأطلس \u202Eevil\u202C', 'MA', 'MAD', 'Africa/Casablanca');
SELECT pg_temp.account('newby', E'Newby\n\t<&> 😀', 'FR', 'EUR', 'Europe/Paris');
SELECT pg_temp.environment('acme', 'acme-prod', 'pro', '2026-10-03T10:20:30Z');
SELECT pg_temp.environment('acme', '+acme-test', 'pro', '2026-09-01T00:00:00Z');
SELECT pg_temp.environment('atlas', 'atlas-prod', 'pro', '2026-09-01T00:00:00Z');
SELECT pg_temp.environment('newby', 'newby-prod', 'pro', '2026-10-10T00:00:00Z');

SELECT pg_temp.used(environment, meter, '2026-10-04T00:00:00Z', '2026-11-30T23:00:00Z', each)
  FROM unnest(ARRAY['acme-prod', '+acme-test', 'atlas-prod', 'newby-prod']) AS environment
 CROSS JOIN (VALUES ('cpu', 700000000::numeric), ('database', 4000000000000), ('egress', 300000000), ('requests', 900)) AS m (meter, each);

SELECT pg_temp.period(account, 'FR', 'oct', '2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z') FROM unnest(ARRAY['acme', 'newby']) AS account;
SELECT pg_temp.period('atlas', 'MA', 'oct', '2026-09-30T23:00:00Z', '2026-10-31T23:00:00Z');
SELECT pg_temp.charge('acme', 'acme-prod', 'pro', 'oct', 'oct', 'usual', 0, NULL, NULL, 1, 17.806452, '2026-10-03T10:20:30Z');
SELECT pg_temp.charge('acme', '+acme-test', 'pro', 'oct', 'oct', 'usual', 0, NULL, NULL, 1, 19);
SELECT pg_temp.charge('acme', environment, 'pro', 'oct', 'oct', 'usual', 0, meter, tier, quantity, price
                    , CASE environment WHEN 'acme-prod' THEN '2026-10-03T10:20:30Z'::timestamptz END)
  FROM unnest(ARRAY['acme-prod', '+acme-test']) AS environment
 CROSS JOIN (VALUES ('cpu', 0, 20.0000, 0), ('cpu', 1, 50.3333, 0.045679), ('cpu', 2, 61.9871, 0.031234)
                  , ('database', 1, 740.1234, 0.000821), ('egress', 1, 0.0777, 0.090001), ('requests', 1, 603.6001, 0.000033)) AS c (meter, tier, quantity, price);
SELECT pg_temp.charge('atlas', 'atlas-prod', 'pro', 'oct', 'oct', 'usual', 0, NULL, NULL, 1, 199);
SELECT pg_temp.charge('atlas', 'atlas-prod', 'pro', 'oct', 'oct', 'usual', 0, meter, tier, quantity, price)
  FROM (VALUES ('cpu', 1, 130.9999, 0.5), ('requests', 0, 1000.0000, 0), ('requests', 1, 1.0001, 0.01)) AS c (meter, tier, quantity, price);
SELECT pg_temp.charge('newby', 'newby-prod', 'pro', 'oct', 'oct', 'trial', 0, 'cpu', 1, 44.4444, 0.045679, '2026-10-10T00:00:00Z', '2026-10-24T09:30:00Z');
SELECT pg_temp.charge('newby', 'newby-prod', 'pro', 'oct', 'oct', 'usual', 0, 'cpu', 1, 33.0001, 0.045679, '2026-10-24T09:30:00Z');

SELECT pg_temp.bill('acme', 'oct', '2026-11-01', 2.50, 'S', 20);
SELECT pg_temp.bill('newby', 'oct', '2026-11-01', 0, 'AE', 0);
SELECT pg_temp.bill('atlas', 'oct', '2026-11-01', 0, 'S', 20);
SELECT pg_temp.pay('acme', 'oct', 'card', 4000, 3500, '2026-11-03');
SELECT pg_temp.pay('atlas', 'oct', 'transfer', 31800, 31741, '2026-11-20');

-- November: late knowledge about October, a negative one among it, and a credit note.
SELECT pg_temp.period('acme', 'FR', 'nov', '2026-10-31T23:00:00Z', '2026-11-30T23:00:00Z');
SELECT pg_temp.period('atlas', 'MA', 'nov', '2026-10-31T23:00:00Z', '2026-11-30T23:00:00Z');
SELECT pg_temp.charge('acme', 'acme-prod', 'pro', 'nov', 'nov', 'usual', 0, NULL, NULL, 1, 19);
SELECT pg_temp.charge('acme', 'acme-prod', 'pro', 'nov', 'nov', 'usual', 0, 'cpu', 1, 140.0000, 0.045679);
SELECT pg_temp.charge('acme', 'acme-prod', 'pro', 'nov', 'oct', 'correction', 1, 'cpu', 2, 3.2105, 0.031234);
SELECT pg_temp.charge('acme', 'acme-prod', 'pro', 'nov', 'oct', 'correction', 1, 'database', 1, -100.5000, 0.000821);
SELECT pg_temp.bill('acme', 'nov', '2026-12-01', 0, 'S', 20);
SELECT pg_temp.credit('acme', 'oct', '2026-12-02', 3.33, 'S', 20);
