// The decision of kamailio-router.js over the native contract: on each channel, in each direction.
//
//   node router.js tcp|websocket dial PORT      dials the proxy, and again whenever that ends
//   node router.js tcp|websocket|http listen PORT   is dialled or asked by the proxy
//
// WebSocket needs the package of examples/node: npm ci --prefix examples/node

const http = require('node:http');
const net = require('node:net');
const path = require('node:path');

const { document } = require('./decision');

const { NAME = 'router', HOST = '127.0.0.1' } = process.env;
const SUBPROTOCOL = 'tidegate.routing.v1';
const RETRY_MS = 100;

const hello = { type: 'hello', version: '1.0', name: NAME };

// What a message is answered with; nothing for those that want no answer.
function answer(message) {
  switch (message.type) {
    case 'route': {
      const [, user] = message.request.uri.match(/^sips?:([^@;]+)@/) || [null, 'anybody'];
      return { id: message.id, ...document(user) };
    }
    case 'ping':
      return { type: 'pong' };
    case 'error':
      console.error(`refused: ${message.code} ${message.message}`);
  }
}

// Lines of JSON on a socket. Who dials says hello first.
function converse(socket, dialled) {
  const send = (messages) => socket.write(messages.map((m) => JSON.stringify(m) + '\n').join(''));
  let rest = '';
  socket.setNoDelay(true).setEncoding('utf8');
  if (dialled) send([hello]);
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    const messages = lines.filter((line) => line.trim()).map((line) => JSON.parse(line));
    const answers = messages.map((m) => (m.type === 'hello' && !dialled ? hello : answer(m)));
    const said = answers.filter((a) => a);
    if (said.length) send(said);
  });
  socket.on('error', () => {});
}

const tcp = {
  dial: (port) => {
    const socket = net.connect(port, HOST, () => {
      converse(socket, true);
      console.log('connected');
    });
    socket.on('error', () => {});
    socket.on('close', () => setTimeout(tcp.dial, RETRY_MS, port));
  },
  listen: (port) => net.createServer((socket) => converse(socket, false)).listen(port, HOST, ready),
};

// One message a text frame.
function speak(socket, dialled) {
  const send = (message) => socket.send(JSON.stringify(message));
  if (dialled) send(hello);
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    const said = message.type === 'hello' && !dialled ? hello : answer(message);
    if (said) send(said);
  });
  socket.on('error', () => {});
}

const ws = () => require(path.join(__dirname, '../../examples/node/node_modules/ws'));

const websocket = {
  dial: (port) => {
    const socket = new (ws().WebSocket)(`ws://${HOST}:${port}`, SUBPROTOCOL);
    socket.on('open', () => {
      speak(socket, true);
      console.log('connected');
    });
    socket.on('error', () => {});
    socket.on('close', () => setTimeout(websocket.dial, RETRY_MS, port));
  },
  listen: (port) => {
    const { WebSocketServer } = ws();
    const server = new WebSocketServer({ host: HOST, port, handleProtocols: () => SUBPROTOCOL }, ready);
    server.on('connection', (socket) => speak(socket, false));
  },
};

// One message a request, the answer in its response.
const plain = {
  listen: (port) => {
    const server = http.createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      request.on('end', () => {
        const message = JSON.parse(text);
        const body = JSON.stringify(message.type === 'hello' ? hello : answer(message) || {});
        const length = Buffer.byteLength(body);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
        response.end(body);
      });
    });
    server.keepAliveTimeout = 60_000;
    server.listen(port, HOST, ready);
  },
};

function ready() {
  console.log('listening');
}

const [channel, direction, port] = process.argv.slice(2);
const start = { tcp, websocket, http: plain }[channel]?.[direction];
if (!start || !Number(port)) {
  console.error('usage: node router.js tcp|websocket dial PORT\n       node router.js tcp|websocket|http listen PORT');
  process.exit(2);
}
start(Number(port));
