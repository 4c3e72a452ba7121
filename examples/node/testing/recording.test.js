const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { assertSame, describe, loadRecording, replay } = require('./recording');

const FILE = path.join(__dirname, '../../recording.jsonl');
const asRecorded = (_, { document }) => document;

function written(...lines) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'recording-')), 'a.jsonl');
  fs.writeFileSync(file, lines.join('\n'));
  return file;
}

const [FIRST, SECOND] = fs.readFileSync(FILE, 'utf8').split('\n');

test('a recording is read with the durations of its calls', () => {
  const { consultations, warnings } = loadRecording(FILE);
  assert.deepStrictEqual(consultations.map(({ line }) => line), [1, 2, 3, 4, 5, 6]);
  assert.deepStrictEqual(consultations.map(({ outcome }) => outcome.duration_ms),
    [92790, 60860, undefined, undefined, undefined, undefined]);
  assert.deepStrictEqual(warnings, []);
});

test('several files are read in order of time', () => {
  const files = [written(SECOND), written(FIRST)];
  assert.deepStrictEqual(loadRecording(files).consultations.map(({ time_ms }) => time_ms % 10000), [5000, 6200]);
});

test('a last line that is cut off is a warning, and any other wrong line an error', () => {
  const cut = loadRecording(written(`${FIRST}\r`, '', SECOND.slice(0, 99)));
  assert.strictEqual(cut.consultations.length, 1);
  assert.match(cut.warnings[0], /line 3: cut off/);
  assert.throws(() => loadRecording(written(FIRST, 'junk', SECOND)), /a\.jsonl, line 2: no line of a recording/);
  assert.throws(() => loadRecording(written(FIRST, '{"type":"x"}', SECOND)), /line 2: .* type is "x"/);
});

test('only what an application decided is asked', async () => {
  const result = await replay(loadRecording(FILE), asRecorded);
  assert.deepStrictEqual([result.asked, result.skipped, result.differing], [5, 1, []]);
  const where = ({ event }) => event.request.uri.startsWith('sip:9');
  assert.strictEqual((await replay(loadRecording(FILE), asRecorded, { where })).asked, 1);
});

test('what differs is told with its field, both values, the question and the call', async () => {
  const changed = async (event, { document }) => {
    if (!event.request.uri.startsWith('sip:201@')) return document;
    const [first, second] = document.routes;
    return { ...document, routes: [{ ...first, fr_timer: 3000 }, second] };
  };
  const result = await replay(loadRecording(FILE), changed);
  const [{ differences }] = result.differing;
  assert.deepStrictEqual(differences,
    [{ field: 'fr_timer', pointer: '/routes/0/fr_timer', expected: 2000, found: 3000 }]);
  assert.strictEqual(describe(result).replace(FILE, 'FILE'), [
    '1 of 5 decisions differ: fr_timer 1',
    '',
    'FILE, line 2: INVITE sip:201@example.com from sip:bob@example.com, call 5e1f9a02-00000002-000001c3',
    '  fr_timer (/routes/0/fr_timer)',
    '    expected 2000',
    '    found    3000',
  ].join('\n'));
  assert.throws(() => assertSame(result), /1 of 5 decisions differ: fr_timer 1/);
  assertSame(await replay(loadRecording(FILE), changed, { timers: { fr_timer: 1000 } }));
});

test('a routing function that fails or gives no document differs', async () => {
  const fails = () => { throw new Error('no database'); };
  assert.match(describe(await replay(loadRecording(FILE), fails)), /5 of 5 decisions differ: error 5[^]*no database/);
  const nothing = await replay(loadRecording(FILE), () => {});
  assert.match(describe(nothing, 1), /it gave nothing instead of a route document[^]*and 4 more/);
});

test('a routing function may do with an event what it likes', async () => {
  const recording = loadRecording(FILE);
  await replay(recording, (event) => { event.request.uri = 'changed'; return {}; });
  assert.strictEqual(recording.consultations[0].event.request.uri, 'sip:101@example.com');
});

test('where there is nothing to ask, nothing is proved', async () => {
  const result = await replay(loadRecording(FILE), asRecorded, { where: () => false });
  assert.throws(() => assertSame(result), /no decision to compare: 6 consultations were skipped/);
});
