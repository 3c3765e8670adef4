-- Tells Odoo its new public address: the one in its mails and links. Run as the tenant's role.
WITH changed AS (
    INSERT INTO public.ir_config_parameter (key, value, create_uid, create_date, write_uid, write_date)
    SELECT key, value, 1, now() AT TIME ZONE 'UTC', 1, now() AT TIME ZONE 'UTC'
      FROM (VALUES ('web.base.url', {address}), ('web.base.url.freeze', 'True')) AS wanted (key, value)
    ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, write_date = EXCLUDED.write_date
)
INSERT INTO public.orm_signaling_stable DEFAULT VALUES
