// What differs between two route documents, by what they mean: not how they are written, but what
// the proxy would do. The same rules as those of `tidegate replay`, and held to the same examples
// (schemas/samples/compare).
//
//     compare(expected, found, { ignore: ['tags', 'headers.set.x-trace'], timers: { fr_timer: 500 } })
//     → [{ field: 'fr_timer', pointer: '/routes/0/fr_timer', expected: 2000, found: 3000 }]
//
// Tolerances, all optional: `ignore` (fields, with all that is below them; `*` stands for one part of
// a name), `timer_ms` (milliseconds by which any timer may differ), `timers` (the same for one of
// them), `any_order` (the order in which targets are tried does not count).

const { REASONS, uri } = require('./spelling');
const { compareRoutes } = require('./routes');
const { compareReplyHeaders } = require('./headers');

const KINDS = ['progress', 'answered', 'failed', 'ended'];

function compare(expected, found, tolerances = {}) {
  checkTolerances(tolerances);
  const report = new Report(tolerances, '', '');
  compareDocuments(expected, found, report);
  return report.differences;
}

// ---- documents

function compareDocuments(expected, found, report) {
  const at = [report.base, report.base];
  const actions = [expected, found].map(({ action }) => action ?? 'route');
  if (actions[0] === actions[1]) compareActions(expected, found, at, report);
  else report.value('action', at, { action: actions[0] }, { action: actions[1] });
  report.value('context', at, expected, found);
  compareObjects('tags', at, expected, found, report);
  report.value('record_route', at, expected, found);
  compareCache(at, expected, found, report);
  compareNotify(at, expected, found, report);
  report.value('location', at, expected, found);
}

// What belongs to an action alone is compared where both have that action.
function compareActions(expected, found, at, report) {
  compareRoutes(expected, found, report);
  report.value('on_redirect', at, expected, found);
  report.timer('max_call_ms', at, expected, found);
  compareReply(at, expected.reply ?? null, found.reply ?? null, report);
  compareContacts(at, expected.contacts ?? [], found.contacts ?? [], report);
  compareObjects('attributes', at, expected, found, report);
  const [one, two] = [expected.on_exhausted ?? null, found.on_exhausted ?? null];
  if (one && two) {
    const below = new Report(report.tolerances, `${report.prefix}on_exhausted.`, `${report.base}/on_exhausted`);
    compareDocuments(one, two, below);
    report.take(below);
  } else if (one || two) {
    const shown = (document) => document && [`${report.base}/on_exhausted`, document];
    report.differ('on_exhausted', shown(one), shown(two));
  }
}

function compareReply(at, one, two, report) {
  const places = at.map((at) => `${at}/reply`);
  if (!one || !two) {
    const shown = (reply, at) => reply && [at, reply];
    if (one || two) report.differ('reply', shown(one, places[0]), shown(two, places[1]));
    return;
  }
  const part = (key, spelling) => {
    const given = [one, two].map((reply) => (reply[key] === '' ? null : reply[key] ?? null));
    if (given[0] === given[1] || spelling(one) === spelling(two)) return;
    const [a, b] = given.map((value, side) => (value === null ? null : [`${places[side]}/${key}`, value]));
    report.differ(`reply.${key}`, a, b);
  };
  part('code', (reply) => reply.code);
  // The standard phrase of the code is as good as none.
  part('reason', ({ code, reason }) => {
    const text = (reason || '').trim();
    return text === standardReason(code) ? '' : text;
  });
  part('body', (reply) => reply.body || '');
  part('content_type', (reply) => (reply.content_type || '').trim());
  compareReplyHeaders(one.headers, two.headers, places, report);
}

function standardReason(code) {
  return REASONS[code] ?? REASONS[Math.floor(code / 100) * 100];
}

