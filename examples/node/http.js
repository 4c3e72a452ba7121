// HTTP: the proxy sends each message with POST, and the answer is in the response.

const http = require('node:http');

const { bill } = require('./billing');
const { decide } = require('./decide');
const { hello, refusal } = require('./session');

const LONGEST_BODY = 1 << 20;

function run(options) {
  const { listen } = options;
  const server = http.createServer(async (request, response) => {
    const [status, body] = await handle(request, response, options);
    if (!server.listening) response.setHeader('connection', 'close');
    if (!response.destroyed) {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body && JSON.stringify(body));
    }
  });
  // Longer than the proxy's heartbeat, so that its connections stay open.
  server.keepAliveTimeout = 60_000;
  server.on('error', (error) => {
    console.error(`can't listen: ${error.message}`);
    process.exit(1);
  });
  server.listen(listen.port, listen.host, () => {
    console.log(`listening on http://${listen.host}:${listen.port}`);
  });
  // Takes nothing new; what is in flight is still answered.
  return () => server.close();
}

// The status and the body of the response.
async function handle(request, response, options) {
  if (request.method !== 'POST') return [405];
  if (options.token && request.headers.authorization !== `Bearer ${options.token}`) return [401];
  try {
    const message = JSON.parse(await read(request));
    return await answer(message, response, options);
  } catch (error) {
    console.error(error.message);
    return [error instanceof SyntaxError ? 400 : 500, { message: error.message }];
  }
}

async function answer(message, response, options) {
  switch (message.type) {
    case 'route': {
      // The proxy closes the connection when the caller hangs up.
      const cancel = new AbortController();
      response.on('close', () => cancel.abort());
      const document = await decide(message, options.targets, cancel.signal);
      return [200, { version: '1.0', id: message.id, ...document }];
    }
    case 'call':
      await bill(message); // 2xx is the ack; after anything else it comes again
      return [204];
    case 'hello':
      console.log(`connected to ${message.name}`);
      return [200, hello(options.name)];
    case 'ping':
      return [200, { type: 'pong' }];
    case 'error':
      console.error(refusal(message));
      return [204];
    default:
      return [204];
  }
}

async function read(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > LONGEST_BODY) throw new Error('the request is too large');
  }
  return text;
}

module.exports = { run };
