"""The billing hook: what a billing system does with the notifications about calls."""

import threading

# Notifications come at least once. So many event ids are kept to tell repeats.
REMEMBERED = 10_000

_billed = {}  # a dict keeps the order in which its keys came
_lock = threading.Lock()


def bill(call):
    """Takes one notification; this one prints it.

    When it returns, the notification is acknowledged and not sent again; so a hook that writes to a
    database returns when that is done, and raises when it failed.
    """
    with _lock:
        if call["event_id"] in _billed:
            return
        tariff = call.get("tags", {}).get("tariff", "none")
        ended = call["event"] == "ended"
        what = f"{call['duration_ms']} ms, {call['cause']}" if ended else call["code"]
        print(f"{call['event']}: {call['from']} to {call['to']}, tariff {tariff}, {what}", flush=True)
        _billed[call["event_id"]] = True
        if len(_billed) > REMEMBERED:
            del _billed[next(iter(_billed))]