// The list of Contacts, in its order.
function compareContacts(at, expected, found, report) {
  const spelled = ({ uri: text, q }) => `${uri(String(text))} ${q == null ? '-' : Math.round(q * 1000)}`;
  const common = Math.min(expected.length, found.length);
  let first = 0;
  while (first < common && spelled(expected[first]) === spelled(found[first])) first += 1;
  if (first === expected.length && first === found.length) return;
  const shown = (list, at) => {
    if (first < common) return [`${at}/contacts/${first}`, list[first]];
    return first < list.length ? [`${at}/contacts`, list.slice(first)] : null;
  };
  report.differ('contacts', shown(expected, at[0]), shown(found, at[1]));
}

// Objects key by key; an empty one is absent.
function compareObjects(field, at, expected, found, report) {
  const [one, two] = [expected[field] ?? {}, found[field] ?? {}];
  for (const key of [...new Set([...Object.keys(one), ...Object.keys(two)])].sort()) {
    const has = [Object.hasOwn(one, key), Object.hasOwn(two, key)];
    if (has[0] && has[1] && isSame(one[key], two[key])) continue;
    const shown = (has, object, at) => (has ? [`${at}/${field}/${escaped(key)}`, object[key]] : null);
    const values = [shown(has[0], one, at[0]), shown(has[1], two, at[1])];
    report.differ(field, ...values, `${field}.${key}`);
  }
}

function compareCache(at, expected, found, report) {
  // A decision that is kept for no time is not kept.
  const useful = (cache) => (cache && (cache.ttl_ms > 0 || cache.stale_if_error_ms > 0) ? cache : null);
  const [one, two] = [useful(expected.cache), useful(found.cache)];
  const places = at.map((at) => `${at}/cache`);
  if (!one || !two) {
    const shown = (cache, at) => cache && [at, cache];
    if (one || two) report.differ('cache', shown(one, places[0]), shown(two, places[1]));
    return;
  }
  const keys = (cache) => [...new Set((cache.key ?? []).map(cacheKey))].sort().join(' ');
  const part = (key, same, a, b) => {
    if (same) return;
    report.differ('cache', [`${places[0]}/${key}`, a], [`${places[1]}/${key}`, b], `cache.${key}`);
  };
  part('ttl_ms', one.ttl_ms === two.ttl_ms, one.ttl_ms, two.ttl_ms);
  part('key', keys(one) === keys(two), one.key, two.key);
  const stale = [one.stale_if_error_ms ?? 0, two.stale_if_error_ms ?? 0];
  part('stale_if_error_ms', stale[0] === stale[1], ...stale);
}

const cacheKey = (part) => (String(part).startsWith('header:') ? part.toLowerCase() : part);

// All kinds when absent.
function compareNotify(at, expected, found, report) {
  const wanted = ({ notify }) => KINDS.filter((kind) => (notify ?? KINDS).includes(kind)).join(' ');
  if (wanted(expected) === wanted(found)) return;
  const shown = ({ notify }, at) => (notify == null ? null : [`${at}/notify`, notify]);
  report.differ('notify', shown(expected, at[0]), shown(found, at[1]));
}

// ---- differences

class Report {
  constructor(tolerances, prefix, base) {
    Object.assign(this, { tolerances, prefix, base, differences: [] });
  }

  // An empty one for the same document.
  another() {
    return new Report(this.tolerances, this.prefix, this.base);
  }

  take(other) {
    this.differences = this.differences.concat(other.differences);
  }

  // Reports a difference of two [pointer, value]; null for nothing. `part` is a part of the field, by
  // which it can be ignored too.
  differ(field, expected, found, part = field) {
    if (isIgnored(this.prefix + part, this.tolerances.ignore ?? [])) return;
    const difference = { field: this.prefix + field, pointer: (expected ?? found)[0] };
    if (expected) [, difference.expected] = expected;
    if (found) [, difference.found] = found;
    this.differences.push(difference);
  }

  // Compares what stands under a key in both.
  value(key, at, expected, found) {
    const [one, two] = [expected[key] ?? null, found[key] ?? null];
    if (isSame(one, two)) return;
    const shown = (value, at) => (value === null ? null : [`${at}/${key}`, value]);
    this.differ(key, shown(one, at[0]), shown(two, at[1]));
  }

