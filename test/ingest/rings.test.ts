/** Batches of an ingest that come through rings, from real threads. */
import { ErrorCode, type IngestOptions, open, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { writeWorker } from '../../packages/engine/src/flush/piscina-pool.test-support.ts';
import { nextTurn } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import { contentsOf, expected, lines } from './ingest-store.ts';

const GATED = new URL('./parsers/gated.mjs', import.meta.url);

/** Rings of some 20 lines, batches of two: threads wait for room in the middle of each piece. */
const TINY_RINGS = {
  tables: false,
  parse: GATED,
  parseOptions: {},
  split: 'pieces',
  pieceBytes: 600,
  batchBytes: 100,
} as const;
const RING_BYTES = 2 * TINY_RINGS.pieceBytes;
const LINES_OF_A_PIECE = 50;
/** What two threads have parsed of lines of `even`, of which one is held at its third, when the other waits for room. */
const LINES_UNTIL_BLOCKED = 23;

const openStore = (): Promise<Store> => open(temporaryDirectory(), { writeBufferSize: 64 * 1024 });

function pieces(given: readonly string[]): Uint8Array[] {
  const count = Math.ceil(given.length / LINES_OF_A_PIECE);
  return Array.from({ length: count }, (_, i) =>
    bytes(`${given.slice(i * LINES_OF_A_PIECE, (i + 1) * LINES_OF_A_PIECE).join('\n')}\n`),
  );
}

/** Lines of one length, in the order of their keys. */
function even(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${keyAt(i)}=${'v'.repeat(40)}`);
}

function keyAt(line: number): string {
  return `k${String(line).padStart(4, '0')}`;
}

/** Words that threads and test share, see `parsers/gated.mjs`. */
class Gate {
  readonly #shared = new SharedArrayBuffer(12);
  readonly #words = new Int32Array(this.#shared);

  /** How often a thread has come to where it may die. */
  get visits(): number {
    return Atomics.load(this.#words, 2);
  }

  open(): void {
    Atomics.store(this.#words, 0, 1);
    Atomics.notify(this.#words, 0);
  }

  /** Resolves when threads have parsed so many lines. */
  async parsed(count: number): Promise<void> {
    while (Atomics.load(this.#words, 1) < count) await nextTurn();
  }

  options(more: { holdAt?: string; dieAt?: string; deaths?: number }): IngestOptions {
    return { ...TINY_RINGS, threads: 2, parseOptions: { gate: this.#shared, ...more } };
  }
}

describe('batches', () => {
  test.each([1, 2, 3])('come in the order of the source, whole, from %i threads', async (threads) => {
    const store = await openStore();
    const given = lines(3000, 700);
    const report = await store.ingest(pieces(given), { ...TINY_RINGS, threads });
    expect(report).toMatchObject({ path: 'batches', entries: 3000 });
    expect(contentsOf(store)).toEqual(expected(given));
    expect(store.stats().writes.entries).toBe(3000);
    await store.close();
  });

  test('share journal writes', async () => {
    const store = await openStore();
    // Rings hold a whole piece: what is in one is written in one go.
    const given = lines(3000);
    await store.ingest(pieces(given), { ...TINY_RINGS, pieceBytes: 10_000, batchEntries: 1, threads: 1 });
    expect(contentsOf(store)).toEqual(expected(given));
    expect(store.stats().writes.groups).toBeLessThan(1500);
    await store.close();
  });

  test('that are larger than their ring come apart, and keep their place', async () => {
    const store = await openStore();
    const large = Array.from({ length: 12 }, (_, i) => `m00000${i % 4}=${'x'.repeat(RING_BYTES + 100 * i)}`);
    const given = lines(300, 100).flatMap((line, i) =>
      i % 25 === 24 ? [line, large[(i - 24) / 25]!] : [line],
    );
    await store.ingest(pieces(given), { ...TINY_RINGS, threads: 2 });
    expect(contentsOf(store)).toEqual(expected(given));
    await store.close();
  });

  test.each([1, 2, 3])(
    'of tables that were built in vain come before those of later pieces: %i threads',
    async (threads) => {
      const store = await openStore();
      const given = [...even(600), ...lines(600, 50, 'k')];
      // Met by a late piece; by then others are under way.
      await store.put(bytes(keyAt(590)), bytes('before'));
      const report = await store.ingest(pieces(given), { ...TINY_RINGS, tables: true, threads });
      expect(report).toMatchObject({ path: 'batches', entries: 1200 });
      expect(contentsOf(store)).toEqual(expected(given));
      await store.close();
    },
  );
});

describe('a thread that dies in the middle of a piece', () => {
  test.each([1, 2])('has it repeated without what is stored of it (%i threads)', async (threads) => {
    const store = await openStore();
    const gate = new Gate();
    const given = even(10 * LINES_OF_A_PIECE);
    // So far into a piece that its ring was emptied before.
    const dieAt = keyAt(LINES_OF_A_PIECE - 3);
    const report = await store.ingest(pieces(given), { ...gate.options({ dieAt, deaths: 1 }), threads });
    expect(report.entries).toBe(given.length);
    expect(gate.visits).toBe(2);
    expect(contentsOf(store)).toEqual(expected(given));
    expect(store.stats().writes.entries).toBe(given.length);
    await store.close();
  });

  test.each([
    ['the oldest', 3],
    ['another', LINES_OF_A_PIECE + 5],
  ])('while others wait for room: %s', async (_, line) => {
    const store = await openStore();
    const gate = new Gate();
    const given = even(6 * LINES_OF_A_PIECE);
    const options = gate.options({ holdAt: keyAt(2), dieAt: keyAt(line), deaths: 1 });
    const ingested = store.ingest(pieces(given), options);
    await gate.parsed(LINES_UNTIL_BLOCKED);
    gate.open();
    expect((await ingested).entries).toBe(given.length);
    expect(gate.visits).toBe(2);
    expect(contentsOf(store)).toEqual(expected(given));
    await store.close();
  });

  test('twice is told, with what is stored: whole batches before that place', async () => {
    const store = await openStore();
    const gate = new Gate();
    const given = even(4 * LINES_OF_A_PIECE);
    const options = gate.options({ dieAt: keyAt(45), deaths: 9 });
    const message = await store.ingest(pieces(given), { ...options, batchEntries: 3, batchBytes: 1000 }).then(
      () => 'no error',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );
    const { size } = contentsOf(store);
    expect(message).toContain(ErrorCode.WorkerFailed);
    expect(message).toContain(`; ${size} entries are stored`);
    expect(size % 3).toBe(0);
    expect(size).toBeLessThanOrEqual(45);
    expect(contentsOf(store)).toEqual(expected(given.slice(0, size)));
    await store.close();
  });

  test('and whose piece gives other entries when it is repeated, is told', async () => {
    const store = await openStore();
    const gate = new Gate();
    const options = gate.options({ dieAt: keyAt(45), deaths: 1 });
    const parseOptions = { ...(options.parseOptions as object), forgetsAfterDeath: true };
    await expect(store.ingest(pieces(even(100)), { ...options, parseOptions })).rejects.toMatchObject({
      code: ErrorCode.WorkerFailed,
      message: expect.stringContaining("does 'parse' give others when it is repeated?") as string,
    });
    await store.close();
  });
});

describe('a thread that waits for room in its ring', () => {
  async function held() {
    const store = await openStore();
    const gate = new Gate();
    const controller = new AbortController();
    const options = { ...gate.options({ holdAt: keyAt(2) }), signal: controller.signal };
    const ended = store.ingest(pieces(even(8 * LINES_OF_A_PIECE)), options).then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    await gate.parsed(LINES_UNTIL_BLOCKED);
    return { store, gate, controller, ended };
  }

  test('ends with an abort', async () => {
    const { store, gate, controller, ended } = await held();
    controller.abort();
    gate.open();
    expect(await ended).toBe(ErrorCode.Aborted);
    await store.close();
  });

  test('ends when the store is closed', async () => {
    const { store, gate, ended } = await held();
    const closing = store.close();
    gate.open();
    expect(await ended).toBe(ErrorCode.DatabaseNotOpen);
    await closing;
  });

  test('ends when the source does so before its piece', async () => {
    const store = await openStore();
    const given = even(4 * LINES_OF_A_PIECE);
    const report = await store.ingest(pieces(given), { ...TINY_RINGS, threads: 2, onPiece: () => false });
    expect(report.entries).toBe(LINES_OF_A_PIECE);
    expect(contentsOf(store)).toEqual(expected(given.slice(0, LINES_OF_A_PIECE)));
    await store.close();
  });
});

describe('a thread that lies', () => {
  const MARK = 0x46_52_4d_45;
  /** A frame with the batch record of key `a` and value `b`. */
  const SOUND = [MARK, 0, 5, 1, 1, 0x0161_0101, 0x62];

  test.each([
    ['a frame without its mark', [MARK + 1, ...SOUND.slice(1)], /does not begin with its mark/],
    ['records that are none', [MARK, 0, 5, 1, 1, 0x0161_0107, 0x62], /unknown kind of record/],
    ['fewer records than it says', [MARK, 0, 5, 2, 1, 0x0161_0101, 0x62], /states 2 records and holds 1/],
    ['a large batch that does not come', [MARK, 2, 5000, 1, 1], /its records did not come/],
    [
      'a sound batch and one that is none',
      [...SOUND, MARK, 0, 5, 1, 2, 0x0161_0107, 0x62],
      /1 entries are stored/,
    ],
  ])('%s: ARENA_WORKER_FAILED, and nothing of that is stored', async (_, words, message) => {
    const workerUrl = writeWorker(`
      export default ({ ring }) => {
        const ringWords = new Int32Array(ring.memory.frames);
        ringWords.set(${JSON.stringify(words)}, 2);
        Atomics.store(ringWords, 0, ${words.length});
        return { kind: 'parsed', parsed: { units: 1, entries: 1, bytes: 2 }, batches: [] };
      };
    `);
    const store = await open(temporaryDirectory(), { flush: 'inline', workerUrl });
    await expect(store.ingest([bytes('a=b\n')], { ...TINY_RINGS, threads: 1 })).rejects.toMatchObject({
      code: ErrorCode.WorkerFailed,
      message: expect.stringMatching(message) as string,
    });
    expect(contentsOf(store).size).toBe(words.length > SOUND.length ? 1 : 0);
    await store.close();
  });
});
