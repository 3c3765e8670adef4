-- What is carried into our books is looked for every few seconds, among what is new: found without reading all that there ever was.
CREATE INDEX payments_by_creation ON payments (created_at);
CREATE INDEX paybacks_by_creation ON paybacks (created_at);
CREATE INDEX allocations_by_creation ON allocations (created_at);
