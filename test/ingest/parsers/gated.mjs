// Pieces of lines `key=value`, in threads that a test may hold up and have die; the report is the count of lines. `gate` is
// shared memory of three Int32: whether it is open, lines that were parsed, how often a thread came to where it may die.
export function* parse(piece, { options: { gate, holdAt, dieAt, deaths, forgetsAfterDeath } }) {
  const words = gate === undefined ? undefined : new Int32Array(gate);
  const lines = Buffer.from(piece).toString().replace(/\n$/, '').split('\n');
  for (const line of lines) {
    const at = line.indexOf('=');
    const key = line.slice(0, at);
    if (words !== undefined) {
      if (key === holdAt) Atomics.wait(words, 0, 0);
      if (key === dieAt && Atomics.add(words, 2, 1) < deaths) process.exit(7);
      if (forgetsAfterDeath && Atomics.load(words, 2) > 0) return 0;
    }
    yield [key, line.slice(at + 1)];
    if (words !== undefined) Atomics.add(words, 1, 1);
  }
  return lines.length;
}
