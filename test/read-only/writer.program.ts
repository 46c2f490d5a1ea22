/** Writes to a store without end: one counter in all keys, batch by batch; says when it has begun. Ends when killed. */
import { open } from 'arena-level/engine';

const KEYS = 30;
const store = await open(process.argv[2]!, {
  writeBufferSize: 16 * 1024,
  flush: 'inline',
  maxFileSize: 64 * 1024,
});
for (let round = 1; ; round++) {
  const value = Buffer.from(`${round}`.padEnd(100, '.'));
  await store.batch(
    Array.from({ length: KEYS }, (_, i) => ({ type: 'put', key: Buffer.from(`key ${10 + i}`), value })),
  );
  if (round % 50 === 0) await store.compactRange();
  if (round === 100) process.send!('begun');
  await new Promise((resolve) => setImmediate(resolve));
}
