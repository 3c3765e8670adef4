"""Proves to the proxy that this is the instance that it looks for, before it says anything of what its visitor wants.

Addresses of containers change hands: after a restart of an engine the port of one instance may be another one's. So whoever
connects may begin with a question, before HTTP:

    SAYOO-PROOF <32 hexadecimal digits>\\r\\n\\r\\n

and reads 64 hexadecimal digits and a line feed: HMAC-SHA256 of the question's bytes under HMAC-SHA256("sayoo proof", password of
the database), which nobody but this instance and the platform can know. What follows on the connection is HTTP as ever.
Pure but for `install`. The other side is `src/base/proof.rs`.
"""
import binascii
import hashlib
import hmac
import os

QUESTION = b'SAYOO-PROOF '
QUESTION_LENGTH = len(QUESTION) + 32 + len(b'\r\n\r\n')


def key_of(password):
    return hmac.new(password.encode(), b'sayoo proof', hashlib.sha256).digest()


def answer(key, question):
    """Returns what is to be said to a whole question; nothing when it is none."""
    if len(question) != QUESTION_LENGTH or not question.startswith(QUESTION) or not question.endswith(b'\r\n\r\n'):
        return b''
    try:
        asked = binascii.unhexlify(question[len(QUESTION):-4])
    except binascii.Error:
        return b''
    return hmac.new(key, asked, hashlib.sha256).hexdigest().encode() + b'\n'


def install():
    """Lets every server that Odoo may start answer: its own with threads or processes, and gevent's for websockets."""
    import werkzeug.serving
    key = key_of(os.environ.get('PGPASSWORD', ''))
    handle = werkzeug.serving.WSGIRequestHandler.handle

    def proving_handle(self):
        try:
            if self.rfile.peek(len(QUESTION)).startswith(QUESTION):
                said = answer(key, self.rfile.read(QUESTION_LENGTH))
                if not said:
                    return
                self.connection.sendall(said)
        except OSError:
            return
        handle(self)

    werkzeug.serving.WSGIRequestHandler.handle = proving_handle
    try:
        from gevent import pywsgi
    except ImportError:
        return
    read_requestline = pywsgi.WSGIHandler.read_requestline

    def proving_requestline(self):
        line = read_requestline(self)
        # A connection begins with it; between two requests it is none.
        is_first, self.sayoo_has_begun = not getattr(self, 'sayoo_has_begun', False), True
        if is_first and line.encode('latin-1').startswith(QUESTION):
            said = answer(key, line.encode('latin-1') + self.rfile.readline())
            if not said:
                return ''
            self.socket.sendall(said)
            line = read_requestline(self)
        return line

    pywsgi.WSGIHandler.read_requestline = proving_requestline
