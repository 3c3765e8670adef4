-- A container works on so many requests at once; whoever comes then waits in the proxy for a place.

ALTER TABLE routes
    -- Written by the worker, which knows how Odoo is set up.
    ADD COLUMN requests_at_once integer NOT NULL DEFAULT 12 CHECK (requests_at_once > 0);
