import { describe, expect, test } from 'vitest';
import type { BatchOperation } from '../../public/public-types.ts';
import { type LoadCounts, type LoadOptions, loadRecords, newCounts } from './load-records.ts';
import { malformed, type SourceItem } from './source-item.ts';

const OPTIONS: LoadOptions = { batchRecords: 2, sync: false, onMalformed: 'stop' };

function record(line: number, valueBytes = 1): SourceItem {
  return { kind: 'record', line, key: Buffer.from(`k${line}`), value: Buffer.alloc(valueBytes) };
}

interface Outcome {
  readonly batches: string[];
  readonly counts: LoadCounts;
  readonly error: unknown;
}

async function load(
  pieces: AsyncIterable<SourceItem[]> | SourceItem[][],
  options: Partial<LoadOptions> = {},
  interrupt: AbortController = new AbortController(),
  onBatch: (keys: string) => void | Promise<void> = () => undefined,
): Promise<Outcome> {
  const batches: string[] = [];
  const target = {
    async batch(operations: readonly BatchOperation[], { sync = false } = {}) {
      const keys = operations.map((operation) => Buffer.from(operation.key).toString()).join(' ');
      await onBatch(keys);
      batches.push(sync ? `${keys} (sync)` : keys);
    },
  };
  const counts = newCounts();
  let error: unknown;
  try {
    const source = (async function* () {
      yield* pieces;
    })();
    await loadRecords(source, target, { ...OPTIONS, ...options }, counts, interrupt.signal, () => undefined);
  } catch (caught) {
    error = caught;
  }
  return { batches, counts, error };
}

describe('loading records', () => {
  test('fills batches across pieces of the source and stores the rest at the end', async () => {
    const { batches, counts } = await load([[record(1)], [], [record(2), record(3)], [record(4), record(5)]]);
    expect(batches).toEqual(['k1 k2', 'k3 k4', 'k5']);
    expect(counts).toEqual({ records: 5, bytes: 15, malformed: 0, samples: [], fatal: undefined });
  });

  test('stores a batch early when its bytes reach a mebibyte', async () => {
    const { batches } = await load([[record(1, 1 << 20), record(2)]], { batchRecords: 100 });
    expect(batches).toEqual(['k1', 'k2']);
  });

  test('passes the sync option on', async () => {
    expect((await load([[record(1)]], { sync: true })).batches).toEqual(['k1 (sync)']);
  });

  test('reads nothing while a batch is being written', async () => {
    let reads = 0;
    let writing = false;
    const source = (async function* () {
      for (let line = 1; line <= 6; line++) {
        expect(writing).toBe(false);
        reads++;
        yield [record(line)];
      }
    })();
    await load(source, {}, new AbortController(), async () => {
      writing = true;
      const before = reads;
      await new Promise((resolve) => setImmediate(resolve));
      expect(reads).toBe(before);
      writing = false;
    });
    expect(reads).toBe(6);
  });

  test('stops at a malformed record, with everything before it stored', async () => {
    const { batches, counts } = await load([
      [record(1), record(2), record(3), malformed(4, 'is bad'), record(5)],
    ]);
    expect(batches).toEqual(['k1 k2', 'k3']);
    expect(counts).toMatchObject({ records: 3, malformed: 1, fatal: { line: 4, reason: 'is bad' } });
  });

  test('leaves malformed records out when they are to be counted, and keeps the first five', async () => {
    const bad = Array.from({ length: 7 }, (_, at) => malformed(at + 2, 'is bad'));
    const { batches, counts } = await load([[record(1), ...bad, record(9)]], { onMalformed: 'count' });
    expect(batches).toEqual(['k1 k9']);
    expect(counts.malformed).toBe(7);
    expect(counts.samples.map((sample) => sample.line)).toEqual([2, 3, 4, 5, 6]);
    expect(counts.fatal).toBeUndefined();
  });

  test('stops at a fatal malformed record also when they are to be counted', async () => {
    const { counts } = await load([[malformed(1, 'too long', true), record(2)]], { onMalformed: 'count' });
    expect(counts).toMatchObject({ records: 0, fatal: { line: 1 } });
  });

  test('an interrupt ends the reading behind the piece at hand, which is stored', async () => {
    const interrupt = new AbortController();
    const pieces = [[record(1), record(2), record(3)], [record(4)]];
    const { batches } = await load(pieces, {}, interrupt, (keys) => {
      if (keys === 'k1 k2') interrupt.abort();
    });
    expect(batches).toEqual(['k1 k2', 'k3']);
  });

  test('a source that fails is reported after what it gave before is stored', async () => {
    const failing = (async function* () {
      yield [record(1)];
      throw new Error('read failed');
    })();
    const { batches, error } = await load(failing);
    expect(batches).toEqual(['k1']);
    expect(error).toEqual(new Error('read failed'));
  });

  test('a batch that fails ends the load and is neither counted nor tried again', async () => {
    let tries = 0;
    const { counts, error } = await load(
      [[record(1), record(2), record(3), record(4)], [record(5)]],
      {},
      undefined,
      (keys) => {
        if (keys !== 'k3 k4') return;
        tries++;
        throw new Error('disk full');
      },
    );
    expect(error).toEqual(new Error('disk full'));
    expect(tries).toBe(1);
    expect(counts.records).toBe(2);
  });
});
