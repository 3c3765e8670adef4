-- What staff see of revenue: indexes to find what changed in a month, what machines cost, and who was on which machine when.

CREATE INDEX environment_segments_by_beginning ON environment_segments (from_at);
CREATE INDEX environment_segments_by_end ON environment_segments (until_at) WHERE until_at IS NOT NULL;

CREATE INDEX billing_periods_by_end ON billing_periods (until_at);

-- What a machine costs a month, from a day on, as our people say it. Said again for the same day, the later row counts. The name
-- is kept, and nothing is referenced: a machine may be removed, what it cost is not forgotten.
CREATE TABLE host_costs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , host_id        uuid NOT NULL
  , host_name      text NOT NULL CHECK (length(host_name) BETWEEN 1 AND 253)
  , from_on        date NOT NULL
  , monthly_minor  bigint NOT NULL CHECK (monthly_minor >= 0)
  , currency       text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , entered_by     uuid NOT NULL REFERENCES staff
  , entered_at     timestamptz NOT NULL
);
CREATE INDEX host_costs_by_host ON host_costs (host_id, from_on);

-- What one euro was in dirhams in a month, for comparing what was earned in one currency with what was paid in the other. No
-- invoice and no entry is made with it. The latest row of a month counts.
CREATE TABLE month_rates (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , month        date NOT NULL CHECK (extract(day FROM month) = 1)
  , mad_per_eur  numeric(12, 6) NOT NULL CHECK (mad_per_eur > 0)
  , entered_by   uuid NOT NULL REFERENCES staff
  , entered_at   timestamptz NOT NULL
);
CREATE INDEX month_rates_by_month ON month_rates (month);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['host_costs', 'month_rates'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       name || '_are_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying()',
                       name || '_are_not_emptied', name);
    END LOOP;
END
$$;

-- What had room on which machine, from when until when: a runtime's first container (replica_id NULL) or a further one. Written by
-- the database itself whenever the room changes, so that no way of placing, putting to sleep or removing one can forget it.
-- Nothing is referenced: rows outlive the machines.
CREATE TABLE host_stays (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , host_id         uuid NOT NULL
  , runtime_id      uuid NOT NULL
  , replica_id      uuid
    -- NULL: a spare.
  , environment_id  uuid
  , cpu_millis      integer NOT NULL
  , memory_mb       integer NOT NULL
  , from_at         timestamptz NOT NULL
  , until_at        timestamptz CHECK (until_at > from_at)
);
CREATE INDEX host_stays_open ON host_stays (runtime_id) WHERE until_at IS NULL;
CREATE INDEX host_stays_by_end ON host_stays (until_at);

-- Ends what a runtime or a replica of it has, and begins what it has from now on, unless that is the same.
CREATE FUNCTION write_host_stay(of_runtime uuid, of_replica uuid, on_host uuid, of_environment uuid, cpu integer, memory integer)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last host_stays;
BEGIN
    SELECT * INTO last FROM host_stays
     WHERE runtime_id = of_runtime AND replica_id IS NOT DISTINCT FROM of_replica AND until_at IS NULL FOR UPDATE;
    IF last.id IS NOT NULL THEN
        IF (last.host_id, last.environment_id, last.cpu_millis, last.memory_mb)
           IS NOT DISTINCT FROM (on_host, of_environment, cpu, memory) THEN
            RETURN;
        END IF;
        IF last.from_at >= now() THEN
            -- What lasted no time never was.
            DELETE FROM host_stays WHERE id = last.id;
        ELSE
            UPDATE host_stays SET until_at = now() WHERE id = last.id;
        END IF;
    END IF;
    IF on_host IS NOT NULL THEN
        INSERT INTO host_stays (host_id, runtime_id, replica_id, environment_id, cpu_millis, memory_mb, from_at)
        VALUES (on_host, of_runtime, of_replica, of_environment, cpu, memory, now());
    END IF;
END
$$;
REVOKE ALL ON FUNCTION write_host_stay(uuid, uuid, uuid, uuid, integer, integer) FROM PUBLIC;

CREATE FUNCTION note_stay_of_runtime() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM write_host_stay(NEW.id, NULL, CASE WHEN NEW.state <> 'gone' THEN NEW.host_id END, NEW.environment_id, NEW.cpu_millis,
                            NEW.memory_mb);
    RETURN NULL;
END
$$;
CREATE TRIGGER runtimes_stay_on_hosts AFTER INSERT OR UPDATE OF host_id, environment_id, cpu_millis, memory_mb, state ON runtimes
    FOR EACH ROW EXECUTE FUNCTION note_stay_of_runtime();

CREATE FUNCTION note_stay_of_replica() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM write_host_stay(OLD.runtime_id, OLD.id, NULL, NULL, NULL, NULL);
    ELSE
        PERFORM write_host_stay(NEW.runtime_id, NEW.id, NEW.host_id, (SELECT environment_id FROM runtimes WHERE id = NEW.runtime_id),
                                NEW.cpu_millis, NEW.memory_mb);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER replicas_stay_on_hosts AFTER INSERT OR DELETE OR UPDATE OF host_id, cpu_millis, memory_mb ON replicas
    FOR EACH ROW EXECUTE FUNCTION note_stay_of_replica();

-- What is there already is known from now on, never for the time before.
INSERT INTO host_stays (host_id, runtime_id, environment_id, cpu_millis, memory_mb, from_at)
SELECT host_id, id, environment_id, cpu_millis, memory_mb, now()
  FROM runtimes
 WHERE host_id IS NOT NULL AND state <> 'gone';
INSERT INTO host_stays (host_id, runtime_id, replica_id, environment_id, cpu_millis, memory_mb, from_at)
SELECT r.host_id, r.runtime_id, r.id, t.environment_id, r.cpu_millis, r.memory_mb, now()
  FROM replicas r
  JOIN runtimes t ON t.id = r.runtime_id;
