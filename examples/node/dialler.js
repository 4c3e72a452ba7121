// Keeps one connection: whenever it ends, it is made again after a wait that grows and has a random
// part, so that a thousand applications do not return to a restarted proxy in the same moment.

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;

function wait(failures) {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  return longest / 2 + (Math.random() * longest) / 2;
}

// `connect(onEnd)` starts a connection, calls `onEnd(whether the proxy said hello)` once when it has
// ended, and returns { drain }. Returns a function that ends all this in good order.
function keepConnected(connect) {
  let failures = 0;
  let current = null;
  let timer = null;
  let ending = false;

  const next = () => {
    timer = null;
    current = connect((greeted) => {
      current = null;
      failures = greeted ? 0 : failures + 1;
      if (!ending) timer = setTimeout(next, wait(failures));
    });
  };
  next();

  return () => {
    ending = true;
    clearTimeout(timer);
    if (current) current.drain();
  };
}

module.exports = { keepConnected };
