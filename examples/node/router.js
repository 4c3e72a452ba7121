// A routing application for Tidegate: it dials in, is asked about each request, and answers with a
// route document. Newline-delimited JSON in both directions; nothing but node itself is needed.

const net = require('net');

const { HOST = '127.0.0.1', PORT = 8448 } = process.env;
const { TARGET = 'sip:127.0.0.1:5070', TARGET_2 = 'sip:127.0.0.1:5071' } = process.env;

// The routing table: the first line whose pattern matches the called user decides.
const table = [
  { user: /^1\d\d$/, routing: 'parallel', to: [TARGET, TARGET_2] },
  { user: /^2\d\d$/, routing: 'serial', to: [TARGET, TARGET_2] },
  { user: /^9/, reply: { code: 403, reason: 'Not From Here' } },
  { user: /.*/, routing: 'serial', to: [TARGET] },
];

// The answer to one question: what to do with event.request, which came from event.source.
function decide(event) {
  const user = (event.request.uri.match(/^sips?:([^@;]+)@/) || [])[1] || '';
  const rule = table.find((rule) => rule.user.test(user));
  if (rule.reply) return { action: 'reply', reply: rule.reply };
  const routes = rule.to.map((target) => ({
    uri: target.replace(/^sip:/, `sip:${user || 'anybody'}@`),
    fr_timer: 2000, // milliseconds without any answer before the next target's turn
    headers: { set: { 'X-Routed-By': 'examples/node' } },
  }));
  return { routing: rule.routing, routes };
}

function onMessage(message, send) {
  switch (message.type) {
    case 'route':
      return send({ version: '1.0', id: message.id, ...decide(message) });
    case 'cancelled':
      return console.log(`cancelled ${message.id}: the caller hung up`);
    case 'ping':
      return send({ type: 'pong' });
    case 'hello':
      return console.log(`connected to ${message.name}`);
    case 'error':
      return console.error(`refused: ${message.code} ${message.pointer || ''} ${message.message}`);
  }
}

function connect() {
  const socket = net.connect(PORT, HOST);
  const send = (message) => socket.write(JSON.stringify(message) + '\n');
  let rest = '';
  socket.setNoDelay(true).setEncoding('utf8');
  socket.on('connect', () => send({ type: 'hello', version: '1.0', name: 'examples/node' }));
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop(); // the last piece has not ended yet
    for (const line of lines) if (line.trim()) onMessage(JSON.parse(line), send);
  });
  socket.on('error', (error) => console.error(error.message));
  socket.on('close', () => setTimeout(connect, 500));
}

connect();
