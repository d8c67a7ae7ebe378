"""Answers /readyz for the processes of check-roll's world: process N on port 3000 + N, ready where it
runs and the configuration of the deployment that its program lies in does not have BROKEN in it."""

import http.server
import os
import sys
import threading

WORLD = sys.argv[1]


def is_ready(number):
    try:
        with open(f"{WORLD}/units/ticket-node@{number}.service") as file:
            program = os.readlink(f"/proc/{file.read().strip()}/exe")
        with open(f"{os.path.dirname(program)}/ticket-node-{number}.env") as file:
            return "BROKEN" not in file.read()
    except OSError:
        return False


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200 if is_ready(self.server.server_port - 3000) else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


for port in (3001, 3002, 3003):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever).start()
print("ready", flush=True)
