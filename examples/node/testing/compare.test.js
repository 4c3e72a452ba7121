// The examples of what differs and what does not, which `tidegate replay` is held to as well.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { compare } = require('./compare');

const FOLDER = path.join(__dirname, '../../../schemas/samples/compare');

const byText = (one, two) => (JSON.stringify(one) < JSON.stringify(two) ? -1 : 1);

for (const file of fs.readdirSync(FOLDER)) {
  const vector = JSON.parse(fs.readFileSync(path.join(FOLDER, file)));
  test(`${path.basename(file, '.json')}: ${vector.why}`, () => {
    const { expected, found, tolerances, differences } = vector;
    const places = compare(expected, found, tolerances).map(({ field, pointer }) => ({ field, pointer }));
    assert.deepStrictEqual(places.sort(byText), differences.sort(byText));
    assert.strictEqual(compare(found, expected, tolerances).length, differences.length);
    assert.deepStrictEqual(compare(expected, expected), []);
  });
}

test('a difference says what was expected and what was found', () => {
  const expected = { routes: [{ uri: 'sip:a@b', fr_timer: 2000 }] };
  const found = { routes: [{ uri: 'sip:a@b' }, { uri: 'sip:c@b' }] };
  assert.deepStrictEqual(compare(expected, found), [
    { field: 'fr_timer', pointer: '/routes/0/fr_timer', expected: 2000 },
    { field: 'targets', pointer: '/routes/1', found: { uri: 'sip:c@b' } },
  ]);
});

test('a tolerance that does not exist is refused with those that do', () => {
  const refused = (tolerances) => () => compare({}, {}, tolerances);
  assert.throws(refused({ ignore: ['tag'] }), /no field "tag": .* there are action, ask_on/);
  assert.throws(refused({ ignore: ['headers.add.x'] }), /there are append, from/);
  assert.throws(refused({ ignore: ['uri.host'] }), /no field "uri.host"/);
  assert.throws(refused({ timers: { fr: 5 } }), /no timer "fr"/);
  assert.throws(refused({ timer: 5 }), /no tolerance "timer"/);
  compare({}, {}, { ignore: ['*', '*.set.x', 'headers.*.x', 'tags.a.b', 'on_exhausted.on_exhausted.uri'] });
});
