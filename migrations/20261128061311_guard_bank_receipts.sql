-- What the bank said never changes; what is done with it is done once, with a name on it, and large transfers by two people.

ALTER TABLE bank_receipts
    -- The payer's own account, where the bank says it: whoever paid from it before is known.
    ADD COLUMN payer_iban text NOT NULL DEFAULT '' CHECK (payer_iban ~ '^([A-Z]{2}[0-9A-Z]{6,38})?$')
  , ADD COLUMN ended_by uuid REFERENCES staff
    -- Why it is not booked.
  , ADD COLUMN refusal text NOT NULL DEFAULT '' CHECK (length(refusal) <= 1000)
  , ADD CHECK ((state = 'entered') = (ended_at IS NULL))
  , ADD CHECK ((state = 'entered') = (ended_by IS NULL))
  , ADD CHECK ((state = 'refused') = (refusal <> ''))
  , ADD CHECK (state <> 'booked' OR account_id IS NOT NULL)
  , ADD UNIQUE (payment_id)
  , ADD FOREIGN KEY (payment_id, account_id) REFERENCES payments (id, account_id);
CREATE INDEX bank_receipts_by_state ON bank_receipts (state, value_on);
CREATE INDEX bank_receipts_by_iban ON bank_receipts (payer_iban) WHERE payer_iban <> '';

CREATE FUNCTION guard_bank_receipts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    is_large boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'what the bank said is kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'entered' THEN
            RAISE EXCEPTION 'a transfer is entered first' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.seller_id, NEW.amount_minor, NEW.currency, NEW.value_on, NEW.bank_ref, NEW.payer, NEW.payer_iban, NEW.remittance,
        NEW.source, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.seller_id, OLD.amount_minor, OLD.currency, OLD.value_on, OLD.bank_ref, OLD.payer, OLD.payer_iban, OLD.remittance,
        OLD.source, OLD.created_at) THEN
        RAISE EXCEPTION 'what the bank said never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state = 'booked' OR (OLD.state = 'refused' AND NEW.state <> 'entered') THEN
        RAISE EXCEPTION 'a transfer is done with once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Whoever takes a refused one up again answers for it.
    IF NEW.entered_by <> OLD.entered_by AND OLD.state <> 'refused' THEN
        RAISE EXCEPTION 'who entered a transfer stays its first person' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state = 'booked' THEN
        SELECT NEW.amount_minor > four_eyes_minor INTO is_large FROM sellers WHERE id = NEW.seller_id;
        IF is_large AND NEW.approved_by IS NULL THEN
            RAISE EXCEPTION 'a large transfer is confirmed by a second person' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF is_large AND (NEW.account_id, NEW.proposal) IS DISTINCT FROM (OLD.account_id, OLD.proposal) THEN
            RAISE EXCEPTION 'the second person confirms what the first one said' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NOT EXISTS (SELECT FROM payments
                        WHERE id = NEW.payment_id
                          AND (method, seller_id, currency, amount_minor, received_on)
                            = ('transfer', NEW.seller_id, NEW.currency, NEW.amount_minor, NEW.value_on)) THEN
            RAISE EXCEPTION 'what is booked is what the bank said' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER bank_receipts_are_guarded BEFORE INSERT OR UPDATE OR DELETE ON bank_receipts
    FOR EACH ROW EXECUTE FUNCTION guard_bank_receipts();
CREATE TRIGGER bank_receipts_are_not_emptied BEFORE TRUNCATE ON bank_receipts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
