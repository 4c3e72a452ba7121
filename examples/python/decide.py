"""The decision: from an event to a route document.

It knows nothing of channels, and all that a routing application of your own has to replace is here.
"""

import re


def table(first, second):
    """The routing table: the first line whose pattern matches the called user decides."""
    return [
        (r"1\d\d", {"routing": "parallel", "to": [first, second], "tariff": "office"}),
        (r"2\d\d", {"routing": "serial", "to": [first, second], "tariff": "failover"}),
        (r"9.*", {"reply": {"code": 403, "reason": "Not From Here"}}),
        (r"[A-Za-z].*", {"routing": "serial", "to": [first], "tariff": "names"}),
        (r".*", {"reply": {"code": 404, "reason": "Unknown Number"}}),
    ]


def decide(event, targets):
    """What to do with event["request"], which came from event["source"]."""
    found = re.match(r"sips?:([^@;]+)@", event["request"]["uri"])
    user = found[1] if found else ""
    line = next(line for pattern, line in table(*targets) if re.fullmatch(pattern, user))
    if "reply" in line:
        return {"action": "reply", "reply": line["reply"]}
    routes = [
        {
            "uri": target.replace("sip:", f"sip:{user}@", 1),
            "fr_timer": 2000,  # milliseconds without any answer before the next target's turn
            "headers": {"set": {"X-Routed-By": "examples/python"}},
        }
        for target in line["to"]
    ]
    return {"routing": line["routing"], "routes": routes, "tags": {"tariff": line["tariff"]}}
