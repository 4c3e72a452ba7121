// The routing application of both sides of the race: netstrings over TCP, as Kamailio's evapi sends
// them. It answers each question with an rtjson document of two targets, the second for failover.

const net = require('net');

const { document } = require('./decision');

const { PORT = 8448 } = process.env;

function answer(payload) {
  const { tindex, tlabel, callee } = JSON.parse(payload);
  const text = JSON.stringify({ event: 'sip-routing', tindex, tlabel, xdata: document(callee) });
  return `${Buffer.byteLength(text)}:${text},`;
}

// The whole netstrings at the start of a buffer, and what is left of it.
function split(buffer) {
  const payloads = [];
  let at = 0;
  for (;;) {
    const colon = buffer.indexOf(':', at);
    if (colon < 0) break;
    const end = colon + 1 + Number(buffer.toString('latin1', at, colon));
    if (buffer.length <= end) break;
    payloads.push(buffer.toString('utf8', colon + 1, end));
    at = end + 1;
  }
  return [payloads, buffer.subarray(at)];
}

function connect() {
  const socket = net.connect(PORT, '127.0.0.1');
  let rest = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('connect', () => console.log('connected'));
  socket.on('data', (chunk) => {
    let payloads;
    [payloads, rest] = split(rest.length ? Buffer.concat([rest, chunk]) : chunk);
    if (payloads.length) socket.write(payloads.map(answer).join(''));
  });
  socket.on('error', () => {});
  socket.on('close', () => setTimeout(connect, 200));
}

connect();
