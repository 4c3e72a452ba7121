// What is said on a channel that stays open, TCP or WebSocket: the same messages on both.

const { bill } = require('./billing');
const { decide } = require('./decide');
const { version } = require('./package.json');

const HEARTBEAT_MS = 5000;

// All kinds of notifications there are.
const SUBSCRIBE = ['progress', 'answered', 'failed', 'ended'];

const hello = (name, token) => ({
  type: 'hello',
  version: '1.0',
  name,
  release: version,
  token,
  max_in_flight: 1000,
  subscribe: SUBSCRIBE,
});

// What the proxy refused, and where in the document that was.
const refusal = ({ code, pointer, message }) =>
  ['refused:', code, pointer, message].filter(Boolean).join(' ');

class Session {
  // `send` takes a message, `close` ends the channel. Who dialled says hello first.
  constructor(options, { dialled, send, close }) {
    Object.assign(this, { options, dialled, send, close });
    this.inFlight = new Map();
    this.heard = Date.now();
    this.greeted = false;
    this.draining = false;
    this.nothingNew = false;
    this.heartbeat = setInterval(() => this.beat(), HEARTBEAT_MS);
    if (dialled) send(hello(options.name, options.token));
  }

  onText(text) {
    this.heard = Date.now();
    let message;
    try {
      message = JSON.parse(text);
    } catch (error) {
      console.error(`not JSON: ${error.message}`);
      return this.close();
    }
    return this.onMessage(message);
  }

  onMessage(message) {
    switch (message.type) {
      case 'route':
        return this.answer(message);
      case 'cancelled':
        return this.inFlight.get(message.id)?.abort();
      case 'call':
        return this.onCall(message);
      case 'ping':
        return this.send({ type: 'pong' });
      case 'pong':
        return this.onPong();
      case 'hello':
        return this.onHello(message);
      case 'drain':
        return console.log('the proxy is about to end');
      case 'error':
        return console.error(refusal(message));
    }
  }

  onHello({ name, token }) {
    if (!this.dialled) {
      if (this.options.token && token !== this.options.token) {
        console.error(`${name} does not know the token`);
        return this.close();
      }
      this.send(hello(this.options.name));
    }
    this.greeted = true;
    console.log(`connected to ${name}`);
  }

  async answer(event) {
    const cancel = new AbortController();
    this.inFlight.set(event.id, cancel);
    try {
      const document = await decide(event, this.options.targets, cancel.signal);
      if (!cancel.signal.aborted) this.send({ version: '1.0', id: event.id, ...document });
    } catch ({ message }) {
      // The proxy asks the next application at once.
      if (!cancel.signal.aborted) this.send({ type: 'error', id: event.id, code: 'internal', message });
    }
    this.inFlight.delete(event.id);
    this.endWhenIdle();
  }

  async onCall(call) {
    try {
      await bill(call);
      this.send({ type: 'ack', event_id: call.event_id });
    } catch (error) {
      console.error(`not billed: ${error.message}`); // without an ack it comes again
    }
  }

  // Either side takes the other for dead when it was silent for two intervals.
  beat() {
    if (Date.now() - this.heard > 2 * HEARTBEAT_MS) return this.close();
    this.send({ type: 'ping' });
  }

  // No new questions, please. The pong to the ping behind it says that none is under way.
  drain() {
    if (!this.greeted) return this.close();
    this.draining = true;
    this.send({ type: 'drain' });
    this.send({ type: 'ping' });
  }

  onPong() {
    this.nothingNew = this.draining;
    this.endWhenIdle();
  }

  endWhenIdle() {
    if (this.nothingNew && this.inFlight.size === 0) this.close();
  }

  onClose() {
    clearInterval(this.heartbeat);
    for (const cancel of this.inFlight.values()) cancel.abort();
  }
}

module.exports = { Session, hello, refusal };
