// Tests of a routing function with recorded decisions: what would it say to last week's questions?
//
//     const { loadRecording, replay, assertSame } = require('./testing/recording');
//
//     test('decides as recorded', async () => {
//       const recording = loadRecording('decisions.jsonl');
//       assertSame(await replay(recording, (event) => decide(event)));
//     });
//
// A recording is what `[recording]` of the proxy's configuration writes: a line of JSON for each
// consultation. It needs nothing but node.js.

const assert = require('node:assert');
const fs = require('node:fs');
const { compare } = require('./compare');

// Reads a recording, or several (an array of paths), into memory. Gives `consultations` in order of
// time, each with its `file` and `line`, and `warnings`: a last line that a crash cut off is one.
// Throws at any other line that is none of a recording, and says which.
function loadRecording(paths) {
  const recording = { consultations: [], warnings: [] };
  const ended = new Map();
  for (const file of [paths].flat()) {
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    lines.forEach((text, index) => {
      if (text.trim() === '') return;
      const line = index + 1;
      const read = readLine(text, file, line, index === lines.length - 1);
      if (read === null) recording.warnings.push(`${file}, line ${line}: cut off and passed over`);
      else if (read.type === 'ended') ended.set(read.call, read.duration_ms);
      else recording.consultations.push({ ...read, file, line });
    });
  }
  for (const { call, outcome } of recording.consultations) {
    if (outcome && ended.has(call)) outcome.duration_ms ??= ended.get(call);
  }
  recording.consultations.sort((one, two) => one.time_ms - two.time_ms);
  return recording;
}

function readLine(text, file, line, isLast) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (isLast) return null;
    throw new Error(`${file}, line ${line}: no line of a recording: ${error.message}`);
  }
  if (value?.type !== 'consultation' && value?.type !== 'ended') {
    const type = JSON.stringify(value?.type);
    throw new Error(`${file}, line ${line}: no line of a recording: its type is ${type}, not "consultation" or "ended"`);
  }
  return value;
}

// Asks `route(event, consultation)`, which may be async, each recorded question that an application
// answered, one after the other, and compares what it says with what was decided. Options, beside the
// tolerances of compare.js:
//
//     where: (consultation) => consultation.application.name === 'lcr-1'   only these
//
// The result has `asked` and `skipped` (how many), and `differing`: for each decision that differs
// { consultation, document, error, differences }.
async function replay(recording, route, { where = () => true, ...tolerances } = {}) {
  compare({}, {}, tolerances); // a tolerance that does not exist is to be found without any decision
  const wanted = recording.consultations.filter((it) => it.document && it.cause === 'answered' && where(it));
  const result = { asked: wanted.length, skipped: recording.consultations.length - wanted.length, differing: [] };
  for (const consultation of wanted) {
    const answer = await ask(route, consultation, tolerances);
    if (answer.error || answer.differences.length > 0) result.differing.push({ consultation, ...answer });
  }
  return result;
}

async function ask(route, consultation, tolerances) {
  try {
    const document = await route(structuredClone(consultation.event), consultation);
    if (document === null || typeof document !== 'object' || Array.isArray(document)) {
      throw new TypeError(`it gave ${JSON.stringify(document) ?? 'nothing'} instead of a route document`);
    }
    return { document, differences: compare(consultation.document, document, tolerances) };
  } catch (error) {
    return { error, differences: [] };
  }
}

// What a result says, for people: how many differ in which field, and the first ones one by one.
function describe({ asked, differing }, most = 10) {
  if (differing.length === 0) return `all ${asked} decisions are the same`;
  const counts = new Map();
  for (const { error, differences } of differing) {
    const fields = error ? ['error'] : new Set(differences.map(({ field }) => field));
    for (const field of fields) counts.set(field, (counts.get(field) ?? 0) + 1);
  }
  const byCount = [...counts].sort(([one, a], [two, b]) => b - a || (one < two ? -1 : 1));
  const fields = byCount.map(([field, count]) => `${field} ${count}`).join(', ');
  const blocks = differing.slice(0, most).map(describeOne);
  const more = differing.length > most ? [`and ${differing.length - most} more`] : [];
  return [`${differing.length} of ${asked} decisions differ: ${fields}`, ...blocks, ...more].join('\n\n');
}

function describeOne({ consultation, error, differences }) {
  const { file, line, call, event: { request } } = consultation;
  const lines = [
    `${file}, line ${line}: ${request.method} ${request.uri} from ${request.from.uri}, call ${call}`,
  ];
  if (error) lines.push(`  ${error.stack ?? error}`);
  for (const { field, pointer, expected, found } of differences) {
    lines.push(`  ${field} (${pointer})`, `    expected ${shown(expected)}`, `    found    ${shown(found)}`);
  }
  return lines.join('\n');
}

const shown = (value) => (value === undefined ? 'nothing' : JSON.stringify(value));

// Fails with what differs unless every decision is as recorded. A recording in which there is nothing
// to ask proves nothing, and fails too.
function assertSame(result) {
  if (result.asked > 0 && result.differing.length === 0) return;
  const message = result.asked > 0
    ? describe(result)
    : `no decision to compare: ${result.skipped} consultations were skipped`;
  throw new assert.AssertionError({ message, stackStartFn: assertSame });
}

module.exports = { loadRecording, replay, assertSame, describe, compare };
