-- The name of the address that a runtime's own database was told last; nothing while it is being told another one.
-- Who crashes in between leaves it unknown, and the database is told again.
ALTER TABLE runtimes ADD COLUMN known_as TEXT;

-- A renaming that is under way at this moment is told once more: its name does not lead anywhere yet.
UPDATE runtimes
   SET known_as = subdomains.name
  FROM subdomains
 WHERE subdomains.environment_id = runtimes.environment_id
   AND runtimes.personalised_at IS NOT NULL
   AND EXISTS (SELECT FROM routes
                WHERE routes.environment_id = runtimes.environment_id
                  AND routes.hostname LIKE subdomains.name || '.%');
