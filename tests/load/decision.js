// What every routing application of a load decides: two targets, the second for failover.

const { TARGET = '127.0.0.1:5070', TARGET_2 = '127.0.0.1:5071' } = process.env;

const document = (user) => ({
  version: '1.0',
  routing: 'serial',
  routes: [
    {
      uri: `sip:${user}@${TARGET}`,
      dst_uri: `sip:${TARGET}`,
      headers: { extra: 'X-Tenant: 42\r\n' },
      fr_timer: 5000,
      fr_inv_timer: 30000,
    },
    { uri: `sip:${user}@${TARGET_2}`, headers: {}, fr_timer: 5000, fr_inv_timer: 30000 },
  ],
});

module.exports = { document };