  // Compares texts by their one spelling; an empty one is absent.
  text(key, at, expected, found, spelling) {
    const [one, two] = [expected, found].map((it) => ({ [key]: it[key] === '' ? null : it[key] }));
    const areTexts = typeof one[key] === 'string' && typeof two[key] === 'string';
    if (areTexts && spelling(one[key]) === spelling(two[key])) return;
    this.value(key, at, one, two);
  }

  // Compares timers, which may differ a little.
  timer(key, at, expected, found) {
    const most = this.tolerances.timers?.[key] ?? this.tolerances.timer_ms ?? 0;
    if (!(Math.abs(expected[key] - found[key]) <= most)) this.value(key, at, expected, found);
  }
}

const escaped = (token) => token.replaceAll('~', '~0').replaceAll('/', '~1');

// JSON by value; keys have no order.
function isSame(one, two) {
  if (one === null || two === null || typeof one !== 'object' || typeof two !== 'object') return one === two;
  if (Array.isArray(one) !== Array.isArray(two)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(two).length &&
    keys.every((key) => Object.hasOwn(two, key) && isSame(one[key], two[key]));
}

// ---- tolerances

const TIMERS = ['fr_inv_timer', 'fr_timer', 'max_call_ms'];

// All fields and what is below them: nothing, names of one's own (ANY), or more fields.
const ANY = Symbol('names of one’s own');
const FIELDS = {
  action: null, ask_on: null, attributes: ANY, branch_flags: null,
  cache: { key: null, stale_if_error_ms: null, ttl_ms: null },
  contacts: null, context: null, continue_on: null, dst_uri: null, fr_inv_timer: null, fr_timer: null,
  headers: {
    append: ANY, from: { display: null, uri: null }, remove: ANY, set: ANY, to: { display: null, uri: null },
  },
  location: null, max_call_ms: null, notify: null, on_redirect: null, order: null, path: null,
  record_route: null, reply: { body: null, code: null, content_type: null, headers: ANY, reason: null },
  routing: null, socket: null, stop_on: null, tags: ANY, targets: null, uri: null,
};
FIELDS.on_exhausted = FIELDS;

function checkTolerances(tolerances) {
  const known = ['ignore', 'timer_ms', 'timers', 'any_order'];
  for (const key of Object.keys(tolerances)) {
    if (!known.includes(key)) throw new TypeError(`no tolerance "${key}": there are ${known.join(', ')}`);
  }
  for (const field of tolerances.ignore ?? []) checkField(field, field.toLowerCase().split('.'), FIELDS);
  for (const timer of Object.keys(tolerances.timers ?? {})) {
    if (!TIMERS.includes(timer)) throw new TypeError(`no timer "${timer}": there are ${TIMERS.join(', ')}`);
  }
}

function checkField(field, [first, ...rest], known) {
  const exists = (name) => name === first || first === '*';
  const fits = Object.keys(known).filter(exists).some((name) => {
    if (known[name] === ANY || rest.length === 0) return true;
    return known[name] !== null && isField(field, rest, known[name]);
  });
  if (fits) return;
  throw new TypeError(`no field "${field}": instead of "${first}" there are ${Object.keys(known).sort().join(', ')}`);
}

function isField(field, parts, known) {
  try {
    checkField(field, parts, known);
    return true;
  } catch (error) {
    if (parts[0] === '*') return false;
    throw error;
  }
}

// A field is ignored with all below it, in what follows by `on_exhausted` too.
function isIgnored(field, patterns) {
  const innermost = field.replace(/^(on_exhausted\.)+/, '');
  return patterns.some((pattern) => covers(pattern, field) || covers(pattern, innermost));
}

function covers(pattern, field) {
  const parts = field.toLowerCase().split('.');
  return pattern.toLowerCase().split('.').every((wanted, at) =>
    parts[at] !== undefined && (wanted === '*' || wanted === parts[at]));
}

module.exports = { compare };
