-- What each role may do. Run after every migration; says everything anew, so a right taken away here is taken away.
-- A role that does not exist (tests, one shared login) is skipped.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['sayoo_web', 'sayoo_worker', 'sayoo_proxy'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', role_name);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role_name);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', role_name);
    END LOOP;

    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sayoo_web') THEN
        -- The web process never sees a tenant's database password and never writes what only the worker knows.
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sayoo_web;
        REVOKE ALL ON runtime_secrets, replica_secrets, route_proofs, _sqlx_migrations FROM sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON routes, runtimes, replicas, replica_troubles, traffic_samples, environment_activity FROM sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON environment_troubles FROM sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON meter_epochs, meter_samples, meter_batches, meter_refusals, meter_looks FROM sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON usage_hours, usage_days, usage_due, user_days, meter_generations FROM sayoo_web;
        -- With its salt, who somebody is could be found out from a hash.
        REVOKE ALL ON user_looks FROM sayoo_web;
        GRANT SELECT (environment_id, looked_at, read_until) ON user_looks TO sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON traffic_refusals, scaling_months, maintenances FROM sayoo_web;
        REVOKE UPDATE, DELETE ON audit_log FROM sayoo_web;
        -- What is charged is for the database and the worker to say; money that moved, and final papers, are never changed by anybody.
        REVOKE INSERT, UPDATE, DELETE ON environment_segments, charges, charge_lines, billing_periods, trials FROM sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON journal_counters, document_files, document_series, ledger_accounts FROM sayoo_web;
        REVOKE UPDATE, DELETE ON journal_entries, postings, payments, allocations, paybacks FROM sayoo_web;
        -- Documents and who sells are for the worker and the command line; what locks an invoice needs a right to change something of it.
        REVOKE INSERT, UPDATE, DELETE ON documents, document_lines, document_vat, sellers FROM sayoo_web;
        GRANT UPDATE (created_at) ON documents TO sayoo_web;
        REVOKE INSERT ON paybacks FROM sayoo_web;
        -- It writes down what staff want done there, and neither changes that nor says what became of it.
        REVOKE INSERT, UPDATE, DELETE ON billing_instructions, dry_runs FROM sayoo_web;
        GRANT INSERT (id, kind, document_id, period_id, seller_id, wanted, reason, asked_by, asked_at) ON billing_instructions TO sayoo_web;
        -- To lock a payment. A trigger refuses every change of one.
        GRANT UPDATE (created_at) ON payments TO sayoo_web;
        -- Staff give more time; what is done about unpaid invoices is for the worker.
        REVOKE INSERT, UPDATE, DELETE ON dunning_steps, dunning_states, dunning_limits FROM sayoo_web;
        REVOKE UPDATE, DELETE ON dunning_delays FROM sayoo_web;
        REVOKE ALL ON kept_mails FROM sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON dunning_looks, dunning_hints, open_invoices, document_evidence, document_gaps FROM sayoo_web;
        -- A customer says what a month may cost; what was told about it is for the worker.
        REVOKE INSERT, UPDATE, DELETE ON budget_alerts FROM sayoo_web;
        -- Our people make coupons and customers redeem them; what is taken off is for the worker.
        REVOKE UPDATE, DELETE ON coupons, coupon_plans, coupon_redemptions FROM sayoo_web;
        GRANT UPDATE (ended_at) ON coupons TO sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON discounts, discount_lines FROM sayoo_web;
        REVOKE DELETE ON bank_receipts FROM sayoo_web;
        -- Our people publish and withdraw versions of plans; neither is undone.
        REVOKE UPDATE, DELETE ON plan_withdrawals FROM sayoo_web;
        -- They ask for a preview and for a move, and withdraw a move; who is moved and what it comes to is for the worker.
        REVOKE INSERT, UPDATE, DELETE ON plan_previews, plan_preview_rows, plan_moves, plan_move_environments FROM sayoo_web;
        GRANT INSERT (id, plan_version_id, compared_version_id, asked_by, asked_at) ON plan_previews TO sayoo_web;
        GRANT INSERT (plan_version_id, from_version_id, month, asked_by, asked_at) ON plan_moves TO sayoo_web;
        GRANT UPDATE (withdrawn_at) ON plan_moves TO sayoo_web;
        -- It keeps what Stripe posts; attempts and what they came to are for the worker.
        REVOKE INSERT, UPDATE, DELETE ON payment_attempts, card_disputes, stripe_polls FROM sayoo_web;
        REVOKE UPDATE, DELETE ON stripe_events FROM sayoo_web;
        GRANT UPDATE (again_at) ON stripe_events TO sayoo_web;
        -- It asks for pages at Stripe, and says which card is used and which no more; cards themselves come from Stripe.
        REVOKE INSERT, UPDATE, DELETE ON card_wishes, payment_methods, stripe_customers, card_payouts FROM sayoo_web;
        GRANT INSERT (id, account_id, asked_by, kind, document_id, amount_minor, currency, language, created_at) ON card_wishes TO sayoo_web;
        GRANT UPDATE (back_at) ON card_wishes TO sayoo_web;
        GRANT UPDATE (is_default, removed_at) ON payment_methods TO sayoo_web;
        -- Staff ask for a refund, confirm it or withdraw it; what became of it is for the worker.
        REVOKE INSERT, UPDATE, DELETE ON card_refunds FROM sayoo_web;
        GRANT INSERT (id, payment_id, account_id, amount_minor, currency, reason, state, asked_by, created_at) ON card_refunds TO sayoo_web;
        GRANT UPDATE (state, approved_by, ended_at) ON card_refunds TO sayoo_web;
        -- Staff ask for credit, confirm it or withdraw it; the worker books it. What is left of credit is for the database to say.
        REVOKE INSERT, UPDATE, DELETE ON credit_grants, credit_lots, credit_expiries FROM sayoo_web;
        GRANT INSERT (id, account_id, amount_minor, currency, reason, priority, expires_at, state, asked_by, created_at) ON credit_grants TO sayoo_web;
        GRANT UPDATE (state, approved_by, ended_at) ON credit_grants TO sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON charge_days, period_facts, environment_facts, document_facts, period_proofs FROM sayoo_web;
        -- What the books say of themselves is not for whoever shows it.
        REVOKE INSERT, UPDATE, DELETE ON self_audits, self_audit_checks, self_audit_parts FROM sayoo_web;
        -- Staff ask for another try; what is carried into our books is for the worker.
        REVOKE INSERT, UPDATE, DELETE ON book_links, book_pushes FROM sayoo_web;
        GRANT UPDATE (asked_at) ON book_pushes TO sayoo_web;
        -- It asks for a domain; how far it has come is for the worker to say. Private keys are nothing for it.
        REVOKE INSERT, UPDATE, DELETE ON domains FROM sayoo_web;
        GRANT INSERT (id, account_id, environment_id, hostname, token, created_at) ON domains TO sayoo_web;
        GRANT UPDATE (looks_asked, looked_asked_at, removed_at) ON domains TO sayoo_web;
        REVOKE ALL ON certificates, certificate_orders, acme_challenges, acme_accounts FROM sayoo_web;
        GRANT SELECT (hostname, not_before, not_after, renew_at) ON certificates TO sayoo_web;
        -- Staff say what they want of a host; where its daemon is reached, once written, is not theirs to change.
        REVOKE INSERT, UPDATE, DELETE ON hosts FROM sayoo_web;
        GRANT INSERT (id, name, docker_endpoint, upstream_address, zone, pool, cpu_millis, memory_mb, state, created_at) ON hosts TO sayoo_web;
        GRANT UPDATE (wanted, wanted_reason, state, zone, pool, cpu_percent, memory_kept_mb, address_wanted, may_have_fewer) ON hosts TO sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON placements, images, host_images, database_servers, templates FROM sayoo_web;
        -- Staff say what machines cost, again and again; what was said stays. Who was where is for the database to write.
        REVOKE UPDATE, DELETE ON host_costs, month_rates FROM sayoo_web;
        REVOKE INSERT, UPDATE, DELETE ON host_stays FROM sayoo_web;
        -- Staff say what they want of a sandbox; how far it is and what was seen in it is for the worker.
        REVOKE INSERT, UPDATE, DELETE ON sandboxes, sandbox_server FROM sayoo_web;
        GRANT INSERT (id, name, country, currency, plan_versions, usage_profile, pays, has_trial, budget_minor, language, starts_at
                    , made_by, made_at, wanted_at, touched_at) ON sandboxes TO sayoo_web;
        GRANT UPDATE (wanted_at, touched_at, removed_at) ON sandboxes TO sayoo_web;
    END IF;

    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sayoo_worker') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sayoo_worker;
        -- The worker has no business with passwords and sessions of people.
        REVOKE ALL ON sessions, staff_sessions, staff_recovery_codes, _sqlx_migrations FROM sayoo_worker;
        GRANT SELECT (id, expires_at), DELETE ON sessions, staff_sessions TO sayoo_worker;
        REVOKE UPDATE, DELETE ON audit_log, meter_samples, meter_batches, meter_refusals FROM sayoo_worker;
        REVOKE INSERT, UPDATE, DELETE ON environment_segments, journal_counters FROM sayoo_worker;
        REVOKE DELETE ON payment_attempts, stripe_events, card_disputes, card_wishes, card_refunds, card_payouts, book_pushes FROM sayoo_worker;
        REVOKE INSERT, UPDATE, DELETE ON charge_days, period_facts, environment_facts, document_facts FROM sayoo_worker;
        REVOKE INSERT, UPDATE, DELETE ON coupons, coupon_plans, coupon_redemptions FROM sayoo_worker;
        REVOKE UPDATE, DELETE ON charges, discounts, document_files, journal_entries, postings, payments, allocations, paybacks FROM sayoo_worker;
        REVOKE UPDATE, DELETE ON period_proofs FROM sayoo_worker;
        REVOKE INSERT, DELETE ON credit_grants FROM sayoo_worker;
        REVOKE INSERT, UPDATE, DELETE ON credit_lots FROM sayoo_worker;
        GRANT UPDATE (expires_at, reminded_at) ON credit_lots TO sayoo_worker;
        REVOKE UPDATE, DELETE ON credit_expiries FROM sayoo_worker;
        GRANT UPDATE (created_at) ON payments TO sayoo_worker;
        REVOKE DELETE ON bank_receipts FROM sayoo_worker;
        REVOKE INSERT, UPDATE, DELETE ON open_invoices FROM sayoo_worker;
        REVOKE UPDATE, DELETE ON document_evidence FROM sayoo_worker;
        REVOKE INSERT, UPDATE, DELETE ON document_gaps FROM sayoo_worker;
        REVOKE INSERT, DELETE ON billing_instructions FROM sayoo_worker;
        REVOKE DELETE ON user_days FROM sayoo_worker;
        REVOKE INSERT, UPDATE, DELETE ON host_stays, host_costs, month_rates FROM sayoo_worker;
        REVOKE INSERT ON sandboxes FROM sayoo_worker;
    END IF;

    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sayoo_proxy') THEN
        GRANT SELECT ON routes, route_proofs, suspended_environments, certificates, acme_challenges TO sayoo_proxy;
        GRANT SELECT (environment_id, requests_per_second) ON traffic_limits TO sayoo_proxy;
        GRANT SELECT ON dunning_limits TO sayoo_proxy;
        GRANT SELECT (environment_id) ON maintenances TO sayoo_proxy;
        GRANT SELECT (hostname, environment_id, state, removed_at) ON domains TO sayoo_proxy;
        GRANT INSERT ON traffic_samples, traffic_refusals, wake_requests TO sayoo_proxy;
    END IF;
END
$$;
