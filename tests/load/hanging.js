// An application that is there and never answers a question: a shadow that hangs.
//
//   node hanging.js PORT [NAME]

const net = require('node:net');

const [port, name = 'shadow'] = process.argv.slice(2);
const socket = net.connect(Number(port), '127.0.0.1', () => console.log('connected'));
const send = (message) => socket.write(JSON.stringify(message) + '\n');
send({ type: 'hello', version: '1.0', name });

// Only pings are looked for, so that it costs the machine nothing to hang.
socket.setEncoding('utf8').on('data', (text) => {
  if (text.includes('{"type":"ping"}')) send({ type: 'pong' });
});
socket.on('close', () => process.exit());
