"""One spelling for all that means the same, so that two texts can be compared.

URIs follow RFC 3261 section 19.1.4 and RFC 3966 section 4: case counts in the user alone, an escape
is the character that it stands for (but for reserved ones), parameters and headers have no order,
and a default port is not the same as none. With one exception: a parameter that only one of two
URIs has makes a difference, because it would be sent.
"""

import ipaddress
import re

SOUND = re.compile(r"(?:[!#$&-;=?-\[\]-~]|%[0-9A-Fa-f]{2})*")
RESERVED = ";/?:@&=+$,"
PARAMS = r"((?:;[!#-+\--:@-\[\]-~]+(?:=[!#-+\--:=@-\[\]-~]+)?)*)"
SIP = re.compile(r"(\[[^\]]*\]|[A-Za-z0-9._-]+)(?::([0-9]+))?" + PARAMS + r"(?:\?([^@]+))?")
TEL = re.compile(r"([0-9A-Fa-f*#+().-]+)" + PARAMS)


def uri(text):
    """A URI. What is no URI stays as it is."""
    text = text.strip()
    found = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", text, re.S)
    scheme = found[1].lower() if found else ""
    spell = {"sip": _sip, "sips": _sip, "tel": _tel}.get(scheme)
    spelled = spell(found[2]) if spell else None
    return text if spelled is None else f"{scheme}:{spelled}"


def _sip(rest):
    info, at, behind = rest.partition("@")
    if not at:
        info, behind = "", rest
    user, colon, password = info.partition(":")
    found = SIP.fullmatch(behind)
    if not found or not SOUND.fullmatch(rest) or (at and not user):
        return None
    name, port, params, headers = found.groups()
    spelled_host = host(name)
    if spelled_host is None or int(port or 0) > 65535:
        return None
    secret = ":" + _exactly(password) if colon else ""
    return (
        (_exactly(user) + secret + "@" if at else "")
        + spelled_host
        + ("" if port is None else f":{int(port)}")
        + _parameters(params)
        + _headers(headers or "")
    )


def _tel(rest):
    found = TEL.fullmatch(rest)
    if not found or not SOUND.fullmatch(found[2]):
        return None
    return re.sub(r"[-.()]", "", found[1]).lower() + _parameters(found[2])


def host(text):
    """A name in lower case, an IPv6 address as the platform writes it."""
    if not text.startswith("["):
        return text.lower()
    try:
        address = ipaddress.IPv6Address(text[1:-1])
    except ValueError:
        return None
    return None if address.scope_id else f"[{address.compressed}]"


def _parameters(text):
    each = [param.partition("=") for param in text.split(";")[1:]]
    return "".join(sorted(f";{_folded(name)}{equals}{_folded(value)}" for name, equals, value in each))


def _headers(text):
    each = [field.partition("=") for field in text.split("&") if field]
    return "".join(sorted(f"?{_folded(name)}{equals}{_exactly(value)}" for name, equals, value in each))


def _exactly(text):
    """Case kept. A reserved character is not its escape."""

    def stands(letter, escaped):
        return re.match(r"[!-$&-~]", letter) and not (escaped and letter in RESERVED)

    return _respelled(text, stands)


def _folded(text):
    """In lower case, and every escape as what it stands for."""
    stands = re.compile(r"[A-Za-z0-9\-_.!~*'()\[\]:+]")
    return _respelled(text, lambda letter, escaped: stands.match(letter)).lower()


def _respelled(text, stands):
    """Undoes every escape, and escapes again what may not stand for itself."""

    def spell(part):
        letter = chr(int(part[1], 16)) if part[1] else part[0]
        return letter if stands(letter, bool(part[1])) else f"%{ord(letter):02X}"

    return re.sub(r"%([0-9A-Fa-f]{2})|.", spell, text, flags=re.S)


def path(text):
    """Route values: `<sip:edge;lr>, <sip:core;lr>`."""
    return ",".join(_route_value(value.strip()) for value in _split_list(text))


def _route_value(value):
    found = re.fullmatch(r"([^<]*)<([^>]*)>(.*)", value, re.S)
    if not found:
        return f"<{uri(value)}>"
    return f"{found[1].strip()}<{uri(found[2])}>{found[3].strip()}"


def _split_list(text):
    """The values of a list, whose commas may also stand in quotes and angle brackets."""
    values = [""]
    for part in re.findall(r'"(?:\\.|[^"\\])*"|<[^>]*>|.', text, re.S):
        if part == ",":
            values.append("")
        else:
            values[-1] += part
    return values


def socket(text):
    """A listener of the proxy: `udp:192.0.2.1:5060`."""
    return re.sub(r"\[[^\]]*\]", lambda found: host(found[0]) or found[0], text.strip().lower())


COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}


def header_name(name):
    """The name of a header: in any case, and compact ones as what they stand for."""
    lower = name.lower()
    return COMPACT.get(lower, lower)


def display(name):
    """A display name without its quotes and their escapes."""
    found = re.fullmatch(r'"((?:\\.|[^"\\])*)"', name, re.S)
    return re.sub(r"\\(.)", r"\1", found[1], flags=re.S) if found else name


# What stands for a status code where no reason phrase is given.
REASONS = {
    200: "OK", 202: "Accepted", 204: "No Notification", 300: "Multiple Choices",
    301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
    380: "Alternative Service", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
    412: "Conditional Request Failed", 413: "Request Entity Too Large",
    414: "Request-URI Too Long", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
    417: "Unknown Resource-Priority", 420: "Bad Extension", 421: "Extension Required",
    422: "Session Interval Too Small", 423: "Interval Too Brief", 424: "Bad Location Information",
    425: "Bad Alert Message", 428: "Use Identity Header", 429: "Provide Referrer Identity",
    430: "Flow Failed", 433: "Anonymity Disallowed", 436: "Bad Identity Info",
    437: "Unsupported Credential", 438: "Invalid Identity Header",
    439: "First Hop Lacks Outbound Support", 440: "Max-Breadth Exceeded", 469: "Bad Info Package",
    470: "Consent Needed", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
    482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete", 485: "Ambiguous",
    486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 493: "Undecipherable", 494: "Security Agreement Required",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported",
    513: "Message Too Large", 555: "Push Notification Service Not Supported",
    580: "Precondition Failure", 600: "Busy Everywhere", 603: "Decline",
    604: "Does Not Exist Anywhere", 606: "Not Acceptable", 607: "Unwanted", 608: "Rejected",
}


def standard_reason(code):
    return REASONS.get(code) or REASONS.get(code // 100 * 100)
