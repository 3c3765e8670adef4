"""The servers that Odoo and its like are run by, each with the same program: it says which path it was asked for, keeps a list of
them, and reads the body of every other request only.

    servers.py NAME PORT FILE
"""

import asyncio
import os
import sys


def program(file):
    """A WSGI application that notes in a file what it was asked."""
    notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def answer(environ, start):
        path = environ["PATH_INFO"]
        os.write(notes, path.encode("latin-1", "replace") + b"\n")
        if is_read(path):
            if length := environ.get("CONTENT_LENGTH"):
                environ["wsgi.input"].read(int(length))
            elif environ.get("HTTP_TRANSFER_ENCODING"):
                environ["wsgi.input"].read()
        said = path.encode("latin-1", "replace")
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))])
        return [said]

    return answer


def is_read(path):
    return path[-1:] not in "13579"


def werkzeug(port, file):
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_):
            pass

    make_server("127.0.0.1", port, program(file), threaded=True, request_handler=Handler).serve_forever()


def gevent(port, file):
    from gevent.pywsgi import WSGIServer

    WSGIServer(("127.0.0.1", port), program(file), log=None, error_log=None).serve_forever()


def gunicorn(port, file):
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self):
            for key, value in {"bind": f"127.0.0.1:{port}", "workers": 1, "threads": 8, "keepalive": 5, "loglevel": "critical"}.items():
                self.cfg.set(key, value)

        def load(self):
            return program(file)

    Application().run()


def waitress(port, file):
    from waitress import serve

    serve(program(file), host="127.0.0.1", port=port, threads=8, connection_limit=2_000, _quiet=True)


def hypercorn(port, file):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def answer(scope, receive, send):
        if scope["type"] != "http":
            return
        os.write(notes, scope["raw_path"] + b"\n")
        while is_read(scope["path"]) and (await receive()).get("more_body"):
            pass
        length = str(len(scope["raw_path"])).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": scope["raw_path"]})

    config = Config()
    config.bind, config.errorlog = [f"127.0.0.1:{port}"], None
    asyncio.run(serve(answer, config))


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
