// WebSocket: one message in each text frame, subprotocol `tidegate.routing.v1`. Either side may dial.

const { keepConnected } = require('./dialler');
const { Session } = require('./session');

const SUBPROTOCOL = 'tidegate.routing.v1';

function run(options) {
  return options.listen ? take(options) : dial(options);
}

function dial(options) {
  const WebSocket = load();
  const { url, token } = options;
  return keepConnected((onEnd) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const socket = new WebSocket(url, SUBPROTOCOL, { headers });
    let session = null;
    socket.on('open', () => (session = converse(socket, options, true)));
    socket.on('error', (error) => console.error(`${url}: ${error.message}`));
    socket.on('close', () => onEnd(session?.greeted));
    return { drain: () => (session ? session.drain() : socket.terminate()) };
  });
}

// The proxy dials: [[routing.application]] with url = "ws://…".
function take(options) {
  const { WebSocketServer } = load();
  const { listen, token } = options;
  const sessions = new Set();
  const server = new WebSocketServer({
    ...listen,
    handleProtocols: () => SUBPROTOCOL,
    verifyClient: ({ req }, done) => {
      const offered = (req.headers['sec-websocket-protocol'] || '').split(/\s*,\s*/);
      if (!offered.includes(SUBPROTOCOL)) return done(false, 400, 'Bad Subprotocol');
      // The token may be in the hello instead, which Session looks into.
      const shown = req.headers.authorization;
      done(!shown || !token || shown === `Bearer ${token}`, 401);
    },
  });
  server.on('listening', () => console.log(`listening on ws://${listen.host}:${listen.port}`));
  server.on('error', (error) => {
    console.error(`can't listen: ${error.message}`);
    process.exit(1);
  });
  server.on('connection', (socket) => {
    const session = converse(socket, options, false);
    sessions.add(session);
    socket.on('error', (error) => console.error(error.message));
    socket.on('close', () => sessions.delete(session));
  });
  return () => {
    server.close();
    for (const session of sessions) session.drain();
  };
}

function converse(socket, options, dialled) {
  const session = new Session(options, {
    dialled,
    send: (message) => socket.readyState === socket.OPEN && socket.send(JSON.stringify(message)),
    close: () => socket.close(1000),
  });
  socket.on('message', (data) => session.onText(data.toString()));
  socket.on('close', () => session.onClose());
  return session;
}

// Only this channel needs a package.
function load() {
  try {
    return require('ws');
  } catch {
    console.error(`the package ws is missing; run: npm ci --prefix ${__dirname}`);
    process.exit(1);
  }
}

module.exports = { run };
