// A routing application for Tidegate: it is asked about each request, and answers with a route
// document. decide.js decides; the other files are the channels over which it is asked.

const { parseArgs } = require('node:util');

const USAGE = `usage: node router.js [tcp | websocket | http] [options]

  --proxy ADDRESS   where the proxy takes applications [tcp: 127.0.0.1:8448,
                    websocket: ws://127.0.0.1:8449]
  --listen ADDRESS  take the proxy's questions here instead (websocket, http)
                    [http: 127.0.0.1:8080]
  --first URI       the first target [sip:127.0.0.1:5070]
  --second URI      the second target [sip:127.0.0.1:5071]
  --name NAME       what the proxy knows this application by [node]

The environment variable TOKEN holds the secret that proxy and application share, if there is one.
SIGTERM and SIGINT: no new questions; those under way are answered; then it ends.`;

function fail(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

function address(text) {
  const match = text.match(/^\[?([^[\]/]+?)\]?:(\d{1,5})$/);
  if (!match || match[2] > 65535) fail(`${text} is no address: write host:port`);
  return { host: match[1], port: Number(match[2]) };
}

function target(text) {
  if (!/^sip:[^@\s]+$/.test(text)) fail(`${text} is no target: write sip:host:port`);
  return text;
}

function read(args) {
  const text = { type: 'string' };
  const options = {
    proxy: text,
    listen: text,
    first: { ...text, default: 'sip:127.0.0.1:5070' },
    second: { ...text, default: 'sip:127.0.0.1:5071' },
    name: { ...text, default: 'node' },
    help: { type: 'boolean' },
  };
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return fail(error.message);
  }
}

const { values, positionals } = read(process.argv.slice(2));
const [channel = 'tcp', ...more] = positionals;
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (!['tcp', 'websocket', 'http'].includes(channel) || more.length) {
  fail(`${positionals.join(' ')} is no channel`);
}

const settings = {
  name: values.name,
  token: process.env.TOKEN,
  targets: [target(values.first), target(values.second)],
};
if (channel === 'tcp') settings.proxy = address(values.proxy || '127.0.0.1:8448');
if (channel === 'http') settings.listen = address(values.listen || '127.0.0.1:8080');
if (channel === 'websocket') {
  settings.url = values.proxy || 'ws://127.0.0.1:8449';
  settings.listen = values.listen && address(values.listen);
}

const end = require(`./${channel}`).run(settings);
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, end);
