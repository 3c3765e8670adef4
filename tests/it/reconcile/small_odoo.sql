-- What personalising touches, as small as it can be.
CREATE TABLE ir_config_parameter (id serial PRIMARY KEY, key text UNIQUE, value text, create_uid int, create_date timestamp, write_uid int, write_date timestamp);
CREATE TABLE ir_model_data (module text, name text, res_id int);
CREATE TABLE res_partner (id serial PRIMARY KEY, name text, complete_name text, commercial_company_name text, email text, lang text, tz text, country_id int, parent_id int);
CREATE TABLE res_users (id serial PRIMARY KEY, login text, password text, signature text, partner_id int);
CREATE TABLE res_company (id serial PRIMARY KEY, name text, currency_id int, email text, partner_id int);
CREATE TABLE res_country (id serial PRIMARY KEY, code text);
CREATE TABLE res_currency (id serial PRIMARY KEY, name text, active bool);
CREATE TABLE res_lang (code text, active bool);
CREATE TABLE orm_signaling_stable (id serial PRIMARY KEY);
INSERT INTO res_partner (name) VALUES ('admin'), ('company');
INSERT INTO res_users (login, partner_id) VALUES ('admin', 1);
INSERT INTO res_company (name, partner_id) VALUES ('company', 2);
INSERT INTO ir_model_data VALUES ('base', 'user_admin', 1), ('base', 'main_company', 1);
INSERT INTO res_country (code) VALUES ('FR');
INSERT INTO res_currency (name) VALUES ('EUR');
INSERT INTO res_lang VALUES ('fr_FR', true);
