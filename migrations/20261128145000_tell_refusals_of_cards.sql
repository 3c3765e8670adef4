-- A card that its bank refused is one thing; a question that Stripe does not take is another, and nobody's tries are used up by it.
ALTER TABLE payment_attempts ADD COLUMN is_of_card boolean NOT NULL DEFAULT true;
