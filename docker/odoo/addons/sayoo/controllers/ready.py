"""Says whether this Odoo serves its database. Asked often by the platform, so it does next to nothing."""
from odoo import http
from odoo.http import request


class Ready(http.Controller):

    @http.route('/sayoo/ready', type='http', auth='none', methods=['GET'], csrf=False, save_session=False, readonly=True)
    def ready(self):
        # Without a database Odoo still routes here; then it serves nobody.
        if not request.db:
            return request.make_response('no database\n', [('Cache-Control', 'no-store')], status=503)
        request.env.cr.execute('SELECT 1')
        return request.make_response('ready\n', [('Cache-Control', 'no-store')])
