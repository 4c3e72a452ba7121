"""TCP: newline-delimited JSON in both directions. The application dials."""

import asyncio

from session import Session, keep_connected

LONGEST_LINE = 1 << 20


async def connect(settings, started):
    host, port = settings.proxy
    reader, writer = await asyncio.open_connection(host, port, limit=LONGEST_LINE)

    async def send(text):
        writer.write(text.encode() + b"\n")
        await writer.drain()

    async def lines():
        while line := await reader.readline():
            if line.strip():
                yield line

    session = Session(settings, send)
    started(session)
    try:
        await session.converse(lines())
    finally:
        writer.close()


async def run(settings, stop):
    await keep_connected(settings, connect, stop)
