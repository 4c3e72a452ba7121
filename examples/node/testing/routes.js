// What differs between the routes of two documents. Both are brought into one form, in which what is
// tried in the same way looks the same; then it is found which target of one is which of the other.

const { uri, path, socket } = require('./spelling');
const { compareHeaders, spelledHeaders } = require('./headers');
const { compareOutcomes, spelledOutcomes, outcomesOf } = require('./outcomes');

// Pairs that are looked at for what they have in common; beyond that the order decides.
const MOST_LOOKS = 4096;

const list = (value) => (Array.isArray(value) ? value : []);
const given = (text) => (typeof text === 'string' && text !== '' ? text : undefined);

// Compares all routes. Where one document has around all its routes a group that the other one does
// without, the reading with fewer differences is meant.
function compareRoutes(expected, found, report) {
  const one = root(expected, report.base);
  const two = root(found, report.base);
  const readings = [[one, two], [onlyGroup(one), two], [one, onlyGroup(two)]];
  const reports = readings.filter(([one, two]) => one && two).map(([one, two]) => {
    const reading = report.another();
    compareNodes(one, two, reading);
    return reading;
  });
  report.take(reports.reduce((least, other) =>
    (other.differences.length < least.differences.length ? other : least)));
}

// ---- the form

function root(document, at) {
  let group = groupOf(document, at);
  // A group of one is its member: here the document is the group.
  while (group.nodes.length === 1 && group.nodes[0].group && group.nodes[0].outcomes.isEmpty) {
    [{ group }] = group.nodes;
  }
  return { at, outcomes: outcomesOf(document), group };
}

function node(route, at) {
  const outcomes = outcomesOf(route);
  const isGroup = Array.isArray(route?.routes);
  const kind = isGroup ? { group: groupOf(route, at) } : { target: route ?? {} };
  return { at, outcomes, value: route, ...kind };
}

function groupOf(object, at) {
  const group = { at, routing: object.routing === 'parallel' ? 'parallel' : 'serial', nodes: [] };
  list(object.routes).forEach((route, index) => add(group, node(route, `${at}/routes/${index}`)));
  return group;
}

// A group that is tried as its members would be without it is no group.
function add(group, node) {
  const inside = node.group && node.outcomes.isEmpty ? node.group.nodes.length : 0;
  const isTheSame = inside === 1 || (inside > 1 && node.group.routing === group.routing);
  if (isTheSame) node.group.nodes.forEach((inner) => add(group, inner));
  else group.nodes.push(node);
}

// The only member, where that is a group that says what outcomes lead to and this one does not.
function onlyGroup({ group, outcomes }) {
  const isOne = group.nodes.length === 1 && group.nodes[0].group && outcomes.isEmpty;
  return isOne ? group.nodes[0] : null;
}

// The only target, with what outcomes lead to, where only one of both says that.
function onlyTarget(node) {
  if (node.target) return node;
  const only = node.group.nodes.length === 1 ? onlyTarget(node.group.nodes[0]) : null;
  if (!only || node.outcomes.isEmpty) return only;
  return only.outcomes.isEmpty ? { ...only, outcomes: node.outcomes } : null;
}

function intoGroup(node) {
  if (node.group) return node;
  const { at, value } = node;
  return { at, value, outcomes: outcomesOf({}), group: { at, routing: 'serial', nodes: [node] } };
}

// ---- what is said, in one spelling

const spelledText = (text, spelling) => (given(text) === undefined ? '-' : spelling(text));

function place(target) {
  return `${spelledText(target.uri, uri)} ${spelledText(target.dst_uri, uri)}`;
}

function places(node) {
  return node.target ? [place(node.target)] : node.group.nodes.flatMap(places);
}

function destination(node) {
  return node.target ? place(node.target) : `group ${places(node).sort().join(' ')}`;
}

function spelled(node) {
  const only = onlyTarget(node);
  if (only) {
    const { target } = only;
    const numbers = [target.branch_flags, target.fr_timer, target.fr_inv_timer];
    return [place(target), spelledText(target.path, path), spelledText(target.socket, socket),
      spelledHeaders(target.headers), JSON.stringify(numbers.map((it) => it ?? null)),
      spelledOutcomes(only.outcomes)].join(' ');
  }
  const inside = node.group.nodes.map(spelled);
  if (node.group.routing === 'parallel') inside.sort();
  return `${node.group.routing}${spelledOutcomes(node.outcomes)}(${inside.join(',')})`;
}

function label(node) {
  if (node.group) return node.group.nodes.map(label);
  return given(node.target.uri) ?? given(node.target.dst_uri) ?? null;
}

// ---- comparing

