-- A large payment is given back by two people, also when it is given back in parts.
CREATE OR REPLACE FUNCTION guard_card_refunds() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    source   payments;
    is_large boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'refunds are kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT * INTO source FROM payments WHERE id = NEW.payment_id FOR UPDATE;
    -- Parts that one person gave back before count together with this one.
    SELECT NEW.amount_minor
         + COALESCE((SELECT sum(amount_minor)
                       FROM card_refunds
                      WHERE payment_id = NEW.payment_id
                        AND approved_by IS NULL
                        AND state NOT IN ('waiting', 'failed', 'withdrawn')), 0) > four_eyes_minor
      INTO is_large
      FROM sellers
     WHERE id = source.seller_id;
    IF TG_OP = 'INSERT' THEN
        -- Two at once for one customer wait for each other.
        PERFORM FROM accounts WHERE id = NEW.account_id FOR NO KEY UPDATE;
        IF NEW.currency <> source.currency OR NEW.amount_minor > refundable_of(source) THEN
            RAISE EXCEPTION 'no more goes back than is free' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NEW.state <> (CASE WHEN is_large THEN 'waiting' ELSE 'wanted' END) OR NEW.approved_by IS NOT NULL OR NEW.provider_id IS NOT NULL THEN
            RAISE EXCEPTION 'a refund is asked for first' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.id, OLD.payment_id, OLD.account_id, OLD.amount_minor, OLD.currency, OLD.reason, OLD.asked_by, OLD.created_at)
       IS DISTINCT FROM
       (NEW.id, NEW.payment_id, NEW.account_id, NEW.amount_minor, NEW.currency, NEW.reason, NEW.asked_by, NEW.created_at)
       OR (OLD.provider_id IS NOT NULL AND NEW.provider_id IS DISTINCT FROM OLD.provider_id)
       OR (OLD.state IN ('failed', 'withdrawn') AND NEW.state <> OLD.state)
       OR (NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn' AND OLD.state <> 'waiting')
       OR (OLD.state <> 'waiting' AND (NEW.state = 'waiting' OR NEW.approved_by IS DISTINCT FROM OLD.approved_by)) THEN
        RAISE EXCEPTION 'a refund stays what it was' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Whether it is large was decided when it was asked for: another limit since then changes nothing.
    IF OLD.state = 'waiting' AND NEW.state NOT IN ('waiting', 'withdrawn', 'failed') AND NEW.approved_by IS NULL THEN
        RAISE EXCEPTION 'a large refund is confirmed by a second person' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
