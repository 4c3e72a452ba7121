// Changes to headers.

const { display, headerName, uri } = require('./spelling');

const list = (value) => (Array.isArray(value) ? value : []);
const given = (text) => (typeof text === 'string' && text !== '' ? text : undefined);
const escaped = (token) => token.replaceAll('~', '~0').replaceAll('/', '~1');

// Entries [name, value, pointer] as a map from the name in one spelling to its values.
function byName(entries) {
  const values = new Map();
  for (const [name, value, pointer] of entries) {
    const key = headerName(String(name));
    if (!values.has(key)) values.set(key, []);
    values.get(key).push({ value: String(value).trim(), pointer });
  }
  return values;
}

// Pairs of names and values, as `append` and the headers of a `reply` have them.
function pairs(headers, at) {
  return list(headers).map((pair, index) => [list(pair)[0], list(pair)[1], `${at}/${index}`]);
}

function set(headers, at) {
  const entries = Object.entries(headers.set ?? {});
  return byName(entries.map(([name, value]) => [name, value, `${at}/set/${escaped(name)}`]));
}

// `append` and behind it the lines of `extra`, which do the same.
function appended(headers, at) {
  const lines = (given(headers.extra) ?? '').split('\r\n').filter(Boolean).map((line) => {
    const colon = line.includes(':') ? line.indexOf(':') : line.length;
    return [line.slice(0, colon).trimEnd(), line.slice(colon + 1), `${at}/extra`];
  });
  return byName([...pairs(headers.append, `${at}/append`), ...lines]);
}

function removed(headers, at) {
  const names = list(headers.remove).map((name, index) => [name, name, `${at}/remove/${index}`]);
  const values = byName(names);
  values.forEach((all) => all.splice(1));
  return values;
}

// One value as it is, several as a list.
function shown(values) {
  if (!values) return null;
  const all = values.map(({ value }) => value);
  return [values[0].pointer, all.length === 1 ? all[0] : all];
}

function compareValues(field, expected, found, report, isSame) {
  for (const name of [...new Set([...expected.keys(), ...found.keys()])].sort()) {
    const [one, two] = [expected.get(name), found.get(name)];
    if (!isSame(one, two)) report.differ(`${field}.${name}`, shown(one), shown(two));
  }
}

const sameValues = (one, two) => one !== undefined && two !== undefined &&
  one.length === two.length && one.every(({ value }, index) => value === two[index].value);

// Compares the changes of two targets; none at all is as good as nothing.
function compareHeaders(expected, found, at, report) {
  const [one, two] = [`${at[0]}/headers`, `${at[1]}/headers`];
  for (const key of ['from', 'to']) compareIdentity(key, expected, found, [one, two], report);
  const bothOrNone = (a, b) => a !== undefined && b !== undefined;
  compareValues('headers.remove', removed(expected, one), removed(found, two), report, bothOrNone);
  compareValues('headers.set', set(expected, one), set(found, two), report, sameValues);
  const appends = [appended(expected, one), appended(found, two)];
  compareValues('headers.append', ...appends, report, sameValues);
}

function compareIdentity(key, expected, found, at, report) {
  for (const [part, spelling] of [['display', display], ['uri', uri]]) {
    const [one, two] = [given(expected[key]?.[part]), given(found[key]?.[part])];
    if ((one && spelling(one)) === (two && spelling(two))) continue;
    const shown = (text, at) => (text === undefined ? null : [`${at}/${key}/${part}`, text]);
    report.differ(`headers.${key}`, shown(one, at[0]), shown(two, at[1]), `headers.${key}.${part}`);
  }
}

// Headers of a `reply`.
function compareReplyHeaders(expected, found, at, report) {
  const values = (headers, at) => byName(pairs(headers, `${at}/headers`));
  const [one, two] = [values(expected, at[0]), values(found, at[1])];
  compareValues('reply.headers', one, two, report, sameValues);
}

// All changes, in one spelling.
function spelledHeaders(headers) {
  const all = headers ?? {};
  const values = (map) => [...map].map(([name, each]) => [name, each.map(({ value }) => value)]).sort();
  const identity = (it) => [given(it?.display), given(it?.uri)]
    .map((text, index) => (text === undefined ? null : [display, uri][index](text)));
  return JSON.stringify([identity(all.from), identity(all.to), [...removed(all, '').keys()].sort(),
    values(set(all, '')), values(appended(all, ''))]);
}

module.exports = { compareHeaders, compareReplyHeaders, spelledHeaders };
