-- The words of the roles had no type of their own in a row of two: PostgreSQL refused every final document.
CREATE OR REPLACE FUNCTION demand_entry_of_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT
                     FROM journal_entries e
                     JOIN postings p ON p.entry_id = e.id
                     JOIN ledger_accounts l ON l.id = p.ledger_account_id
                    WHERE e.source_kind = 'document' AND e.source_id = NEW.id AND e.template = 'final'
                      AND p.account_id = NEW.account_id
                      -- What a credit note gives is the customer's credit until it is allocated.
                      AND l.role = CASE NEW.kind WHEN 'invoice' THEN 'receivable' ELSE 'customer_credit' END
                      AND p.amount_minor = CASE NEW.kind WHEN 'invoice' THEN NEW.gross_minor ELSE -NEW.gross_minor END) THEN
        RAISE EXCEPTION 'a final document stands in the ledger' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;

-- One function for two tables asked each for the other's column: PostgreSQL refused every entry.
CREATE OR REPLACE FUNCTION refuse_unbalanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid;
BEGIN
    IF TG_TABLE_NAME = 'postings' THEN
        entry := NEW.entry_id;
    ELSE
        entry := NEW.id;
    END IF;
    IF NOT EXISTS (SELECT FROM postings WHERE entry_id = entry) THEN
        RAISE EXCEPTION 'an entry has postings' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM postings WHERE entry_id = entry GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'an entry adds up to zero in each currency' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM postings p
                 JOIN ledger_accounts l ON l.id = p.ledger_account_id
                 JOIN journal_entries e ON e.id = p.entry_id
                WHERE p.entry_id = entry AND l.seller_id <> e.seller_id) THEN
        RAISE EXCEPTION 'an entry stays in the books of its seller' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- What was committed before is complete: nothing is added to it.
    IF TG_TABLE_NAME = 'postings' AND (SELECT xmin::text <> pg_current_xact_id()::xid::text FROM journal_entries WHERE id = entry) THEN
        RAISE EXCEPTION 'rows of postings are never added to an old entry' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
