-- What is no number is above zero, as far as the database goes: a price that is none was kept, and no month with it could be rated.

ALTER TABLE plan_meters ADD CHECK (included <> 'NaN'), ADD CHECK (unit_price <> 'NaN');
ALTER TABLE plan_tiers ADD CHECK (from_quantity <> 'NaN'), ADD CHECK (unit_price <> 'NaN');
