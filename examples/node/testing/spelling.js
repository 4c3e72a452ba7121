// One spelling for all that means the same, so that two texts can be compared.
//
// URIs follow RFC 3261 section 19.1.4 and RFC 3966 section 4: case counts in the user alone, an
// escape is the character that it stands for (but for reserved ones), parameters and headers have
// no order, and a default port is not the same as none. With one exception: a parameter that only
// one of two URIs has makes a difference, because it would be sent.

const SOUND = /^(?:[!#$&-;=?-[\]-~]|%[0-9A-Fa-f]{2})*$/;
const PARAMS = /(?:;[!#-+\--:@-[\]-~]+(?:=[!#-+\--:=@-[\]-~]+)?)*/;
const SIP = new RegExp(
  String.raw`^(\[[^\]]*\]|[A-Za-z0-9._-]+)(?::([0-9]+))?(${PARAMS.source})(?:\?([^@]+))?$`);
const TEL = new RegExp(String.raw`^([0-9A-Fa-f*#+().-]+)(${PARAMS.source})$`);
const RESERVED = ';/?:@&=+$,';

// A URI. What is no URI stays as it is.
function uri(text) {
  const trimmed = text.trim();
  const [, scheme, rest] = trimmed.match(/^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s) || [];
  const kind = (scheme || '').toLowerCase();
  const spelled = kind === 'tel' ? tel(rest) : kind === 'sip' || kind === 'sips' ? sip(rest) : null;
  return spelled === null ? trimmed : `${kind}:${spelled}`;
}

function sip(rest) {
  const at = rest.indexOf('@');
  const [, user, password] = rest.slice(0, Math.max(at, 0)).match(/^([^:]*)(?::(.*))?$/s);
  const found = rest.slice(at + 1).match(SIP);
  if (!found || !SOUND.test(rest) || (at >= 0 && !user)) return null;
  const [, name, port, params, headers] = found;
  const spelledHost = host(name);
  if (spelledHost === null || Number(port) > 65535) return null;
  const secret = password === undefined ? '' : `:${exactly(password)}`;
  return (at < 0 ? '' : `${exactly(user)}${secret}@`) + spelledHost +
    (port === undefined ? '' : `:${Number(port)}`) + parameters(params) + uriHeaders(headers || '');
}

function tel(rest) {
  const [, number, params] = rest.match(TEL) || [];
  if (number === undefined || !SOUND.test(params)) return null;
  return number.replace(/[-.()]/g, '').toLowerCase() + parameters(params);
}

// IPv6 as the platform writes it.
function host(text) {
  if (!text.startsWith('[')) return text.toLowerCase();
  try {
    return new URL(`http://${text}/`).hostname;
  } catch {
    return null;
  }
}

function parameters(text) {
  const each = text.split(';').slice(1).map((param) => {
    const equals = param.indexOf('=');
    if (equals < 0) return `;${folded(param)}`;
    return `;${folded(param.slice(0, equals))}=${folded(param.slice(equals + 1))}`;
  });
  return each.sort().join('');
}

function uriHeaders(text) {
  const each = text.split('&').filter(Boolean).map((field) => {
    const equals = field.includes('=') ? field.indexOf('=') : field.length;
    return `?${folded(field.slice(0, equals))}${exactly(field.slice(equals))}`;
  });
  return each.sort().join('');
}

// Case kept. A reserved character is not its escape.
function exactly(text) {
  return respelled(text, (letter, escaped) =>
    /[!-$&-~]/.test(letter) && !(escaped && RESERVED.includes(letter)));
}

// In lower case, and every escape as what it stands for.
function folded(text) {
  return respelled(text, (letter) => /[A-Za-z0-9\-_.!~*'()[\]:+]/.test(letter)).toLowerCase();
}

// Undoes every escape, and escapes again what may not stand for itself.
function respelled(text, stands) {
  return text.replace(/%([0-9A-Fa-f]{2})|[^]/g, (part, hex) => {
    const letter = hex ? String.fromCharCode(parseInt(hex, 16)) : part;
    if (stands(letter, hex !== undefined)) return letter;
    return `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

// Route values: `<sip:edge;lr>, <sip:core;lr>`.
function path(text) {
  return splitList(text).map((value) => {
    const [, display, inside, behind] = value.trim().match(/^([^<]*)<([^>]*)>(.*)$/s) || [];
    return inside === undefined
      ? `<${uri(value)}>`
      : `${display.trim()}<${uri(inside)}>${behind.trim()}`;
  }).join(',');
}

// The values of a list, whose commas may also stand in quotes and angle brackets.
function splitList(text) {
  const parts = text.match(/"(?:\\[^]|[^"\\])*"|<[^>]*>|[^]/g) || [];
  const values = [''];
  for (const part of parts) {
    if (part === ',') values.push('');
    else values[values.length - 1] += part;
  }
  return values;
}

// A listener of the proxy: `udp:192.0.2.1:5060`.
function socket(text) {
  return text.trim().toLowerCase().replace(/\[[^\]]*\]/, (address) => host(address) ?? address);
}

const COMPACT = {
  a: 'accept-contact', b: 'referred-by', c: 'content-type', d: 'request-disposition',
  e: 'content-encoding', f: 'from', i: 'call-id', j: 'reject-contact', k: 'supported',
  l: 'content-length', m: 'contact', n: 'identity-info', o: 'event', r: 'refer-to', s: 'subject',
  t: 'to', u: 'allow-events', v: 'via', x: 'session-expires', y: 'identity',
};

// The name of a header: in any case, and compact ones as what they stand for.
function headerName(name) {
  const lower = name.toLowerCase();
  return Object.hasOwn(COMPACT, lower) ? COMPACT[lower] : lower;
}

// A display name without its quotes and their escapes.
function display(name) {
  const [, inside] = name.match(/^"((?:\\[^]|[^"\\])*)"$/) || [];
  return inside === undefined ? name : inside.replace(/\\([^])/g, '$1');
}

// What stands for a status code where no reason phrase is given.
const REASONS = {
  200: 'OK', 202: 'Accepted', 204: 'No Notification', 300: 'Multiple Choices',
  301: 'Moved Permanently', 302: 'Moved Temporarily', 305: 'Use Proxy', 380: 'Alternative Service',
  400: 'Bad Request', 401: 'Unauthorized', 402: 'Payment Required', 403: 'Forbidden',
  404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable',
  407: 'Proxy Authentication Required', 408: 'Request Timeout', 410: 'Gone',
  412: 'Conditional Request Failed', 413: 'Request Entity Too Large', 414: 'Request-URI Too Long',
  415: 'Unsupported Media Type', 416: 'Unsupported URI Scheme', 417: 'Unknown Resource-Priority',
  420: 'Bad Extension', 421: 'Extension Required', 422: 'Session Interval Too Small',
  423: 'Interval Too Brief', 424: 'Bad Location Information', 425: 'Bad Alert Message',
  428: 'Use Identity Header', 429: 'Provide Referrer Identity', 430: 'Flow Failed',
  433: 'Anonymity Disallowed', 436: 'Bad Identity Info', 437: 'Unsupported Credential',
  438: 'Invalid Identity Header', 439: 'First Hop Lacks Outbound Support',
  440: 'Max-Breadth Exceeded', 469: 'Bad Info Package', 470: 'Consent Needed',
  480: 'Temporarily Unavailable', 481: 'Call/Transaction Does Not Exist', 482: 'Loop Detected',
  483: 'Too Many Hops', 484: 'Address Incomplete', 485: 'Ambiguous', 486: 'Busy Here',
  487: 'Request Terminated', 488: 'Not Acceptable Here', 489: 'Bad Event', 491: 'Request Pending',
  493: 'Undecipherable', 494: 'Security Agreement Required', 500: 'Server Internal Error',
  501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Server Time-out',
  505: 'Version Not Supported', 513: 'Message Too Large',
  555: 'Push Notification Service Not Supported', 580: 'Precondition Failure',
  600: 'Busy Everywhere', 603: 'Decline', 604: 'Does Not Exist Anywhere', 606: 'Not Acceptable',
  607: 'Unwanted', 608: 'Rejected',
};

module.exports = { uri, path, socket, headerName, display, REASONS };