function compareNodes(expected, found, report) {
  if (expected.target && found.target) {
    compareTargets(expected, found, report);
    compareOutcomes(expected, found, report);
  } else if (expected.group && found.group) {
    compareGroups(expected, found, report);
  } else {
    const [one, two] = [onlyTarget(expected), onlyTarget(found)];
    if (one && two) compareNodes(one, two, report);
    else compareNodes(intoGroup(expected), intoGroup(found), report);
  }
}

function compareTargets({ at: one, target: expected }, { at: two, target: found }, report) {
  const at = [one, two];
  report.text('uri', at, expected, found, uri);
  report.text('dst_uri', at, expected, found, uri);
  report.text('path', at, expected, found, path);
  report.text('socket', at, expected, found, socket);
  compareHeaders(expected.headers ?? {}, found.headers ?? {}, at, report);
  report.value('branch_flags', at, expected, found);
  report.timer('fr_timer', at, expected, found);
  report.timer('fr_inv_timer', at, expected, found);
}

function compareGroups(expected, found, report) {
  compareOutcomes(expected, found, report);
  const [one, two] = [expected.group, found.group];
  if (one.nodes.length > 1 && two.nodes.length > 1) {
    report.value('routing', [one.at, two.at], { routing: one.routing }, { routing: two.routing });
  }
  const isSerial = one.routing === 'serial' && two.routing === 'serial';
  compareMembers(one, two, isSerial && !report.tolerances.any_order, report);
}

function compareMembers(one, two, inOrder, report) {
  const pairs = pair(one.nodes, two.nodes, inOrder);
  const found = [...pairs.values()];
  if (inOrder && found.some((index, at) => at > 0 && index < found[at - 1])) {
    const labels = (nodes, indices) => indices.map((index) => label(nodes[index]));
    report.differ('order', [`${one.at}/routes`, labels(one.nodes, [...pairs.keys()])],
      [`${two.at}/routes`, labels(two.nodes, found.sort((a, b) => a - b))]);
  }
  for (const [a, b] of pairs) compareNodes(one.nodes[a], two.nodes[b], report);
  const taken = new Set(found);
  for (const missing of one.nodes.filter((_, index) => !pairs.has(index))) {
    report.differ('targets', [missing.at, missing.value], null);
  }
  for (const extra of two.nodes.filter((_, index) => !taken.has(index))) {
    report.differ('targets', null, [extra.at, extra.value]);
  }
}

// ---- which target is which: first those that say the same, then those that lead to the same place,
// then those between the same neighbours

// A map from the index of each expected node to that of the one that was found.
function pair(expected, found, inOrder) {
  const pairs = new Map();
  const taken = new Map();
  const join = (one, two) => { pairs.set(one, two); taken.set(two, one); };
  for (const key of [spelled, destination]) {
    const waiting = new Map();
    found.forEach((node, index) => {
      if (taken.has(index)) return;
      const name = key(node);
      if (!waiting.has(name)) waiting.set(name, []);
      waiting.get(name).push(index);
    });
    waiting.forEach((indices) => indices.reverse());
    expected.forEach((node, index) => {
      const other = pairs.has(index) ? undefined : waiting.get(key(node))?.pop();
      if (other !== undefined) join(index, other);
    });
  }
  for (const { left, right } of gaps(expected, found, pairs, taken, inOrder)) {
    if (left.length * right.length <= MOST_LOOKS) {
      for (const one of left) {
        const two = right.find((two) => !taken.has(two) && areRelated(expected[one], found[two]));
        if (two !== undefined) join(one, two);
      }
    }
    const rest = right.filter((two) => !taken.has(two));
    left.filter((one) => !pairs.has(one)).slice(0, rest.length)
      .forEach((one, index) => join(one, rest[index]));
  }
  return new Map([...pairs].sort(([a], [b]) => a - b));
}

// What is still alone, by the pair that stands before it. Without order there is one gap.
function gaps(expected, found, pairs, taken, inOrder) {
  const all = new Map();
  const gap = (before) => {
    const key = inOrder ? before : -1;
    if (!all.has(key)) all.set(key, { left: [], right: [] });
    return all.get(key);
  };
  let before = -1;
  expected.forEach((_, index) => {
    if (pairs.has(index)) before = index;
    else gap(before).left.push(index);
  });
  before = -1;
  found.forEach((_, index) => {
    if (taken.has(index)) before = taken.get(index);
    else gap(before).right.push(index);
  });
  return [...all.values()];
}

// Whether both have a place in common that they lead to.
function areRelated(one, two) {
  if (one.target && two.target) {
    const same = (key) => given(one.target[key]) !== undefined &&
      spelledText(one.target[key], uri) === spelledText(two.target[key], uri);
    return same('uri') || same('dst_uri');
  }
  const others = new Set(places(two));
  return places(one).some((place) => others.has(place));
}

module.exports = { compareRoutes };
