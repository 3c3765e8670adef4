"""Turns an empty database into a template: a complete Odoo that clones are made from and that nobody has ever used.

    SAYOO_LANGUAGE    fr_FR: installed and made the administrator's
    SAYOO_COUNTRY     MA, or empty: the company's, before any application is installed, so that accounting takes the
                      country's chart of accounts
    SAYOO_MODULES     crm,contacts: what to install

The database exists, is empty, has the extensions pg_trgm and unaccent, and this role may create tables in it. The last
line on standard output is "template ready"; every failure ends with an exit code other than 0.
"""
import os
import re
import sys


def build(database):
    from odoo.service import server
    from odoo.tools import config

    language = os.environ.get('SAYOO_LANGUAGE') or 'en_US'
    country = os.environ.get('SAYOO_COUNTRY') or ''
    modules = [name for name in re.split(r'[,\s]+', os.environ.get('SAYOO_MODULES', '')) if name]
    if not re.fullmatch(r'[a-z]{2,3}(_[A-Za-z0-9]+)?(@[a-z]+)?', language) or not re.fullmatch(r'([A-Z]{2})?', country):
        sys.exit('template: SAYOO_LANGUAGE or SAYOO_COUNTRY is malformed')

    config.parse_config(['--load-language', language], setup_logging=True)
    server.load_server_wide_modules()
    keep_attachments_in_database()
    install(database, ['base', 'web'])
    settle(database, language, country)
    if modules:
        refuse_unknown(database, modules)
        install(database, modules)
    open_first_pages(database)
    tidy(database)
    print('template ready', flush=True)


def keep_attachments_in_database():
    """The parameter is there before the first attachment is: Odoo sets its default parameters when it makes their
    table."""
    from odoo.addons.base.models import ir_config_parameter
    ir_config_parameter._default_parameters.update({
        'ir_attachment.location': lambda: 'db',
        # Reports are rendered by the process itself: not by way of the public address.
        'report.url': lambda: 'http://127.0.0.1:8069',
    })


def install(database, modules):
    from odoo.modules.registry import Registry
    registry = Registry.new(database, update_module=True, install_modules=modules, new_db_demo=False)
    with registry.cursor() as cr:
        cr.execute("SELECT name FROM ir_module_module WHERE name IN %s AND state <> 'installed'", (tuple(modules),))
        missing = [name for name, in cr.fetchall()]
    if missing:
        sys.exit(f"template: not installed: {', '.join(missing)}")


def refuse_unknown(database, modules):
    with environment(database) as env:
        known = env['ir.module.module'].search([('name', 'in', modules), ('state', '!=', 'uninstallable')]).mapped('name')
    if unknown := set(modules) - set(known):
        sys.exit(f"template: this image has no module {', '.join(sorted(unknown))}")


class environment:
    """An environment with all rights, committed at the end."""

    def __init__(self, database):
        from odoo.modules.registry import Registry
        self.registry = Registry(database)

    def __enter__(self):
        from odoo import SUPERUSER_ID, api
        self.cr = self.registry.cursor()
        return api.Environment(self.cr, SUPERUSER_ID, {})

    def __exit__(self, failed, *_):
        if not failed:
            self.cr.commit()
            self.registry.signal_changes()
        self.cr.close()


def settle(database, language, country):
    """What applications look at when they are installed: the country, the currency, the administrator's language."""
    with environment(database) as env:
        company = env.ref('base.main_company')
        if country:
            found = env['res.country'].search([('code', '=', country)])
            if not found:
                sys.exit(f'template: there is no country {country}')
            found.currency_id.active = True
            company.write({'country_id': found.id, 'currency_id': found.currency_id.id})
        env.ref('base.user_admin').write({'lang': language})
        company.partner_id.lang = language
        env['ir.default'].set('res.partner', 'lang', language)
        env['ir.config_parameter'].set_param('web.base.url.freeze', 'True')


def open_first_pages(database):
    """Opens what a customer opens first, so that the clones have the compiled style sheets and scripts in them."""
    import odoo.http
    from werkzeug.test import Client

    client, here = Client(odoo.http.root), {'REMOTE_ADDR': '127.0.0.1'}
    with environment(database) as env:
        env.ref('base.user_admin').password = 'template'

    def get(path):
        answer = client.get(path, follow_redirects=True, environ_base=here)
        if answer.status_code != 200:
            sys.exit(f'template: {path} answers {answer.status_code}')
        return answer.get_data(as_text=True)

    def get_assets(page):
        for path in dict.fromkeys(re.findall(r'"(/web/assets/[^"]+\.(?:css|js))"', page.replace('\\/', '/'))):
            get(path)

    login_page = get('/web/login')
    get_assets(login_page)
    token = re.search(r'name="csrf_token" value="([^"]+)"', login_page).group(1)
    client.post('/web/login', data={'csrf_token': token, 'login': 'admin', 'password': 'template'}, environ_base=here)
    web_client = get('/odoo')
    if 'web.assets_web.min.js' not in web_client:
        sys.exit('template: the web client does not open')
    get_assets(web_client)
    # What the web client fetches by itself once it is there.
    for bundle in ('web.assets_backend_lazy', 'web.assets_emoji', 'web_tour.interactive'):
        get_assets(get(f'/web/bundle/{bundle}'))
    get('/bus/websocket_worker_bundle')


def tidy(database):
    """Removes every trace of the building. The platform vacuums: it owns the database."""
    import odoo.sql_db
    with environment(database) as env:
        # Nobody knows a password of a template; personalising sets the administrator's.
        env.ref('base.user_admin').password = os.urandom(32).hex()
        env.cr.execute('TRUNCATE http_sessions')
        env.cr.execute('DELETE FROM res_users_log')
        env.cr.execute('DELETE FROM res_device_log')
        env.cr.execute("""
            CREATE TABLE IF NOT EXISTS sayoo_login_tickets (jti text PRIMARY KEY, expires_at timestamptz NOT NULL)""")
        env.cr.execute("SELECT count(*) FROM ir_attachment WHERE store_fname IS NOT NULL")
        if env.cr.fetchone()[0]:
            sys.exit('template: an attachment is outside the database')
    odoo.http.root.session_store.__del__()
    odoo.sql_db.close_all()
