-- Lets nothing be done that was ordered before something that was done already: whoever orders may have been held up. Run
-- as the tenant's role, in the transaction of what is ordered.
DO $guard$
DECLARE
    newest bigint;
BEGIN
    SELECT CASE WHEN value ~ '^[0-9]{1,18}$' THEN value::bigint END
      INTO newest
      FROM public.ir_config_parameter
     WHERE key = 'sayoo.generation'
       FOR UPDATE;
    IF newest > {generation} THEN
        -- serialization_failure: look again.
        RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'something newer was ordered';
    END IF;
    INSERT INTO public.ir_config_parameter (key, value, create_uid, create_date, write_uid, write_date)
    VALUES ('sayoo.generation', '{generation}', 1, now() AT TIME ZONE 'UTC', 1, now() AT TIME ZONE 'UTC')
        ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
END $guard$
