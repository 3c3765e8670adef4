-- What is still to be paid of an invoice, or still to be used of a credit note or a payment, in the smallest coin: said once.

CREATE FUNCTION left_of(document documents) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT document.gross_minor - COALESCE(
               CASE document.kind
               WHEN 'invoice' THEN (SELECT sum(amount_minor) FROM allocations WHERE document_id = document.id)
               ELSE (SELECT sum(amount_minor) FROM allocations WHERE credit_note_id = document.id)
               END, 0)::bigint
$$;

CREATE FUNCTION left_of(payment payments) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT payment.amount_minor
         - COALESCE((SELECT sum(amount_minor) FROM allocations WHERE payment_id = payment.id), 0)::bigint
         - COALESCE((SELECT sum(amount_minor) FROM paybacks WHERE payment_id = payment.id), 0)::bigint
$$;
