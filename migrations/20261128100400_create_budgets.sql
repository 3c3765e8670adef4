-- What a month may cost an account: alerts on the way there, and rest for its environments when it is reached, if it wants that.

CREATE TABLE budgets (
    account_id        uuid PRIMARY KEY REFERENCES accounts
    -- Before VAT, in the currency that the account paid in when it was set.
  , amount_minor      bigint NOT NULL CHECK (amount_minor BETWEEN 100 AND 100000000000)
  , currency          text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
    -- When it is reached, development and test environments rest until the month ends; production too, if that is wanted.
  , is_cap            boolean NOT NULL DEFAULT false
  , caps_production   boolean NOT NULL DEFAULT false CHECK (is_cap OR NOT caps_production)
    -- When the worker looks next. Whoever changes a budget says now.
  , look_at           timestamptz NOT NULL
  , changed_at        timestamptz NOT NULL
);
CREATE INDEX budgets_by_look ON budgets (look_at);

-- Each alert once for each month and amount, whoever looks and how often. With an alert, its mails are enqueued.
CREATE TABLE budget_alerts (
    account_id      uuid NOT NULL REFERENCES accounts
    -- The first instant of the month.
  , from_at         timestamptz NOT NULL
  , amount_minor    bigint NOT NULL
  , level           text NOT NULL CHECK (level IN ('50', '75', '90', '100', 'forecast', 'cap', 'cap_all'))
  , currency        text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , so_far_minor    bigint NOT NULL
  , forecast_minor  bigint NOT NULL
  , alerted_at      timestamptz NOT NULL
  , PRIMARY KEY (account_id, from_at, amount_minor, level)
);
CREATE TRIGGER budget_alerts_are_kept BEFORE UPDATE OR DELETE ON budget_alerts FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What rests because of a budget is suspended as what is not paid is: neither lifts the other's, nor staff's.
ALTER TABLE suspensions
    DROP CONSTRAINT suspensions_origin_check
  , ADD CONSTRAINT suspensions_origin_check CHECK (origin IN ('staff', 'dunning', 'budget'));
CREATE INDEX suspensions_by_budget ON suspensions (account_id) WHERE origin = 'budget' AND lifted_at IS NULL;
