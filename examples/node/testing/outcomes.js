// `continue_on`, `stop_on` and `ask_on`: sets of outcomes.

const KEYS = ['continue_on', 'stop_on', 'ask_on'];

// What one level of a document says of outcomes.
function outcomesOf(object) {
  const lists = KEYS.map((key) => [key, Array.isArray(object?.[key]) ? object[key] : []]);
  return { ...Object.fromEntries(lists), isEmpty: lists.every(([, words]) => words.length === 0) };
}

// The words, without those that another one contains: a class contains its codes, and a code what
// the proxy makes of a silent or unreachable peer.
function spelled(words) {
  const has = (word) => words.includes(word);
  const isContained = (word) => {
    if (word === 'timeout') return has('408') || has('4xx');
    if (word === 'transport') return has('503') || has('5xx');
    const wider = `${String(word)[0]}xx`;
    return wider !== word && has(wider);
  };
  return [...new Set(words.filter((word) => !isContained(word)))].sort().join(' ');
}

const spelledOutcomes = (outcomes) => KEYS.map((key) => spelled(outcomes[key])).join('|');

function compareOutcomes(expected, found, report) {
  for (const key of KEYS) {
    const [one, two] = [expected.outcomes[key], found.outcomes[key]];
    if (spelled(one) === spelled(two)) continue;
    const shown = (words, at) => (words.length > 0 ? [`${at}/${key}`, words] : null);
    report.differ(key, shown(one, expected.at), shown(two, found.at));
  }
}

module.exports = { compareOutcomes, outcomesOf, spelledOutcomes };
