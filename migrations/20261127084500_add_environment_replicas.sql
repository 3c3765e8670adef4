-- How many containers an environment runs in: a person's wish, or a rule's within bounds. Its plan says how many at most.

ALTER TABLE environments
    ADD COLUMN replicas  integer NOT NULL DEFAULT 1 CHECK (replicas BETWEEN 1 AND 16);
