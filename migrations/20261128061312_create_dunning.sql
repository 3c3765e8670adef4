-- What is done about invoices that are not paid: said beforehand, one step after the other, and taken back at once on payment.

-- After how many days beyond the due date each step comes. A company without a row has the program's own days (billing/dunning/rule.rs).
CREATE TABLE dunning_schedules (
    seller_id        uuid PRIMARY KEY REFERENCES sellers
  , warn_days        integer NOT NULL CHECK (warn_days >= 1)
  , warn_again_days  integer NOT NULL CHECK (warn_again_days > warn_days)
  , sleep_days       integer NOT NULL CHECK (sleep_days > warn_again_days)
  , throttle_days    integer NOT NULL CHECK (throttle_days > sleep_days)
  , narrow_days      integer NOT NULL CHECK (narrow_days > throttle_days)
  , stop_days        integer NOT NULL CHECK (stop_days > narrow_days AND stop_days <= 365)
);

-- Each step once for each invoice, whoever looks and how often.
CREATE TABLE dunning_steps (
    document_id  uuid NOT NULL
  , account_id   uuid NOT NULL
  , step         text NOT NULL CHECK (step IN ('warn', 'warn_again', 'sleep', 'throttle', 'narrow', 'stop'))
    -- By the seller's calendar.
  , done_on      date NOT NULL
  , done_at      timestamptz NOT NULL
  , PRIMARY KEY (document_id, step)
  , FOREIGN KEY (document_id, account_id) REFERENCES documents (id, account_id)
);
CREATE INDEX dunning_steps_by_account ON dunning_steps (account_id);
CREATE TRIGGER dunning_steps_are_kept BEFORE UPDATE OR DELETE ON dunning_steps FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- How far an account is. It ends with a row less.
CREATE TABLE dunning_states (
    account_id  uuid PRIMARY KEY REFERENCES accounts
  , step        text NOT NULL CHECK (step IN ('warn', 'warn_again', 'sleep', 'throttle', 'narrow', 'stop'))
  , since       timestamptz NOT NULL
);

-- Until a day, nothing is restricted, and no step is taken. The newest one counts.
CREATE TABLE dunning_delays (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid()
  , account_id  uuid NOT NULL REFERENCES accounts
  , until_on    date NOT NULL
  , granted_by  uuid NOT NULL REFERENCES staff
  , reason      text NOT NULL CHECK (length(reason) BETWEEN 3 AND 1000)
  , granted_at  timestamptz NOT NULL
);
CREATE INDEX dunning_delays_by_account ON dunning_delays (account_id, granted_at);
CREATE TRIGGER dunning_delays_are_kept BEFORE UPDATE OR DELETE ON dunning_delays FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- How many requests in a second production gets while invoices are overdue. Beside what staff set: the smaller one counts.
CREATE TABLE dunning_limits (
    environment_id       uuid PRIMARY KEY REFERENCES environments
  , requests_per_second  integer NOT NULL CHECK (requests_per_second BETWEEN 1 AND 100000)
);
CREATE TRIGGER dunning_limits_are_announced AFTER INSERT OR UPDATE OR DELETE ON dunning_limits
    FOR EACH STATEMENT EXECUTE FUNCTION notify_routes();

-- A suspension is either by staff or by dunning; neither lifts the other's.
ALTER TABLE suspensions
    ADD COLUMN origin text NOT NULL DEFAULT 'staff' CHECK (origin IN ('staff', 'dunning'))
  , ALTER COLUMN suspended_by DROP NOT NULL
  , DROP CONSTRAINT suspensions_check
  , ADD CHECK ((origin = 'staff') = (suspended_by IS NOT NULL))
  , ADD CHECK ((lifted_at IS NOT NULL AND origin = 'staff') = (lifted_by IS NOT NULL));
DROP INDEX suspensions_one_account;
DROP INDEX suspensions_one_environment;
CREATE UNIQUE INDEX suspensions_one_account ON suspensions (account_id, origin) WHERE environment_id IS NULL AND lifted_at IS NULL;
CREATE UNIQUE INDEX suspensions_one_environment ON suspensions (environment_id, origin) WHERE environment_id IS NOT NULL AND lifted_at IS NULL;

-- Money that paid something, by whichever way: the worker looks at once whether something is to be restored.
CREATE TRIGGER allocations_are_announced AFTER INSERT ON allocations FOR EACH STATEMENT EXECUTE FUNCTION notify_work();
