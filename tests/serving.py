"""A server on this machine that gives one file, and misbehaves as its path asks for."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def server(content):
    """Serve the bytes; gives the address and the list of requests (method, path).

    /whole/... is what it should be; /short/... ends early and says so; /stops/... breaks off in the middle;
    /silent/... falls silent there; anything else is not found.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            asked.append(("HEAD", self.path))
            self.head()

        def do_GET(self):
            asked.append(("GET", self.path))
            kind, body = self.head()
            if kind in ("stops", "silent"):
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                time.sleep(1.0 if kind == "silent" else 0)
                self.close_connection = True
            else:
                self.wfile.write(body)

        def head(self):
            kind = self.path.split("/")[1]
            found = kind in ("whole", "short", "stops", "silent")
            body = (content[: len(content) // 2] if kind == "short" else content) if found else b""
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            self.end_headers()
            return kind, body

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.daemon_threads = True
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}", asked
        serving.shutdown()
        thread.join()
