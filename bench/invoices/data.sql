-- So many customers with one instance each, that used something in every hour of October; a plan with two prices of processors and
-- of requests, so that each invoice has seven lines. (The program fills in :accounts and :hours.)
INSERT INTO plans (id, code, kind, position, names, summaries, created_at)
VALUES ('00000000-0000-7000-8001-000000000001', 'pro', 'production', 1, '{"en": "Pro", "fr": "Pro", "ar": "Pro"}', '{"en": "", "fr": "", "ar": ""}', '2026-09-01');
INSERT INTO plan_versions (id, plan_id, version, state, cpu_millis, memory_mb, storage_mb, daily_backups, weekly_backups, monthly_backups, created_at)
VALUES ('00000000-0000-7000-8002-000000000001', '00000000-0000-7000-8001-000000000001', 1, 'draft', 1000, 1024, 10240, 7, 4, 3, '2026-09-01');
INSERT INTO plan_prices (plan_version_id, currency, monthly_minor)
SELECT '00000000-0000-7000-8002-000000000001', currency, 3900 FROM unnest(ARRAY['EUR', 'MAD']) AS currency;
INSERT INTO plan_meters (plan_version_id, meter, currency, included, unit_price)
SELECT '00000000-0000-7000-8002-000000000001', meter, currency, 10, 0.035679
  FROM unnest(ARRAY['EUR', 'MAD']) AS currency, unnest(ARRAY['cpu', 'database', 'egress', 'requests']) AS meter;
INSERT INTO plan_tiers (plan_version_id, meter, currency, from_quantity, unit_price)
SELECT '00000000-0000-7000-8002-000000000001', meter, currency, 20, 0.021234
  FROM unnest(ARRAY['EUR', 'MAD']) AS currency, unnest(ARRAY['cpu', 'requests']) AS meter;
UPDATE plan_versions SET state = 'published', published_at = '2026-09-01';

INSERT INTO accounts (id, name, currency, country, timezone, created_at)
SELECT ('00000000-0000-7000-a000-' || lpad(n::text, 12, '0'))::uuid, 'Customer ' || n, 'EUR', 'FR', 'Europe/Paris', '2026-09-30T22:00:00Z'
  FROM generate_series(1, :accounts) AS n;
INSERT INTO users (id, email, email_key, name, password_hash, locale, verified_at, created_at)
SELECT id, id || '@example.com', id || '@example.com', name, '', 'en', created_at, created_at FROM accounts;
INSERT INTO members (account_id, user_id, role, created_at) SELECT id, id, 'owner', created_at FROM accounts;
INSERT INTO billing_profiles (account_id, legal_name, street, postcode, city, country, siren, email, language, updated_at)
SELECT id, name || ', SARL', '3 rue du Port', '13002', 'Marseille', 'FR', '732829320', 'compta@example.com', 'fr', created_at FROM accounts;
INSERT INTO projects (id, account_id, name, created_at) SELECT id, id, 'Shop', created_at FROM accounts;
INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency
                        , timezone, apps, admin_email, admin_name, order_key, status, status_since, first_ready_at, created_at)
SELECT id, id, id, 'production', 'Shop', '00000000-0000-7000-8002-000000000001', 'running', 'Shop', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{}'
     , 'a@example.com', 'A', id, 'running', created_at, created_at, created_at
  FROM accounts;
-- Hour after hour, as usage comes in: an instance's hours lie far from each other. Triggers of foreign keys would take most of the time.
SET session_replication_role = replica;
INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
SELECT id, meter, '2026-09-30T22:00:00Z'::timestamptz + h * interval '1 hour'
     , CASE meter WHEN 'cpu' THEN 400000007 WHEN 'database' THEN 1800000000011 WHEN 'egress' THEN 90000001 ELSE 137 END + h * 1009
     , 3600, 'measured'
  FROM generate_series(0, :hours - 1) AS h, unnest(ARRAY['cpu', 'database', 'egress', 'requests']) AS meter, accounts;
INSERT INTO usage_days (environment_id, meter, day, quantity)
SELECT environment_id, meter, date_trunc('day', hour, 'UTC'), sum(quantity) FROM usage_hours GROUP BY 1, 2, 3;
SET session_replication_role = origin;
ANALYZE;
