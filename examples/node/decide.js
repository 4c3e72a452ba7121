// The decision: from an event to a route document. It knows nothing of channels, and all that a
// routing application of your own has to replace is here.

// The routing table: the first line whose pattern matches the called user decides.
const table = ([first, second]) => [
  { user: /^1\d\d$/, routing: 'parallel', to: [first, second], tariff: 'office' },
  { user: /^2\d\d$/, routing: 'serial', to: [first, second], tariff: 'failover' },
  { user: /^9/, reply: { code: 403, reason: 'Not From Here' } },
  { user: /^[a-z]/i, routing: 'serial', to: [first], tariff: 'names' },
  { user: /^/, reply: { code: 404, reason: 'Unknown Number' } },
];

// What to do with event.request, which came from event.source. May be async: when `cancelled`, an
// AbortSignal, fires, the caller has hung up and the answer is of no use any more.
function decide(event, targets, cancelled) {
  const user = (event.request.uri.match(/^sips?:([^@;]+)@/) || [])[1] || '';
  const line = table(targets).find((line) => line.user.test(user));
  if (line.reply) return { action: 'reply', reply: line.reply };
  const routes = line.to.map((target) => ({
    uri: target.replace(/^sip:/, `sip:${user}@`),
    fr_timer: 2000, // milliseconds without any answer before the next target's turn
    headers: { set: { 'X-Routed-By': 'examples/node' } },
  }));
  return { routing: line.routing, routes, tags: { tariff: line.tariff } };
}

module.exports = { decide };
