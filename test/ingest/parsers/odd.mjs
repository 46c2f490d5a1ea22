// What a parse module may be or do, by `options`.
export default function* parse(input, { options, file }) {
  const { ask } = options;
  if (ask === 'echo') {
    const text = typeof input === 'string' ? input : Buffer.from(input).toString().trimEnd();
    yield [text, file ?? 'no file'];
    return { length: text.length };
  }
  if (ask === 'record') yield [input.key, JSON.stringify(input)];
  if (ask === 'exit') process.exit(7);
  if (ask === 'wrong key') yield [17, 'x'];
  if (ask === 'wrong value') yield ['x', undefined];
  if (ask === 'long key') yield ['k'.repeat(1024 * 1024 + 1), 'x'];
}
