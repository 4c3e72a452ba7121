"""WebSocket: one message in each text frame, subprotocol `tidegate.routing.v1`.

The only channel that needs a package: pip install -r requirements.txt
"""

import sys

try:
    from websockets.asyncio.client import connect as dial
except ImportError:
    sys.exit("the package websockets is missing; run: pip install -r requirements.txt")

from session import Session, keep_connected

SUBPROTOCOL = "tidegate.routing.v1"


async def connect(settings, started):
    headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
    # The conversation has a heartbeat of its own.
    options = {"subprotocols": [SUBPROTOCOL], "additional_headers": headers, "ping_interval": None}
    async with dial(settings.proxy, **options) as socket:
        session = Session(settings, socket.send)
        started(session)
        await session.converse(socket)


async def run(settings, stop):
    await keep_connected(settings, connect, stop)
