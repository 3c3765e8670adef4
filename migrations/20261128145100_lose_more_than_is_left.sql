-- A dispute that is lost about more than is left of its payment (a part was given back before): the rest is our loss.
ALTER TABLE card_disputes
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE
    -- How much of it was more than was left of the payment; NULL until it is lost and booked.
  , ADD COLUMN loss_minor bigint CHECK (loss_minor BETWEEN 0 AND amount_minor)
  , ADD CHECK (loss_minor IS NULL OR state = 'lost');
UPDATE card_disputes
   SET loss_minor = 0
 WHERE state = 'lost'
   AND EXISTS (SELECT FROM paybacks WHERE external_ref = card_disputes.provider_id);
