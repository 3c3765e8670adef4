-- One account with so many instances, their history and a month of usage; the three plans.
INSERT INTO accounts (id, name, currency, country, timezone, created_at, environment_limit)
VALUES ('00000000-0000-7000-8000-000000000001', 'Bench', 'EUR', 'FR', 'Europe/Paris', now(), 2000);
INSERT INTO users (id, email, email_key, name, password_hash, locale, verified_at, created_at)
VALUES ('00000000-0000-7000-8000-000000000002', 'b@example.com', 'b@example.com', 'Bench', '', 'en', now(), now());
INSERT INTO members (account_id, user_id, role, created_at)
VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 'owner', now());
INSERT INTO sessions (id, token_hash, user_id, account_id, created_at, seen_at, authenticated_at, expires_at, user_agent, address)
VALUES ('00000000-0000-7000-8000-000000000003', sha256('bench'), '00000000-0000-7000-8000-000000000002'
      , '00000000-0000-7000-8000-000000000001', now(), now(), now(), now() + interval '1 day', 'bench', '127.0.0.1');

INSERT INTO plans (id, code, kind, position, names, summaries, created_at)
SELECT ('00000000-0000-7000-8001-00000000000' || n)::uuid, kind, kind, n
     , jsonb_build_object('en', kind, 'fr', kind, 'ar', kind), jsonb_build_object('en', kind, 'fr', kind, 'ar', kind), now()
  FROM unnest(ARRAY['development', 'test', 'production']) WITH ORDINALITY AS kinds (kind, n);
INSERT INTO plan_versions (id, plan_id, version, state, cpu_millis, memory_mb, storage_mb, daily_backups, weekly_backups
                         , monthly_backups, created_at)
SELECT ('00000000-0000-7000-8002-00000000000' || position)::uuid, id, 1, 'draft', 1000, 1024, 10240, 7, 4, 3, now() FROM plans;
INSERT INTO plan_prices (plan_version_id, currency, monthly_minor)
SELECT id, currency, 3900 FROM plan_versions, unnest(ARRAY['EUR', 'MAD']) AS currency;
INSERT INTO plan_meters (plan_version_id, meter, currency, included, unit_price)
SELECT id, meter, currency, 100, 0.035
  FROM plan_versions, unnest(ARRAY['EUR', 'MAD']) AS currency, unnest(ARRAY['cpu', 'database', 'egress', 'requests']) AS meter;
UPDATE plan_versions SET state = 'published', published_at = now();

INSERT INTO projects (id, account_id, name, created_at)
VALUES ('00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000001', 'Bench', now());
INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency
                        , timezone, apps, admin_email, admin_name, order_key, status, status_since, first_ready_at, created_at)
SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001'
     , '00000000-0000-7000-8000-000000000004', 'production', 'Shop ' || n, '00000000-0000-7000-8002-000000000003', 'running'
     , 'Shop', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{crm,sale_management}', 'b@example.com', 'Bench', gen_random_uuid()
     , 'running', now() - n * interval '1 minute', now() - interval '40 days', now() - interval '40 days' - interval '3 seconds'
  FROM generate_series(1, :instances) AS n;
INSERT INTO subdomains (name, environment_id, account_id) SELECT 'shop-' || right(id::text, 12)::bigint, id, account_id FROM environments;
INSERT INTO environment_events (environment_id, at, kind)
SELECT id, now() - n * interval '1 hour', (ARRAY['started', 'stopped', 'step.database.done'])[1 + n % 3]
  FROM environments, generate_series(1, 30) AS n;
INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
SELECT id, meter, date_trunc('hour', now()) - n * interval '1 hour', 1000000, 3600, 'measured'
  FROM environments, unnest(ARRAY['cpu', 'memory', 'database', 'egress', 'requests']) AS meter, generate_series(0, 760) AS n;
INSERT INTO usage_days (environment_id, meter, day, quantity)
SELECT environment_id, meter, date_trunc('day', hour AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', sum(quantity)
  FROM usage_hours GROUP BY 1, 2, 3;
ANALYZE;
-- One of them has been measured each minute of the last day.
INSERT INTO meter_epochs (id, environment_id, meter, source, opened_at, base_value, last_seq, last_value, last_observed_at)
SELECT gen_random_uuid(), '00000000-0000-7000-9000-000000000001', meter, 'bench', now() - interval '1 day', 0, 1440, 1440, now()
  FROM unnest(ARRAY['cpu', 'memory', 'database', 'egress', 'requests']) AS meter;
INSERT INTO meter_samples (epoch_id, seq, from_at, until_at, observed_at, value, quantity, quality)
SELECT id, n, opened_at + (n - 1) * interval '1 minute', opened_at + n * interval '1 minute', opened_at + n * interval '1 minute'
     , n * 1000, 600000 + n * 1000, 'measured'
  FROM meter_epochs, generate_series(1, 1439) AS n;
ANALYZE;
