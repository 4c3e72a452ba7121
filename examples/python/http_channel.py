"""HTTP: the proxy sends each message with POST, and the answer is in the response."""

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from billing import bill
from decide import decide
from session import complain, hello, refusal

LONGEST_BODY = 1 << 20


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open
    disable_nagle_algorithm = True
    timeout = 60  # of an idle connection: longer than the proxy's heartbeat

    def do_POST(self):
        with self.server.busy:
            status, body = self.handle_message()
            content = json.dumps(body).encode() if body else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def handle_message(self):
        """The status and the body of the response."""
        length = int(self.headers.get("Content-Length", 0))
        if length > LONGEST_BODY:
            self.close_connection = True
            return 413, None
        body = self.rfile.read(length)
        token = self.server.settings.token
        if token and self.headers.get("Authorization") != f"Bearer {token}":
            return 401, None
        try:
            return self.answer(json.loads(body))
        except ValueError as error:
            complain(f"not JSON: {error}")
            return 400, {"message": str(error)}
        except (KeyError, TypeError, OSError) as error:
            complain(f"{type(error).__name__}: {error}")
            return 500, {"message": str(error)}

    def answer(self, message):
        settings = self.server.settings
        match message.get("type"):
            case "route":
                document = decide(message, settings.targets)
                return 200, {"version": "1.0", "id": message["id"]} | document
            case "call":
                bill(message)  # 2xx is the ack; after anything else it comes again
                return 204, None
            case "hello":
                print(f"connected to {message['name']}", flush=True)
                return 200, hello(settings.name)
            case "ping":
                return 200, {"type": "pong"}
            case "error":
                complain(refusal(message))
        return 204, None

    def log_message(self, *_):
        """Not a line for each request."""


class Busy:
    """Counts the requests that are being answered."""

    def __init__(self):
        self.changed = threading.Condition()
        self.count = 0

    def __enter__(self):
        with self.changed:
            self.count += 1

    def __exit__(self, *_):
        with self.changed:
            self.count -= 1
            self.changed.notify_all()

    def wait_until_idle(self, patience):
        with self.changed:
            self.changed.wait_for(lambda: self.count == 0, patience)


class Server(ThreadingHTTPServer):
    request_queue_size = 128


async def run(settings, stop):
    try:
        server = Server(settings.listen, Handler)
    except OSError as error:
        sys.exit(f"can't listen: {error}")
    server.settings, server.busy = settings, Busy()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    print("listening on http://{}:{}".format(*settings.listen), flush=True)
    await stop.wait()
    # Takes nothing new; what is in flight is still answered.
    await asyncio.to_thread(server.shutdown)
    server.socket.close()
    await asyncio.to_thread(server.busy.wait_until_idle, 5)
