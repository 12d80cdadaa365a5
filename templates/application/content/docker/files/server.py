"""A small web server: a page, and an answer for the platform's probes."""

import html
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080


def page() -> str:
    """Returns the page; links in it are relative, because the platform serves it below a path."""
    title = html.escape(os.environ.get("TITLE", "Application"))
    greeting = html.escape(os.environ.get("GREETING", "Hello"))
    return f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{greeting}</p>"


class Handler(BaseHTTPRequestHandler):
    """Answers requests."""

    def do_GET(self) -> None:
        """Answers GET."""
        path = self.path.split("?")[0]
        pages = {"/": (page(), "text/html"), "/healthz": ("ok", "text/plain")}
        text, kind = pages.get(path, ("not found", "text/plain"))
        body = text.encode()
        self.send_response(200 if path in pages else 404)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print(f"listens at port {PORT}", flush=True)
    ThreadingHTTPServer(("0.0.0.0", PORT), Handler).serve_forever()
