// TCP: newline-delimited JSON in both directions. The application dials.

const net = require('node:net');

const { keepConnected } = require('./dialler');
const { Session } = require('./session');

function run(options) {
  const { host, port } = options.proxy;
  return keepConnected((onEnd) => {
    const socket = net.connect(port, host).setNoDelay(true).setEncoding('utf8');
    let session = null;
    let rest = '';
    socket.on('connect', () => {
      session = new Session(options, {
        dialled: true,
        send: (message) => socket.write(JSON.stringify(message) + '\n'),
        close: () => socket.destroySoon(),
      });
    });
    socket.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop(); // the last piece has not ended yet
      for (const line of lines) if (line.trim()) session.onText(line);
    });
    socket.on('error', (error) => console.error(`${host}:${port}: ${error.message}`));
    socket.on('close', () => {
      session?.onClose();
      onEnd(session?.greeted);
    });
    return { drain: () => (session ? session.drain() : socket.destroy()) };
  });
}

module.exports = { run };
