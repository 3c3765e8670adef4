-- Coupons: what our people promise, what customers redeem, and what is taken off their months because of it (docs/billing.md).

CREATE TABLE coupons (
    id                uuid PRIMARY KEY
    -- What customers type, in capital letters.
  , code              text NOT NULL UNIQUE CHECK (code ~ '^[A-Z0-9][A-Z0-9-]{2,30}[A-Z0-9]$')
    -- Either so many hundredths, or so much a month.
  , percent           numeric(5, 2) CHECK (percent > 0 AND percent <= 100)
  , amount_minor      bigint CHECK (amount_minor BETWEEN 1 AND 100000000000)
  , currency          text CHECK (currency IN ('EUR', 'MAD'))
    -- When it can be redeemed.
  , valid_from        timestamptz NOT NULL
  , valid_until       timestamptz NOT NULL CHECK (valid_until > valid_from)
    -- By how many accounts at most, and for how many months of each.
  , most_redemptions  integer NOT NULL CHECK (most_redemptions BETWEEN 1 AND 1000000)
  , months            integer NOT NULL CHECK (months BETWEEN 1 AND 120)
  , made_by           uuid NOT NULL REFERENCES staff
  , created_at        timestamptz NOT NULL
    -- Nobody redeems it any more; what was redeemed counts on.
  , ended_at          timestamptz
  , CHECK ((percent IS NULL) <> (amount_minor IS NULL))
  , CHECK ((amount_minor IS NULL) = (currency IS NULL))
);

-- For which plans; without a row: for all.
CREATE TABLE coupon_plans (
    coupon_id  uuid NOT NULL REFERENCES coupons
  , plan_id    uuid NOT NULL REFERENCES plans
  , PRIMARY KEY (coupon_id, plan_id)
);

CREATE TABLE coupon_redemptions (
    id           uuid PRIMARY KEY
  , coupon_id    uuid NOT NULL REFERENCES coupons
  , account_id   uuid NOT NULL REFERENCES accounts
  , redeemed_by  uuid NOT NULL REFERENCES users
  , redeemed_at  timestamptz NOT NULL
    -- Once for each account, however many requests ask at the same time.
  , UNIQUE (coupon_id, account_id)
  , UNIQUE (id, account_id)
);
CREATE INDEX coupon_redemptions_by_account ON coupon_redemptions (account_id, redeemed_at);

-- What a coupon promised is never changed, nor what was redeemed.
CREATE FUNCTION guard_coupons() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL
       AND (to_jsonb(NEW) - 'ended_at') = (to_jsonb(OLD) - 'ended_at') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a coupon is never changed, only ended' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER coupons_are_kept BEFORE UPDATE OR DELETE ON coupons FOR EACH ROW EXECUTE FUNCTION guard_coupons();

CREATE FUNCTION guard_coupon_plans() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM coupons WHERE id = NEW.coupon_id FOR UPDATE;
    IF EXISTS (SELECT FROM coupon_redemptions WHERE coupon_id = NEW.coupon_id) THEN
        RAISE EXCEPTION 'a coupon is never changed, only ended' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER coupon_plans_are_said_first BEFORE INSERT ON coupon_plans FOR EACH ROW EXECUTE FUNCTION guard_coupon_plans();
CREATE TRIGGER coupon_plans_are_kept BEFORE UPDATE OR DELETE ON coupon_plans FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Whoever redeems: one after the other, never more than were promised, while it is valid, in the coupon's currency.
CREATE FUNCTION guard_coupon_redemptions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    coupon coupons;
BEGIN
    SELECT * INTO coupon FROM coupons WHERE id = NEW.coupon_id FOR UPDATE;
    IF coupon.ended_at IS NOT NULL OR NEW.redeemed_at < coupon.valid_from OR NEW.redeemed_at >= coupon.valid_until THEN
        RAISE EXCEPTION 'the coupon is not valid' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (SELECT count(*) FROM coupon_redemptions WHERE coupon_id = NEW.coupon_id) >= coupon.most_redemptions THEN
        RAISE EXCEPTION 'the coupon is used up' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF coupon.currency <> (SELECT currency FROM accounts WHERE id = NEW.account_id) THEN
        RAISE EXCEPTION 'the coupon is in another currency' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER coupon_redemptions_are_promised BEFORE INSERT ON coupon_redemptions
    FOR EACH ROW EXECUTE FUNCTION guard_coupon_redemptions();
CREATE TRIGGER coupon_redemptions_are_kept BEFORE UPDATE OR DELETE ON coupon_redemptions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What is taken off a month because of a redemption. Later knowledge about a month makes another row, as with charges.
CREATE TABLE discounts (
    id             uuid PRIMARY KEY
  , account_id     uuid NOT NULL
    -- The period that it is billed in, and the one that it speaks of.
  , period_id      uuid NOT NULL
  , of_period_id   uuid NOT NULL
  , redemption_id  uuid NOT NULL
    -- 0 when it is first taken off; corrections count up.
  , revision       integer NOT NULL CHECK (revision >= 0)
  , currency       text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
    -- Above zero: taken off. Below: given before, and too much, as is known now.
  , amount_minor   bigint NOT NULL CHECK (amount_minor <> 0)
  , created_at     timestamptz NOT NULL
  , UNIQUE (of_period_id, redemption_id, revision)
  , FOREIGN KEY (period_id, account_id) REFERENCES billing_periods (id, account_id)
  , FOREIGN KEY (of_period_id, account_id) REFERENCES billing_periods (id, account_id)
  , FOREIGN KEY (redemption_id, account_id) REFERENCES coupon_redemptions (id, account_id)
);
CREATE INDEX discounts_by_period ON discounts (period_id);
CREATE INDEX discounts_by_redemption ON discounts (redemption_id);
CREATE TRIGGER discounts_are_final BEFORE UPDATE OR DELETE ON discounts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER discounts_are_not_emptied BEFORE TRUNCATE ON discounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER discounts_are_of_open_periods BEFORE INSERT ON discounts
    FOR EACH ROW EXECUTE FUNCTION refuse_charge_of_closed_period();

