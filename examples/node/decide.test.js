// The routing function, asked what was asked before. Run with `npm test` in this folder.

const path = require('node:path');
const { test } = require('node:test');
const { decide } = require('./decide');
const { assertSame, loadRecording, replay } = require('./testing/recording');

const TARGETS = ['sip:127.0.0.1:5070', 'sip:127.0.0.1:5071'];

test('it decides as recorded', async () => {
  const recording = loadRecording(path.join(__dirname, '../recording.jsonl'));
  assertSame(await replay(recording, (event) => decide(event, TARGETS)));
});
