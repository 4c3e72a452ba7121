// What the tools of the JavaScript world say about the contract: ajv about the schemas and the
// samples, the AsyncAPI parser and Redocly's linter about the documents. Ends with 1 and a line for
// each finding when anything is wrong.

import { readdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { basename, join } from 'node:path';
import { Parser, fromFile } from '@asyncapi/parser';
import { createConfig, lint } from '@redocly/openapi-core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const folder = process.argv[2];
const findings = [];

/** Files in a folder of the contract that end so. */
const files = (name, end) =>
  readdirSync(join(folder, name))
    .filter((file) => file.endsWith(end))
    .sort()
    .map((file) => join(folder, name, file));

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const complain = (file, what) => findings.push(`${file}: ${what}`);

/** Which schema a sample belongs to: the first words of its name. */
const SCHEMAS = {
  document: 'route-document',
  event: 'route-event',
  'from-application': 'from-application',
  'from-proxy': 'from-proxy',
  recording: 'recording',
};

/** Formats of the types for numbers; their bounds stand beside them. */
const NUMBERS = ['uint', 'uint8', 'uint16', 'uint32', 'uint64', 'float', 'double'];

function schemas() {
  // A schema may say what a part of it says already.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  addFormats.default(ajv);
  for (const name of NUMBERS) ajv.addFormat(name, { type: 'number', validate: Number.isFinite });
  ajv.addFormat('ip', (text) => isIP(text) !== 0);
  const compiled = {};
  for (const file of files('json', '.schema.json')) {
    try {
      compiled[basename(file, '.schema.json')] = ajv.compile(read(file));
    } catch (error) {
      complain(file, error.message);
    }
  }
  samples(compiled, 'valid', (value) => value);
  samples(compiled, 'invalid', (value) => value.document ?? value.message, false);
}

function samples(compiled, name, subject, expected = true) {
  for (const file of files(join('samples', name), '.json')) {
    const kind = Object.keys(SCHEMAS).find((kind) => basename(file).startsWith(kind));
    const valid = compiled[SCHEMAS[kind]];
    if (!valid) complain(file, 'there is no schema for it');
    else if (valid(subject(read(file))) !== expected) {
      const reasons = (valid.errors ?? []).map((it) => `${it.instancePath} ${it.message}`);
      complain(file, expected ? reasons.join('; ') : 'it is invalid, and the schema accepts it');
    }
  }
}

/** That there is a newer version of AsyncAPI is no finding. */
const ALLOWED = new Set(['asyncapi-latest-version']);

async function asyncapi(file) {
  const { document, diagnostics } = await fromFile(new Parser(), file).parse();
  const told = diagnostics.filter((it) => !ALLOWED.has(it.code));
  for (const it of told) complain(file, `${it.path.join('/')}: ${it.message} (${it.code})`);
  if (!document && told.length === 0) complain(file, 'it is no AsyncAPI document');
}

/** Unknown keys are allowed everywhere, in examples too. */
const EXAMPLES = { severity: 'error', allowAdditionalProperties: true };
const RULES = {
  'no-invalid-media-type-examples': EXAMPLES,
  'no-invalid-parameter-examples': EXAMPLES,
  'no-invalid-schema-examples': EXAMPLES,
  'no-unused-components': 'error',
};

async function openapi(file) {
  const config = await createConfig({ extends: ['recommended'], rules: RULES });
  for (const problem of await lint({ ref: file, config })) {
    const place = problem.location[0]?.pointer ?? '';
    complain(file, `${place}: ${problem.message} (${problem.ruleId})`);
  }
}

schemas();
for (const file of files('contract', '.asyncapi.json')) await asyncapi(file);
for (const file of files('contract', '.openapi.json')) await openapi(file);
for (const finding of findings) console.error(finding);
console.log(`${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
