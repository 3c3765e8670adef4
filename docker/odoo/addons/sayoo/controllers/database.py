"""Odoo's database manager is not there. `list_db` makes it harmless, and the proxy hides it; this holds without either."""
from werkzeug.exceptions import NotFound

from odoo import http
from odoo.addons.web.controllers.database import Database


class NoDatabaseManager(Database):

    @http.route()
    def selector(self, **_ignored):
        raise NotFound()

    @http.route()
    def manager(self, **_ignored):
        raise NotFound()

    @http.route()
    def create(self, **_ignored):
        raise NotFound()

    @http.route()
    def duplicate(self, **_ignored):
        raise NotFound()

    @http.route()
    def drop(self, **_ignored):
        raise NotFound()

    @http.route()
    def backup(self, **_ignored):
        raise NotFound()

    @http.route()
    def restore(self, **_ignored):
        raise NotFound()

    @http.route()
    def change_password(self, **_ignored):
        raise NotFound()