-- A month never comes to less than nothing.
CREATE FUNCTION refuse_discount_beyond_charges() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    taken   numeric;
    charged numeric;
BEGIN
    SELECT COALESCE(sum(amount_minor), 0) INTO taken FROM discounts WHERE of_period_id = NEW.of_period_id;
    SELECT COALESCE(sum(net_minor), 0) INTO charged FROM charges WHERE of_period_id = NEW.of_period_id AND class <> 'trial';
    IF taken < 0 OR taken > GREATEST(charged, 0) THEN
        RAISE EXCEPTION 'discounts take off between nothing and everything' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER discounts_are_within_charges AFTER INSERT ON discounts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_discount_beyond_charges();

-- Which line a discount stands on: one, once.
CREATE TABLE discount_lines (
    discount_id  uuid PRIMARY KEY REFERENCES discounts
  , document_id  uuid NOT NULL
  , line_no      integer NOT NULL
  , FOREIGN KEY (document_id, line_no) REFERENCES document_lines ON DELETE CASCADE
);
CREATE INDEX discount_lines_by_document ON discount_lines (document_id, line_no);
CREATE TRIGGER discount_lines_are_final BEFORE INSERT OR UPDATE OR DELETE ON discount_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_final_document();
CREATE TRIGGER discount_lines_are_not_emptied BEFORE TRUNCATE ON discount_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- The line says what the discount is: below zero on an invoice; on a credit note, which tells what is given back, as it is.
CREATE FUNCTION guard_discount_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT
                     FROM document_lines l
                     JOIN documents d ON d.id = l.document_id
                     JOIN discounts t ON t.id = NEW.discount_id
                    WHERE l.document_id = NEW.document_id
                      AND l.line_no = NEW.line_no
                      AND d.account_id = t.account_id
                      AND d.currency = t.currency
                      AND l.net_minor = CASE d.kind WHEN 'invoice' THEN -t.amount_minor ELSE t.amount_minor END) THEN
        RAISE EXCEPTION 'the line of a discount says its amount' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER discount_lines_say_the_amount BEFORE INSERT OR UPDATE ON discount_lines
    FOR EACH ROW EXECUTE FUNCTION guard_discount_lines();

-- What a closed period gave stands on a paper.
CREATE FUNCTION demand_lines_of_discounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM discounts t
                WHERE t.period_id = NEW.id
                  AND NOT EXISTS (SELECT FROM discount_lines l WHERE l.discount_id = t.id)) THEN
        RAISE EXCEPTION 'every discount of a closed period stands on a document' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER billing_periods_give_discounts AFTER UPDATE OF state ON billing_periods DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state = 'closed') EXECUTE FUNCTION demand_lines_of_discounts();

-- What the months of a seller come to, as staff see them: after discounts.
CREATE OR REPLACE FUNCTION month_run(of_seller uuid, at timestamptz)
    RETURNS TABLE (period_id uuid, account_id uuid, standing text, net_minor bigint, before_minor bigint, computed_at timestamptz, problem text)
    LANGUAGE sql STABLE AS $$
    WITH months AS (
        SELECT *
          FROM billing_periods
         WHERE seller_id = of_seller
           AND from_at <= at
           AND until_at > at
    ), charged AS (
        SELECT charges.period_id, sum(charges.net_minor)::bigint AS net_minor
          FROM charges
          JOIN months ON months.id = charges.period_id
         WHERE charges.class <> 'trial'
         GROUP BY charges.period_id
    ), taken AS (
        SELECT discounts.period_id, sum(discounts.amount_minor)::bigint AS net_minor
          FROM discounts
          JOIN months ON months.id = discounts.period_id
         GROUP BY discounts.period_id
    ), drafts AS (
        SELECT charges.period_id, bool_or(documents.held IS NOT NULL) AS is_held
          FROM documents
          JOIN charge_lines ON charge_lines.document_id = documents.id
          JOIN charges ON charges.id = charge_lines.charge_id
          JOIN months ON months.id = charges.period_id
         WHERE documents.state = 'draft'
         GROUP BY charges.period_id
    )
    SELECT months.id
         , months.account_id
         , CASE WHEN months.parked IS NOT NULL THEN 'failed'
                WHEN months.state = 'closed' THEN 'finalised'
                WHEN months.rated_at IS NULL THEN 'open'
                WHEN drafts.is_held THEN 'held'
                ELSE 'drafted'
           END
         , CASE WHEN months.parked IS NOT NULL THEN NULL
                WHEN months.rated_at IS NULL THEN dry_runs.net_minor
                ELSE COALESCE(charged.net_minor, 0) - COALESCE(taken.net_minor, 0)
           END
         , invoices.net_minor
         , COALESCE(months.rated_at, dry_runs.computed_at)
         , COALESCE(months.parked -> 'problems' ->> 0, CASE WHEN months.rated_at IS NULL THEN dry_runs.problem END, '')
      FROM months
      LEFT JOIN charged ON charged.period_id = months.id
      LEFT JOIN taken ON taken.period_id = months.id
      LEFT JOIN drafts ON drafts.period_id = months.id
      LEFT JOIN dry_runs ON dry_runs.period_id = months.id
      LEFT JOIN billing_periods before ON before.account_id = months.account_id AND before.until_at = months.from_at
      LEFT JOIN documents invoices ON invoices.period_id = before.id AND invoices.state = 'final'
$$;
