-- Pages book transfers, so their login may write payments, what these pay, and the entries of both. Whoever steals it can book what
-- a receipt of the bank says and has been through its people, and nothing else: no card, no gift, no entry of an own kind.
-- The worker's login, which may write what came by card, is not asked: it books what Stripe says, and never transfers.

CREATE FUNCTION books_what_came() RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT has_table_privilege('payment_attempts', 'INSERT')
$$;

CREATE FUNCTION demand_receipt() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- That the receipt says the same, and has its second person where it is large, is for the receipt's own guard.
    IF NOT books_what_came()
       AND NOT (NEW.method = 'transfer' AND EXISTS (SELECT FROM bank_receipts WHERE payment_id = NEW.id AND state = 'booked')) THEN
        RAISE EXCEPTION 'pages book what the bank said, and nothing else' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER payments_have_their_receipts AFTER INSERT ON payments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_receipt();

-- What was paid is taken back where money goes back, and that is never a page.
CREATE FUNCTION refuse_taking_back() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.amount_minor < 0 AND NOT books_what_came() THEN
        RAISE EXCEPTION 'pages take nothing back' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER allocations_are_not_taken_back_by_pages BEFORE INSERT ON allocations
    FOR EACH ROW EXECUTE FUNCTION refuse_taking_back();

-- An entry of pages is that of a transfer, or of what credit paid: two sides, with the amount of the row that it speaks of.
CREATE FUNCTION demand_source() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    -- What the customer's credit becomes less by, and who is on the other side.
    of_account    uuid;
    amount        bigint;
    of_currency   text;
    other_role    text;
    other_account uuid;
BEGIN
    IF books_what_came() THEN
        RETURN NULL;
    END IF;
    IF (NEW.source_kind, NEW.template) = ('payment', 'received') THEN
        SELECT account_id, -amount_minor, currency, 'bank', NULL INTO of_account, amount, of_currency, other_role, other_account
          FROM payments
         WHERE id = NEW.source_id AND seller_id = NEW.seller_id;
    ELSIF (NEW.source_kind, NEW.template) = ('allocation', 'allocated') THEN
        SELECT allocations.account_id, allocations.amount_minor, documents.currency, 'receivable', allocations.account_id
          INTO of_account, amount, of_currency, other_role, other_account
          FROM allocations
          JOIN documents ON documents.id = allocations.document_id
         WHERE allocations.id = NEW.source_id AND documents.seller_id = NEW.seller_id;
    END IF;
    IF (SELECT count(*) = 2
           AND count(*) FILTER (WHERE books.role = 'customer_credit' AND postings.amount_minor = amount
                                  AND postings.account_id = of_account) = 1
           AND count(*) FILTER (WHERE books.role = other_role AND postings.amount_minor = -amount
                                  AND postings.account_id IS NOT DISTINCT FROM other_account) = 1
           AND bool_and(postings.currency = of_currency)
          FROM postings
          JOIN ledger_accounts books ON books.id = postings.ledger_account_id
         WHERE postings.entry_id = NEW.id) IS NOT TRUE THEN
        RAISE EXCEPTION 'pages book transfers and what they pay, and nothing else' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER journal_entries_have_their_sources AFTER INSERT ON journal_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_source();
