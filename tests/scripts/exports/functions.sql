-- What billing does, in plain SQL through the guards of the migrations: for tests and measurements of exports. For one session.

CREATE FUNCTION pg_temp.id(name text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(name)::uuid $$;

CREATE FUNCTION pg_temp.seller(code text, country text, currency text, zone text, details jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO sellers (id, code, country, currency, timezone, details, created_at)
    VALUES (pg_temp.id('seller ' || code), code, country, currency, zone, details, '2026-09-01T00:00:00Z');
    INSERT INTO ledger_accounts (seller_id, role, code, name)
    SELECT pg_temp.id('seller ' || code), role, number, label
      FROM (VALUES ('receivable', '411000', 'Clients'), ('revenue', '706000', 'Prestations de services')
                 , ('vat', '445710', 'TVA collectée'), ('bank', '512000', 'Banque'), ('card_clearing', '517000', 'Cartes')
                 , ('customer_credit', '419100', 'Clients, avances'), ('fees', '627000', 'Frais')) AS chart (role, number, label);
$$;

CREATE FUNCTION pg_temp.plan(code text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO plans (id, code, kind, position, names, summaries, created_at)
    VALUES (pg_temp.id('plan ' || code), code, 'production', 1, '{}', '{}', '2026-09-01T00:00:00Z');
    INSERT INTO plan_versions (id, plan_id, version, state, cpu_millis, memory_mb, storage_mb, daily_backups, weekly_backups, monthly_backups, created_at)
    VALUES (pg_temp.id('version ' || code), pg_temp.id('plan ' || code), 3, 'draft', 1000, 512, 1000, 0, 0, 0, '2026-09-01T00:00:00Z');
$$;

CREATE FUNCTION pg_temp.account(name text, legal_name text, country text, currency text, zone text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO accounts (id, name, currency, country, timezone, created_at)
    VALUES (pg_temp.id('account ' || name), name, currency, country, zone, '2026-09-01T00:00:00Z');
    INSERT INTO billing_profiles (account_id, legal_name, country, purchase_order, language, updated_at)
    VALUES (pg_temp.id('account ' || name), legal_name, country, 'PO ' || name, 'fr', '2026-09-01T00:00:00Z');
    INSERT INTO projects (id, account_id, name, created_at)
    VALUES (pg_temp.id('project ' || name), pg_temp.id('account ' || name), name, '2026-09-01T00:00:00Z');
$$;

CREATE FUNCTION pg_temp.environment(account text, name text, plan text, since timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency,
                              timezone, apps, admin_email, admin_name, order_key, status_since, created_at, charged_since)
    VALUES (pg_temp.id('environment ' || name), pg_temp.id('account ' || account), pg_temp.id('project ' || account), 'production', name
          , pg_temp.id('version ' || plan), 'running', 'x', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{}', 'x@example.com', 'x'
          , gen_random_uuid(), since, since, since);
$$;

-- Usage of every hour of [from, until): so much each, a little more each hour.
CREATE FUNCTION pg_temp.used(environment text, of_meter text, from_at timestamptz, until_at timestamptz, each numeric) RETURNS void LANGUAGE sql AS $$
    WITH hours AS (
        INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
        SELECT pg_temp.id('environment ' || environment), of_meter, from_at + n * interval '1 hour', each + n * 7919, 3600, 'measured'
          FROM generate_series(0, (extract(epoch FROM until_at - from_at) / 3600)::int - 1) AS n
        RETURNING *
    )
    INSERT INTO usage_days (environment_id, meter, day, quantity)
    SELECT environment_id, meter, date_trunc('day', hour, 'UTC'), sum(quantity) FROM hours GROUP BY 1, 2, 3;
$$;

CREATE FUNCTION pg_temp.period(account text, seller text, name text, from_at timestamptz, until_at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO billing_periods (id, account_id, seller_id, currency, from_at, until_at, created_at)
    SELECT pg_temp.id('period ' || account || ' ' || name), pg_temp.id('account ' || account), s.id, s.currency, from_at, until_at, from_at
      FROM sellers s WHERE s.code = seller;
$$;

-- A charge: of the base price without a meter.
CREATE FUNCTION pg_temp.charge(account text, environment text, plan text, name text, of_name text, class text, revision int,
                               meter text, tier int, quantity numeric, price numeric,
                               from_at timestamptz DEFAULT NULL, until_at timestamptz DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO charges (id, account_id, period_id, of_period_id, environment_id, plan_version_id, class, revision, meter, tier,
                         from_at, until_at, used_raw, quantity, unit_price, currency, net_minor, created_at)
    SELECT pg_temp.id(concat_ws(' ', 'charge', environment, name, of_name, class, revision, meter, tier))
         , p.account_id, p.id, o.id, pg_temp.id('environment ' || environment), pg_temp.id('version ' || plan), class, revision, meter, tier
         , COALESCE(charge.from_at, o.from_at), COALESCE(charge.until_at, o.until_at), 0, quantity, price, p.currency
         , round(quantity * price * 100), p.until_at
      FROM billing_periods p, billing_periods o
     WHERE p.id = pg_temp.id('period ' || account || ' ' || name) AND o.id = pg_temp.id('period ' || account || ' ' || of_name);
$$;

-- Makes a document final: sums, VAT, the next number, the hash, the entry.
CREATE FUNCTION pg_temp.finalise(document uuid, on_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    draft  documents;
    seller sellers;
    series document_series;
    entry  uuid := pg_temp.id('entry of ' || document);
    net    bigint;
    vat    bigint;
    text   text;
    label  text;
BEGIN
    SELECT * INTO draft FROM documents WHERE id = document;
    SELECT * INTO seller FROM sellers WHERE id = draft.seller_id;
    INSERT INTO document_vat (document_id, category, rate, base_minor, amount_minor)
    SELECT document, vat_category, vat_rate, sum(net_minor), round(sum(net_minor) * vat_rate / 100)
      FROM document_lines WHERE document_id = document GROUP BY vat_category, vat_rate;
    SELECT sum(net_minor) INTO net FROM document_lines WHERE document_id = document;
    SELECT sum(amount_minor) INTO vat FROM document_vat WHERE document_id = document;
    INSERT INTO document_series (seller_id, year, prefix)
    VALUES (seller.id, extract(year FROM on_day), seller.code || '-' || extract(year FROM on_day) || '-') ON CONFLICT DO NOTHING;
    SELECT * INTO series FROM document_series WHERE seller_id = seller.id AND year = extract(year FROM on_day) FOR UPDATE;
    label := series.prefix || lpad((series.last_no + 1)::text, 6, '0');
    text := jsonb_build_object('number', label, 'currency', draft.currency,
                               'totals', jsonb_build_object('gross', written_money(net + vat)))::text;
    UPDATE documents
       SET state = 'final', net_minor = net, vat_minor = vat, gross_minor = net + vat, series_year = series.year
         , no = series.last_no + 1, number = label, issued_on = on_day, due_on = on_day + 15
         , finalised_at = on_day + interval '5 hours', canonical = text
         , sha256 = sha256(series.last_sha256 || convert_to(text, 'UTF8')), previous_sha256 = series.last_sha256
     WHERE id = document;
    INSERT INTO journal_entries (id, seller_id, seq, effective_on, journal, source_kind, source_id, template, label, created_at)
    VALUES (entry, seller.id, 0, on_day, 'sales', 'document', document, 'final', label, on_day + interval '5 hours');
    INSERT INTO postings (entry_id, position, ledger_account_id, account_id, amount_minor, currency)
    SELECT entry, side.position, l.id, CASE WHEN side.position = 1 THEN draft.account_id END
         , CASE draft.kind WHEN 'invoice' THEN side.amount ELSE -side.amount END, draft.currency
      FROM (VALUES (1, CASE draft.kind WHEN 'invoice' THEN 'receivable' ELSE 'customer_credit' END, net + vat)
                 , (2, 'revenue', -net), (3, 'vat', -vat)) AS side (position, role, amount)
      JOIN ledger_accounts l ON l.seller_id = seller.id AND l.role = side.role
     WHERE side.amount <> 0;
END
$$;

-- Bills a period: a line for each charge that costs something, a discount, and then nothing more.
CREATE FUNCTION pg_temp.bill(account text, name text, on_day date, discount numeric, category text, rate numeric) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    period   billing_periods;
    document uuid := pg_temp.id('invoice ' || account || ' ' || name);
BEGIN
    SELECT * INTO period FROM billing_periods WHERE id = pg_temp.id('period ' || account || ' ' || name);
    IF EXISTS (SELECT FROM charges WHERE period_id = period.id AND class <> 'trial' AND net_minor <> 0) THEN
        INSERT INTO documents (id, account_id, seller_id, kind, period_id, currency, net_minor, vat_minor, gross_minor, created_at)
        VALUES (document, period.account_id, period.seller_id, 'invoice', period.id, period.currency, 0, 0, 0, on_day);
        WITH numbered AS (
            SELECT *, row_number() OVER (ORDER BY revision, environment_id, meter NULLS FIRST, tier) AS line
              FROM charges WHERE period_id = period.id AND class <> 'trial' AND net_minor <> 0
        ), lines AS (
            INSERT INTO document_lines (document_id, line_no, kind, environment_id, meter, title, from_at, until_at, quantity, unit,
                                        unit_price, net_minor, vat_category, vat_rate)
            SELECT document, line, CASE WHEN revision > 0 THEN 'correction' WHEN meter IS NULL THEN 'base_fee' ELSE 'usage' END
                 , environment_id, meter, '=' || COALESCE(meter, 'plan') || ', "x"', from_at, until_at, quantity, 'C62', unit_price, net_minor
                 , category, rate
              FROM numbered
        )
        INSERT INTO charge_lines (charge_id, document_id, line_no) SELECT id, document, line FROM numbered;
        IF discount > 0 THEN
            INSERT INTO document_lines (document_id, line_no, kind, title, quantity, unit, unit_price, net_minor, vat_category, vat_rate)
            VALUES (document, 1000, 'discount', 'Welcome', -1, 'C62', discount, round(-discount * 100), category, rate);
        END IF;
        PERFORM pg_temp.finalise(document, on_day);
    END IF;
    UPDATE billing_periods SET state = 'closed', closed_at = on_day + interval '5 hours' WHERE id = period.id;
END
$$;

-- Takes a part of an invoice back.
CREATE FUNCTION pg_temp.credit(account text, name text, on_day date, amount numeric, category text, rate numeric) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    cited    documents;
    document uuid := pg_temp.id('credit ' || account || ' ' || name);
BEGIN
    SELECT * INTO cited FROM documents WHERE id = pg_temp.id('invoice ' || account || ' ' || name);
    INSERT INTO documents (id, account_id, seller_id, kind, corrects_id, reason, currency, net_minor, vat_minor, gross_minor, created_at)
    VALUES (document, cited.account_id, cited.seller_id, 'credit_note', cited.id, '-1 day', cited.currency, 0, 0, 0, on_day);
    INSERT INTO document_lines (document_id, line_no, kind, title, quantity, unit, unit_price, net_minor, vat_category, vat_rate)
    VALUES (document, 1, 'credit', 'A day without service', 1, 'C62', amount, round(amount * 100), category, rate);
    PERFORM pg_temp.finalise(document, on_day);
END
$$;

-- Money comes in and pays an invoice.
CREATE FUNCTION pg_temp.pay(account text, name text, how text, minor bigint, allocated bigint, on_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    paid    documents;
    payment uuid := pg_temp.id('payment ' || account || ' ' || name);
    part    uuid := pg_temp.id('allocation ' || account || ' ' || name);
BEGIN
    SELECT * INTO paid FROM documents WHERE id = pg_temp.id('invoice ' || account || ' ' || name);
    INSERT INTO payments (id, account_id, seller_id, method, amount_minor, currency, received_on, external_ref, created_at)
    VALUES (payment, paid.account_id, paid.seller_id, how, minor, paid.currency, on_day, '@ref ' || account || name, on_day);
    INSERT INTO allocations (id, account_id, payment_id, document_id, amount_minor, created_at)
    VALUES (part, paid.account_id, payment, paid.id, allocated, on_day);
    INSERT INTO journal_entries (id, seller_id, seq, effective_on, journal, source_kind, source_id, template, label, created_at)
    VALUES (pg_temp.id('entry of ' || payment), paid.seller_id, 0, on_day, CASE how WHEN 'card' THEN 'card' ELSE 'bank' END, 'payment', payment, 'received', 'ref', on_day)
         , (pg_temp.id('entry of ' || part), paid.seller_id, 0, on_day, 'misc', 'allocation', part, 'allocated', paid.number, on_day);
    INSERT INTO postings (entry_id, position, ledger_account_id, account_id, amount_minor, currency)
    SELECT pg_temp.id('entry of ' || side.source), side.position, l.id, CASE WHEN side.is_theirs THEN paid.account_id END, side.amount, paid.currency
      FROM (VALUES (payment, 1, CASE how WHEN 'card' THEN 'card_clearing' ELSE 'bank' END, false, minor), (payment, 2, 'customer_credit', true, -minor)
                 , (part, 1, 'customer_credit', true, allocated), (part, 2, 'receivable', true, -allocated)) AS side (source, position, role, is_theirs, amount)
      JOIN ledger_accounts l ON l.seller_id = paid.seller_id AND l.role = side.role;
END
$$;
