-- Makes a fresh clone the customer's own. Run as the tenant's role, before anybody has used the database; the Odoo that
-- serves it may run already. `{name}` is replaced by an expression of type text that cannot end what stands around it.
-- Done once: a second run for the same owner changes nothing, one for another owner fails. The address is not told here but
-- right after this, each time (`readdress.sql`): between two runs the customer may have chosen another one.
DO $personalise$
DECLARE
    new_owner          text := {owner};
    new_admin_login    text := {admin_email};
    new_admin_name     text := {admin_name};
    new_password_hash  text := {password_hash};
    new_language_code  text := {language};
    new_zone           text := {timezone};
    new_company_name   text := {company};
    new_country_code   text := {country};
    new_currency_code  text := {currency};
    done_for           text;
    admin              integer;
    admin_partner      integer;
    main               integer;
    main_partner       integer;
    country_key        integer;
    currency_key       integer;
    parameter          record;
BEGIN
    SELECT value INTO done_for FROM ir_config_parameter WHERE key = 'sayoo.owner';
    IF done_for = new_owner THEN
        RETURN;
    ELSIF done_for IS NOT NULL THEN
        RAISE EXCEPTION 'this database belongs to %', done_for;
    END IF;

    SELECT users.id, users.partner_id INTO STRICT admin, admin_partner
      FROM ir_model_data AS data JOIN res_users AS users ON users.id = data.res_id
     WHERE data.module = 'base' AND data.name = 'user_admin';
    SELECT company.id, company.partner_id INTO STRICT main, main_partner
      FROM ir_model_data AS data JOIN res_company AS company ON company.id = data.res_id
     WHERE data.module = 'base' AND data.name = 'main_company';
    SELECT id INTO STRICT country_key FROM res_country WHERE code = new_country_code;
    SELECT id INTO STRICT currency_key FROM res_currency WHERE name = new_currency_code;
    PERFORM FROM res_lang WHERE code = new_language_code AND active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the language % is not installed', new_language_code;
    END IF;

    UPDATE res_currency SET active = true WHERE id = currency_key AND active IS NOT TRUE;
    UPDATE res_users
       SET login = new_admin_login
         , password = new_password_hash
         , signature = '<div>' || replace(replace(replace(new_admin_name, '&', '&amp;'), '<', '&lt;'), '>', '&gt;') || '</div>'
     WHERE id = admin;
    UPDATE res_partner
       SET name = new_admin_name, complete_name = new_admin_name, email = new_admin_login, lang = new_language_code
         , tz = new_zone
     WHERE id = admin_partner;
    UPDATE res_company SET name = new_company_name, currency_id = currency_key, email = new_admin_login WHERE id = main;
    UPDATE res_partner
       SET name = new_company_name, complete_name = new_company_name, commercial_company_name = new_company_name
         , email = new_admin_login, country_id = country_key, lang = new_language_code
     WHERE id = main_partner;
    UPDATE res_partner SET commercial_company_name = new_company_name WHERE id = admin_partner AND parent_id = main_partner;

    -- What only some applications have. Dynamic, so that it is not looked at where it is not there.
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'res_partner'::regclass AND attname = 'email_normalized') THEN
        EXECUTE 'UPDATE res_partner SET email_normalized = lower($1) WHERE id IN ($2, $3)'
          USING new_admin_login, admin_partner, main_partner;
    END IF;
    IF to_regclass('product_pricelist') IS NOT NULL THEN
        EXECUTE 'UPDATE product_pricelist SET currency_id = $1 WHERE company_id IS NULL OR company_id = $2' USING currency_key, main;
    END IF;
    IF to_regclass('resource_calendar') IS NOT NULL THEN
        EXECUTE 'UPDATE resource_calendar SET tz = $1' USING new_zone;
    END IF;
    IF to_regclass('resource_resource') IS NOT NULL THEN
        EXECUTE 'UPDATE resource_resource SET tz = $1, name = CASE WHEN user_id = $2 THEN $3 ELSE name END'
          USING new_zone, admin, new_admin_name;
    END IF;
    IF to_regclass('hr_employee') IS NOT NULL THEN
        EXECUTE 'UPDATE hr_employee SET name = $1, work_email = $2 WHERE user_id = $3' USING new_admin_name, new_admin_login, admin;
    END IF;
    IF to_regclass('stock_warehouse') IS NOT NULL THEN
        EXECUTE 'UPDATE stock_warehouse SET name = $1 WHERE company_id = $2' USING new_company_name, main;
    END IF;
    IF to_regclass('website') IS NOT NULL THEN
        EXECUTE 'UPDATE website SET name = $1 WHERE company_id = $2' USING new_company_name, main;
    END IF;

    FOR parameter IN
        SELECT *
          FROM (VALUES ('sayoo.owner', new_owner)
                     -- Two clones with one identity would be one to Odoo's services; with one secret, each could sign
                     -- the other's links.
                     , ('database.uuid', gen_random_uuid()::text)
                     , ('database.secret', gen_random_uuid()::text)
                     , ('database.create_date', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))
               ) AS wanted (key, value)
    LOOP
        INSERT INTO ir_config_parameter (key, value, create_uid, create_date, write_uid, write_date)
        VALUES (parameter.key, parameter.value, 1, now() AT TIME ZONE 'UTC', 1, now() AT TIME ZONE 'UTC')
        ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, write_date = EXCLUDED.write_date;
    END LOOP;

    -- An Odoo that runs looks here before each request, and forgets what it remembers of users, companies and parameters.
    INSERT INTO orm_signaling_stable DEFAULT VALUES;
END
$personalise$
