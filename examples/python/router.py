"""A routing application for Tidegate: it is asked about each request, and answers with a route
document. decide.py decides; the other files are the channels over which it is asked.
"""

import argparse
import asyncio
import importlib
import os
import re
import signal

CHANNELS = ["tcp", "websocket", "http"]


def address(text):
    found = re.fullmatch(r"\[?([^\[\]/]+?)\]?:(\d{1,5})", text)
    if not found or int(found[2]) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no address: write host:port")
    return found[1], int(found[2])


def target(text):
    if not re.fullmatch(r"sip:[^@\s]+", text):
        raise argparse.ArgumentTypeError(f"{text} is no target: write sip:host:port")
    return text


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="The environment variable TOKEN holds the secret that proxy and application share, if "
        "there is one. SIGTERM and SIGINT: no new questions; those under way are answered; then it ends.",
    )
    add = parser.add_argument
    add("channel", nargs="?", choices=CHANNELS, default="tcp")
    add("--proxy", help="where the proxy takes applications [tcp: 127.0.0.1:8448, "
        "websocket: ws://127.0.0.1:8449]")
    add("--listen", type=address, default="127.0.0.1:8080",
        help="http: take the proxy's questions here [%(default)s]")
    add("--first", type=target, default="sip:127.0.0.1:5070", help="the first target [%(default)s]")
    add("--second", type=target, default="sip:127.0.0.1:5071", help="the second target [%(default)s]")
    add("--name", default="python", help="what the proxy knows this application by [%(default)s]")
    settings = parser.parse_args()
    settings.token = os.environ.get("TOKEN")
    settings.targets = [settings.first, settings.second]
    if settings.channel == "tcp":
        try:
            settings.proxy = address(settings.proxy or "127.0.0.1:8448")
        except argparse.ArgumentTypeError as error:
            parser.error(str(error))
    else:
        settings.proxy = settings.proxy or "ws://127.0.0.1:8449"
    return settings


async def main():
    settings = read_arguments()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Only the channel that is used: not every one does without packages.
    module = importlib.import_module(f"{settings.channel}_channel")
    await module.run(settings, stop)


if __name__ == "__main__":
    asyncio.run(main())
