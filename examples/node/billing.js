// The billing hook: what a billing system does with the notifications about calls. This one prints.

// Notifications come at least once. So many event ids are kept to tell repeats.
const REMEMBERED = 10_000;

const billed = new Set();

// One notification. When it returns, the notification is acknowledged and not sent again; so a hook
// that writes to a database returns when that is done, and throws when it failed.
function bill(call) {
  if (billed.has(call.event_id)) return;
  const tariff = call.tags ? call.tags.tariff : 'none';
  const what = call.event === 'ended' ? `${call.duration_ms} ms, ${call.cause}` : call.code;
  console.log(`${call.event}: ${call.from} to ${call.to}, tariff ${tariff}, ${what}`);
  billed.add(call.event_id);
  if (billed.size > REMEMBERED) billed.delete(billed.values().next().value);
}

module.exports = { bill };
