"""Logs a customer in whom the portal has already authenticated."""
import logging
import os
import time

from odoo import http
from odoo.http import request
from odoo.tools.misc import get_lang

from .. import pages
from ..token import Refused, public_key, verify

_logger = logging.getLogger(__name__)

AUDIENCE = os.environ.get('SAYOO_RUNTIME', '')
PORTAL_URL = os.environ.get('SAYOO_PORTAL_URL', '')
_KEY_TEXT = os.environ.get('SAYOO_SSO_PUBLIC_KEY', '')
KEY = public_key(_KEY_TEXT) if _KEY_TEXT else None


class Login(http.Controller):

    # No CSRF token: the ticket itself is one, it cannot be guessed and works once. POST only, so that it is in no URL,
    # no log and no history.
    @http.route('/sayoo/login', type='http', auth='none', methods=['POST'], csrf=False, readonly=False)
    def login(self, token='', **_ignored):
        if not request.db or KEY is None:
            return self._refuse('invalid', None)
        try:
            said = verify(token if isinstance(token, str) else '', KEY, AUDIENCE, int(time.time()))
            self._use_once(said)
            user = self._find_user(said)
        except Refused as refused:
            _logger.warning("Login from the portal refused (%s) from %s", refused.reason, request.httprequest.remote_addr)
            return self._refuse(refused.reason, refused.lang)
        self._open_session(user)
        _logger.info("Login from the portal for user %s from %s", user.id, request.httprequest.remote_addr)
        response = request.redirect('/odoo', code=303)
        response.headers['Cache-Control'] = 'no-store'
        return response

    def _use_once(self, said):
        """Remembers the ticket before anything is done with it. Of two that come at once, one waits for the other here
        and is then refused."""
        cr = request.env.cr
        cr.execute("SELECT to_regclass('public.sayoo_login_tickets')")
        if cr.fetchone()[0] is None:
            # A database that was restored from elsewhere has no such table yet.
            cr.execute("SELECT pg_advisory_xact_lock(hashtext('sayoo_login_tickets'))")
            cr.execute("""
                CREATE TABLE IF NOT EXISTS sayoo_login_tickets (
                    jti         text PRIMARY KEY
                  , expires_at  timestamptz NOT NULL
                )""")
        cr.execute("DELETE FROM sayoo_login_tickets WHERE expires_at < now() - interval '1 hour'")
        cr.execute("""
            INSERT INTO sayoo_login_tickets (jti, expires_at) VALUES (%s, to_timestamp(%s))
            ON CONFLICT DO NOTHING RETURNING 1""", (said['jti'], said['exp']))
        if cr.fetchone() is None:
            raise Refused('used', said['lang'])

    def _find_user(self, said):
        users = request.env['res.users'].sudo().with_context(active_test=True)
        user = users.search(users._get_login_domain(said['login']), order=users._get_login_order(), limit=1)
        # Portal and public users have no business behind a button that says "Open Odoo".
        if not user or not user._is_internal():
            raise Refused('no_user', said['lang'])
        return user

    def _open_session(self, user):
        """Opens a session exactly as a password does: new session id, fresh token, last login. Odoo's own second factor
        is not asked: the portal has authenticated the person, with its own second factor where that is set up."""
        session = request.session
        session.logout(keep_db=True)
        session.uid = None
        session['pre_login'], session['pre_uid'] = user.login, user.id
        session.finalize(request.env)
        request.update_env(user=user.id)
        request.update_context(**session.context)
        request.update_context(lang=get_lang(request.env).code)
        user.with_user(user)._update_last_login()

    def _refuse(self, reason, lang):
        lang = pages.language(lang, request.httprequest.accept_languages.values())
        return request.make_response(
            pages.refusal(reason, lang, PORTAL_URL), status=403,
            headers=[
                ('Content-Type', 'text/html; charset=utf-8'), ('Cache-Control', 'no-store'),
                ('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
                ('Referrer-Policy', 'no-referrer'),
            ])
