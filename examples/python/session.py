"""What is said on a channel that stays open, TCP or WebSocket: the same messages on both."""

import asyncio
import json
import random
import sys

from billing import bill
from decide import decide

# This application's own version, by which records and reports tell one from the next.
RELEASE = "0.1.0"

HEARTBEAT = 5.0
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0

# All kinds of notifications there are.
SUBSCRIBE = ["progress", "answered", "failed", "ended"]


def hello(name, token=None):
    """The first message of either side."""
    message = {
        "type": "hello",
        "version": "1.0",
        "name": name,
        "release": RELEASE,
        "max_in_flight": 1000,
        "subscribe": SUBSCRIBE,
    }
    return message | ({"token": token} if token else {})


def refusal(error):
    """What the proxy refused, and where in the document that was."""
    return " ".join(filter(None, ["refused:", error["code"], error.get("pointer"), error["message"]]))


def complain(text):
    print(text, file=sys.stderr, flush=True)


class Session:
    """One connection. `send` is a coroutine function that takes a message's text."""

    def __init__(self, settings, send):
        self.settings = settings
        self.send_text = send
        self.in_flight = {}
        self.greeted = False
        self.draining = False
        self.nothing_new = False
        self.ended = asyncio.Event()
        self.heard = self.now()

    async def converse(self, texts):
        """Reads until either side ends the conversation."""
        await self.send(hello(self.settings.name, self.settings.token))
        tasks = [
            asyncio.create_task(self.read(texts)),
            asyncio.create_task(self.beat()),
            asyncio.create_task(self.ended.wait()),
        ]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        rest = [*tasks, *self.in_flight.values()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            task.result()  # raises what ended the conversation

    async def read(self, texts):
        async for text in texts:
            self.heard = self.now()
            try:
                await self.on_message(json.loads(text))
            except ValueError as error:
                return complain(f"not JSON: {error}")

    async def on_message(self, message):
        match message.get("type"):
            case "route":
                self.in_flight[message["id"]] = asyncio.create_task(self.answer(message))
            case "cancelled":
                task = self.in_flight.pop(message["id"], None)
                if task:
                    task.cancel()
                self.end_when_idle()
            case "call":
                await self.on_call(message)
            case "ping":
                await self.send({"type": "pong"})
            case "pong":
                self.nothing_new = True
                self.end_when_idle()
            case "hello":
                self.greeted = True
                print(f"connected to {message['name']}", flush=True)
            case "drain":
                print("the proxy is about to end", flush=True)
            case "error":
                complain(refusal(message))

    async def answer(self, event):
        """A task of its own: a decision that has to wait for a database holds up no other."""
        try:
            document = decide(event, self.settings.targets)
            await self.send({"version": "1.0", "id": event["id"]} | document)
        except (KeyError, TypeError, ValueError) as error:
            # The proxy asks the next application at once.
            text = f"{type(error).__name__}: {error}"
            await self.send({"type": "error", "id": event["id"], "code": "internal", "message": text})
        self.in_flight.pop(event["id"], None)
        self.end_when_idle()

    async def on_call(self, call):
        try:
            bill(call)
        except OSError as error:
            return complain(f"not billed: {error}")  # without an ack it comes again
        await self.send({"type": "ack", "event_id": call["event_id"]})

    async def beat(self):
        """Either side takes the other for dead when it was silent for two intervals."""
        while self.now() - self.heard < 2 * HEARTBEAT:
            await asyncio.sleep(HEARTBEAT)
            await self.send({"type": "ping"})

    async def drain(self):
        """No new questions, please. The pong to the ping behind it says that none is under way."""
        if not self.greeted:
            return self.ended.set()
        self.draining, self.nothing_new = True, False
        await self.send({"type": "drain"})
        await self.send({"type": "ping"})

    def end_when_idle(self):
        if self.draining and self.nothing_new and not self.in_flight:
            self.ended.set()

    async def send(self, message):
        await self.send_text(json.dumps(message, separators=(",", ":")))

    @staticmethod
    def now():
        return asyncio.get_running_loop().time()


async def keep_connected(settings, connect, stop):
    """Connects again and again until `stop` is set, an asyncio.Event.

    `connect(settings, started)` has one conversation and calls `started(session)` when it is
    connected. The wait between two grows and has a random part, so that a thousand applications do
    not return to a restarted proxy in the same moment.
    """
    session, failures = None, 0

    def started(new):
        nonlocal session
        session = new

    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        session = None
        conversation = asyncio.create_task(connect(settings, started))
        await asyncio.wait({conversation, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            await finish(session, conversation)
            break
        failures = 0 if session and session.greeted else failures + 1
        if error := conversation.exception():
            complain(f"{type(error).__name__}: {error}")
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2**failures)
        await asyncio.wait({stopping}, timeout=random.uniform(longest / 2, longest))


async def finish(session, conversation):
    if session:
        await session.drain()
    else:
        conversation.cancel()
    await asyncio.gather(conversation, return_exceptions=True)
