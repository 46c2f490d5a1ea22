import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { createArena } from './arena.ts';
import { IndexKind } from './index-kind.ts';

const PAGE_BYTES = 4096;
const ROUNDS = 20_000;

/** A thread that touches an arena again and again until the word `Done` is set. */
const TOUCHING = `
  import { workerData } from 'node:worker_threads';
  import { touchArena } from ${JSON.stringify(fileURLToPath(new URL('./prepare-arena.ts', import.meta.url)))};
  const control = new Int32Array(workerData.control);
  do {
    touchArena(workerData.arena);
    Atomics.add(control, 1, 1);
    Atomics.notify(control, 1);
  } while (Atomics.load(control, 0) === 0);
`;

test('touching pages takes nothing from a thread that fills them at the same time', async () => {
  const arena = createArena({ kind: IndexKind.Hash, kvBytes: 64 * PAGE_BYTES });
  arena.activate(0);
  const control = new Int32Array(new SharedArrayBuffer(8));
  const { outputFiles } = buildSync({
    stdin: { contents: TOUCHING, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    platform: 'node',
    write: false,
  });
  const worker = new Worker(outputFiles[0]!.text, {
    eval: true,
    workerData: { arena: arena.shared, control: control.buffer },
  });
  const ended = new Promise<number>((resolve) => worker.once('exit', resolve));
  while (Atomics.load(control, 1) === 0) await new Promise((resolve) => setImmediate(resolve));
  const bytes = new Uint8Array(arena.shared);
  // The bytes that a touch could put back: the first of each page.
  const first = Math.ceil(arena.kvData.byteOffset / PAGE_BYTES) * PAGE_BYTES;
  const lost: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    for (let at = first; at < bytes.length; at += PAGE_BYTES) bytes[at] = round;
    for (let at = first; at < bytes.length; at += PAGE_BYTES) if (bytes[at] !== (round & 0xff)) lost.push(at);
  }
  Atomics.store(control, 0, 1);
  expect(await ended).toBe(0);
  expect(Atomics.load(control, 1)).toBeGreaterThan(1);
  expect(lost).toEqual([]);
});
