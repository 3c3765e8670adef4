-- A credit note that waited for a person while its month was closed counts in the month in which it is issued: files of the closed
-- month may have been sent, and what they say stays.

CREATE OR REPLACE FUNCTION freeze_document() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO document_facts (document_id, issuer, customer, purchase_order, from_at, until_at)
    SELECT NEW.id, COALESCE(NULLIF(s.details #>> '{seller,name}', ''), s.code), COALESCE(b.legal_name, a.name)
         , COALESCE(b.purchase_order, '')
         , COALESCE(p.from_at, date_trunc('month', NEW.issued_on::timestamp) AT TIME ZONE s.timezone)
         , COALESCE(p.until_at, (date_trunc('month', NEW.issued_on::timestamp) + interval '1 month') AT TIME ZONE s.timezone)
      FROM sellers s
      JOIN accounts a ON a.id = NEW.account_id
      LEFT JOIN billing_profiles b ON b.account_id = a.id
      -- A credit note for what a month's corrections took back is that month's, while it is open.
      LEFT JOIN billing_periods p
             ON p.id = COALESCE(NEW.period_id, (
                    SELECT c.period_id FROM charge_lines l JOIN charges c ON c.id = l.charge_id WHERE l.document_id = NEW.id LIMIT 1))
            AND (NEW.period_id IS NOT NULL OR p.state = 'open')
     WHERE s.id = NEW.seller_id;
    RETURN NULL;
END
$$;
