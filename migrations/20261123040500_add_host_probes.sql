-- What a container of ours may do on each machine, as it was found from inside one.
ALTER TABLE hosts ADD COLUMN probes jsonb NOT NULL DEFAULT '{}';
