import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { runLater, runNow } from '@arena-level/common/base/steps';
import { LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { ROOTS_FILE } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { describe, expect, test } from 'vitest';
import { chunk } from '../journal/log.test-support.ts';
import { RootsFile, readRoots } from './roots-file.ts';
import type { CommittedRoot, TableRoot } from './roots-record.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const hash = (seed: number): Uint8Array => new Uint8Array(32).map((_, i) => seed * 7 + i + 1);
const tables = (...numbers: number[]): TableRoot[] =>
  numbers.map((number) => ({ number, root: hash(number) }));
const committed = (lastSequence: number): CommittedRoot => ({
  manifestNumber: 1,
  manifestBytes: 100 + lastSequence,
  lastSequence,
  masterRoot: hash(lastSequence),
});
const lastOf = ({
  manifestNumber,
  manifestBytes,
  lastSequence,
  masterRoot,
}: CommittedRoot): CommittedRoot => ({
  manifestNumber,
  manifestBytes,
  lastSequence,
  masterRoot,
});

function open(storage: Storage, maxBytes?: number): RootsFile {
  let number = 100;
  for (const file of storage.listNow()) number = Math.max(number, file.number);
  const newFileNumber = (): number => ++number;
  return new RootsFile(
    storage,
    runNow(readRoots(storage)),
    maxBytes === undefined ? { newFileNumber } : { newFileNumber, maxBytes },
  );
}

function expectContents(
  storage: Storage,
  lastSequence: number,
  numbers: readonly number[],
  message?: string,
): void {
  const { last, tableRoots } = runNow(readRoots(storage));
  expect(last === undefined ? undefined : lastOf(last), message).toEqual(committed(lastSequence));
  expect(
    [...tableRoots.keys()].sort((a, b) => a - b),
    message,
  ).toEqual(numbers);
  for (const [number, root] of tableRoots) expect(root, message).toEqual(hash(number));
}

describe('the roots file', () => {
  test('says nothing where there is none', () => {
    expect(runNow(readRoots(new MemoryStorage()))).toEqual({
      last: undefined,
      tableRoots: new Map(),
      goodEnd: 0,
      report: undefined,
    });
  });

  test('keeps the last MasterRoot, and the root of every table that it was told of', async () => {
    const storage = new MemoryStorage();
    const roots = open(storage);
    runNow(roots.append(committed(5), tables(2, 3)));
    await runLater(roots.append(committed(6), tables(3, 4)));
    runNow(roots.append(committed(7), tables(4)));
    expectContents(storage, 7, [2, 3, 4]);
    roots.closeNow();
    const again = open(storage);
    runNow(again.append(committed(8), tables(4, 5)));
    expectContents(storage, 8, [2, 3, 4, 5]);
  });

  test('is put in place by a rename, then appended to, each record synced', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const roots = open(storage);
    runNow(roots.append(committed(5), tables(2, 3)));
    runNow(roots.append(committed(6), tables(2, 3, 4)));
    expect(storage.transcript).toBe(
      [
        'create 000101.dbtmp',
        'write 000101.dbtmp 0+148',
        'sync 000101.dbtmp',
        'rename 000101.dbtmp arena.roots',
        'sync-directory',
        'write arena.roots 148+108',
        'sync arena.roots',
        '',
      ].join('\n'),
    );
  });

  test('lists a table once', () => {
    const storage = new MemoryStorage();
    const roots = open(storage);
    for (let i = 0; i < 10; i++) runNow(roots.append(committed(i), tables(1, 2, 3, 4, 5)));
    expect(storage.sizeNow(ROOTS_FILE)).toBe(10 * (7 + 61) + 5 * 40);
  });

  test('is written anew, with the tables of the version only, before it grows without bound', () => {
    const storage = new MemoryStorage();
    const roots = open(storage, 1000);
    let largest = 0;
    for (let i = 1; i <= 200; i++) {
      runNow(roots.append(committed(i), tables(i, i + 1, i + 2)));
      largest = Math.max(largest, storage.sizeNow(ROOTS_FILE)!);
    }
    expect(largest).toBeLessThan(1300);
    const { last, tableRoots } = runNow(readRoots(storage));
    expect(last?.lastSequence).toBe(200);
    expect(tableRoots.size).toBeLessThan(30);
    for (const number of [200, 201, 202]) expect(tableRoots.get(number)).toEqual(hash(number));
    expect(storage.fileNames()).toEqual(['arena.roots']);
  });

  test('lists a table again that a new file has left out', () => {
    const storage = new MemoryStorage();
    const roots = open(storage, 1);
    for (let i = 1; i < 10; i++) runNow(roots.append(committed(i), i === 1 ? tables(1, 2) : tables(2)));
    expectContents(storage, 9, [2]);
    runNow(roots.append(committed(10), tables(1, 2)));
    expectContents(storage, 10, [1, 2]);
  });

  test('ends at a torn record, wherever it is cut, which goes with the next append', () => {
    const source = new MemoryStorage();
    const roots = open(source);
    runNow(roots.append(committed(5), tables(2)));
    const whole = source.sizeNow(ROOTS_FILE)!;
    runNow(roots.append(committed(6), tables(2, 3)));
    const bytes = source.snapshot().get('arena.roots')!;
    for (let end = whole + 1; end < bytes.length; end++) {
      const storage = new MemoryStorage({ files: new Map([['arena.roots', bytes.subarray(0, end)]]) });
      expect(runNow(readRoots(storage)).report, `cut at ${end}`).toMatchObject({
        kind: 'tear',
        offset: whole,
      });
      expectContents(storage, 5, [2], `cut at ${end}`);
      runNow(open(storage).append(committed(7), tables(2)));
      expectContents(storage, 7, [2], `cut at ${end}`);
      expect(runNow(readRoots(storage)).report).toBeUndefined();
    }
  });

  test('ends at a damaged record, reports it, and is written anew by the next append', () => {
    const source = new MemoryStorage();
    const roots = open(source);
    for (let i = 5; i < 9; i++) runNow(roots.append(committed(i), tables(i)));
    const bytes = source.snapshot().get('arena.roots')!;
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << (at % 8);
      const storage = new MemoryStorage({ files: new Map([['arena.roots', damaged]]) });
      const { last, report } = runNow(readRoots(storage));
      const record = Math.floor(at / 108);
      expect(report, `byte ${at}`).toMatchObject({ kind: 'damage', offset: record * 108 });
      expect(last?.lastSequence, `byte ${at}`).toBe(record === 0 ? undefined : 4 + record);
      runNow(open(storage).append(committed(20), tables(7, 8)));
      expectContents(storage, 20, [7, 8], `byte ${at}`);
      expect(storage.fileNames()).toEqual(['arena.roots']);
    }
  });

  test('ends at a sound chunk that holds no roots record', () => {
    const storage = new MemoryStorage();
    runNow(open(storage).append(committed(5), tables(2)));
    const { length } = storage.snapshot().get('arena.roots')!;
    storage.damage(ROOTS_FILE, (bytes) =>
      Buffer.concat([bytes, chunk(1, new Uint8Array(70).fill(9)), bytes]),
    );
    expect(runNow(readRoots(storage))).toMatchObject({
      goodEnd: length,
      report: { kind: 'damage', offset: length, reason: 'roots record of unknown format 9' },
    });
    expectContents(storage, 5, [2]);
  });

  test.each([
    { operation: 'write', effect: 'error' },
    { operation: 'write', effect: 'short-write' },
    { operation: 'sync', effect: 'error' },
    { operation: 'rename', effect: 'error' },
    { operation: 'sync-directory', effect: 'error' },
    { operation: 'create', effect: 'error' },
    { operation: 'open-write', effect: 'error' },
  ] as const)(
    'takes the next record after its $operation failed ($effect), by a whole new file',
    ({ operation, effect }) => {
      const memory = new MemoryStorage();
      const storage = new FaultStorage(memory);
      const roots = open(storage, 1);
      runNow(roots.append(committed(5), tables(2)));
      storage.install({ rules: [{ operation, nth: 1, times: 1, effect, errno: 'ENOSPC' }] });
      let error: unknown;
      // The file is written anew within these, so that every operation comes up.
      for (let i = 6; i < 16 && error === undefined; i++) {
        try {
          runNow(roots.append(committed(i), tables(2, 3)));
        } catch (caught) {
          error = caught;
        }
      }
      expect(hasCode(error, ErrorCode.IoError)).toBe(true);
      runNow(roots.append(committed(20), tables(2, 3)));
      expectContents(memory, 20, [2, 3]);
      expect(memory.fileNames()).toEqual(['arena.roots']);
    },
  );

  test(`holds what was appended last after any crash, or what came before that (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const memory = new MemoryStorage();
    const roots = open(memory, 700);
    const ends: number[] = [];
    for (let i = 1; i <= 30; i++) {
      runNow(roots.append(committed(i), tables(i)));
      ends.push(memory.trace.entries.length);
    }
    for (let length = 0; length <= memory.trace.entries.length; length++) {
      const durable = ends.filter((end) => end <= length).length;
      for (const [name, loss] of Object.entries(LOSS_MODELS)) {
        const storage = MemoryStorage.replay(memory.trace, length, loss, prng);
        const { last, report } = runNow(readRoots(storage));
        const sequence = last?.lastSequence ?? 0;
        const message = `${name} at ${length}`;
        expect([durable, durable + 1], message).toContain(sequence);
        expect(report?.kind, message).not.toBe('damage');
        if (last !== undefined) expect(last.masterRoot, message).toEqual(hash(sequence));
      }
    }
  });
});
