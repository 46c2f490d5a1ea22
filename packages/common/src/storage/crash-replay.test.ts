import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { CrashReplay, LOSS_MODELS, type LossModel } from './crash-replay.ts';
import { CURRENT_FILE, type FileDesc, journalFile, tempFile } from './file-desc.ts';
import { MemoryStorage } from './memory-storage.ts';
import type { WritableFile } from './storage.ts';

const SEED = Number(process.env['SEED'] ?? 20_240);
const JOURNAL = journalFile(3);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Everything a model may leave of a storage, each state as one line of text, found by drawing often. */
function states(storage: MemoryStorage, loss: LossModel, draws = 400): string[] {
  const prng = new Prng(SEED);
  const found = new Set<string>();
  for (let i = 0; i < draws; i++) {
    const clone = storage.crashClone(loss, prng);
    found.add(
      [...clone.snapshot()]
        .map(([name, bytes]) => `${name}=${new TextDecoder().decode(bytes).replaceAll('\0', '0')}`)
        .join(' '),
    );
  }
  return [...found].sort();
}

function append(file: WritableFile, value: string, position: number): void {
  file.writeNow(text(value), 0, value.length, position);
}

/** A journal whose name and first two bytes are durable, with two writes after them that are not. */
function storageWithTail(): { storage: MemoryStorage; file: WritableFile } {
  const storage = new MemoryStorage();
  const file = storage.createNow(JOURNAL);
  append(file, 'ab', 0);
  file.syncNow();
  storage.syncDirectoryNow();
  append(file, 'cd', 2);
  append(file, 'ef', 4);
  return { storage, file };
}

describe(`the states a crash may leave (seed ${SEED})`, () => {
  test('of an unsynced tail: any length of it when torn, both its ends always', () => {
    const { storage } = storageWithTail();
    expect(states(storage, LOSS_MODELS.process)).toEqual(['000003.log=abcdef']);
    expect(states(storage, LOSS_MODELS.dropped)).toEqual(['000003.log=ab']);
    expect(states(storage, LOSS_MODELS.ordered)).toEqual([
      '000003.log=ab',
      '000003.log=abc',
      '000003.log=abcd',
      '000003.log=abcde',
      '000003.log=abcdef',
    ]);
  });

  test('of one unsynced page: any age of its bytes with any age of its size', () => {
    const { storage } = storageWithTail();
    expect(states(storage, LOSS_MODELS.linux)).toEqual([
      '000003.log=ab',
      '000003.log=ab00',
      '000003.log=ab0000',
      '000003.log=abcd',
      '000003.log=abcd00',
      '000003.log=abcdef',
    ]);
  });

  test('of several pages: those in the middle may be gone while later ones are there', () => {
    const storage = new MemoryStorage();
    const file = storage.createNow(JOURNAL);
    storage.syncDirectoryNow();
    file.writeNow(new Uint8Array(512 * 3).fill(0x61), 0, 512 * 3, 0);
    const patterns = new Set<string>();
    const prng = new Prng(SEED);
    for (let i = 0; i < 400; i++) {
      const bytes = storage.crashClone(LOSS_MODELS.posix, prng).readAllNow(JOURNAL, 2000);
      const pages = [0, 512, 1024]
        .filter((at) => at < bytes.length)
        .map((at) => (bytes[at] === 0 ? '0' : 'a'));
      patterns.add(pages.join(''));
      expect([0, 1536]).toContain(bytes.length);
    }
    expect([...patterns].sort()).toEqual(['', '000', '00a', '0a0', '0aa', 'a00', 'a0a', 'aa0', 'aaa']);
  });

  test('of a name and data: each durable apart from the other', () => {
    const storage = new MemoryStorage();
    append(storage.createNow(JOURNAL), 'ab', 0);
    expect(states(storage, LOSS_MODELS.process)).toEqual(['000003.log=ab']);
    expect(states(storage, LOSS_MODELS.dropped)).toEqual(['']);
    expect(states(storage, LOSS_MODELS.namesOnly)).toEqual(['000003.log=']);
    expect(states(storage, LOSS_MODELS.dataOnly)).toEqual(['']);
    expect(states(storage, LOSS_MODELS.ordered)).toEqual([
      '',
      '000003.log=',
      '000003.log=a',
      '000003.log=ab',
    ]);
  });

  /** CURRENT is switched from `1` to `2` by a synced temporary file; then the file it named goes. */
  function switchCurrent(syncInBetween: boolean): MemoryStorage {
    const storage = new MemoryStorage({
      files: new Map([
        ['CURRENT', text('1')],
        ['MANIFEST-000001', text('m')],
      ]),
    });
    const temp = storage.createNow(tempFile(2));
    append(temp, '2', 0);
    temp.syncNow();
    storage.renameNow(tempFile(2), CURRENT_FILE);
    if (syncInBetween) storage.syncDirectoryNow();
    storage.removeNow({ type: 'manifest', number: 1 });
    return storage;
  }

  test('of a removal after an unsynced rename: in any order where order is not kept', () => {
    expect(states(switchCurrent(false), LOSS_MODELS.ordered)).toEqual([
      '000002.dbtmp=2 CURRENT=1 MANIFEST-000001=m',
      'CURRENT=1 MANIFEST-000001=m',
      'CURRENT=2',
      'CURRENT=2 MANIFEST-000001=m',
    ]);
    // The state that has killed stores: CURRENT names a manifest that is gone.
    expect(states(switchCurrent(false), LOSS_MODELS.posix)).toContain('CURRENT=1');
    expect(states(switchCurrent(true), LOSS_MODELS.posix)).toEqual([
      'CURRENT=2',
      'CURRENT=2 MANIFEST-000001=m',
    ]);
  });

  test('of a quarantined file: never in neither place', () => {
    const storage = new MemoryStorage({ files: new Map([['000003.log', text('ab')]]) });
    storage.quarantineNow(JOURNAL);
    expect(states(storage, LOSS_MODELS.posix)).toEqual([
      '000003.log=ab lost/000003.log=ab',
      'lost/000003.log=ab',
    ]);
    storage.syncDirectoryNow();
    expect(states(storage, LOSS_MODELS.posix)).toEqual(['lost/000003.log=ab']);
  });

  test('of a sync under way: it covers what was written when it was called', async () => {
    const waiting: (() => void)[] = [];
    const storage = new MemoryStorage({ schedule: (complete) => waiting.push(complete) });
    const file = storage.createNow(JOURNAL);
    append(file, 'ab', 0);
    const syncs = [file.sync(), storage.syncDirectory()];
    append(file, 'cd', 2);
    storage.createNow(journalFile(4));
    expect(states(storage, LOSS_MODELS.dropped)).toEqual(['']);
    for (const complete of waiting) complete();
    await Promise.all(syncs);
    expect(states(storage, LOSS_MODELS.dropped)).toEqual(['000003.log=ab']);
    expect(states(storage, LOSS_MODELS.namesOnly)).toEqual(['000003.log=ab 000004.log=']);
    expect(states(storage, LOSS_MODELS.dataOnly)).toEqual(['000003.log=abcd']);
    expect(states(storage, LOSS_MODELS.ordered)).toEqual(
      ['ab', 'abc', 'abcd'].flatMap((bytes) => [`000003.log=${bytes}`, `000003.log=${bytes} 000004.log=`]),
    );
    file.syncNow();
    storage.syncDirectoryNow();
    expect(states(storage, LOSS_MODELS.dropped)).toEqual(['000003.log=abcd 000004.log=']);
  });

  test('of a failed sync that loses pages: readable until the crash, gone after, whatever is synced later', () => {
    const { storage, file } = storageWithTail();
    (file as unknown as { loseUnsynced(): void }).loseUnsynced();
    append(file, 'gh', 6);
    file.syncNow();
    expect(states(storage, LOSS_MODELS.process)).toEqual(['000003.log=abcdefgh']);
    for (const loss of [LOSS_MODELS.dropped, LOSS_MODELS.posix, LOSS_MODELS.ordered]) {
      expect(states(storage, loss)).toEqual(['000003.log=ab0000gh']);
    }
  });

  test('of a cut file: both sizes until the cut is synced', () => {
    const { storage, file } = storageWithTail();
    file.syncNow();
    file.truncateNow(1);
    expect(states(storage, LOSS_MODELS.ordered)).toEqual(['000003.log=a', '000003.log=abcdef']);
    expect(states(storage, LOSS_MODELS.posix)).toEqual([
      '000003.log=a',
      '000003.log=a00000',
      '000003.log=abcdef',
    ]);
    file.syncNow();
    expect(states(storage, LOSS_MODELS.posix)).toEqual(['000003.log=a']);
  });

  test('are the same for the same random numbers', () => {
    const { storage } = storageWithTail();
    for (const loss of Object.values(LOSS_MODELS)) {
      const twice = [1, 2].map(() => storage.crashClone(loss, new Prng(SEED)).snapshot());
      expect(twice[0]).toEqual(twice[1]);
    }
  });

  test('cannot be asked for before where the replay is, nor beyond the trace', () => {
    const { storage } = storageWithTail();
    const replay = new CrashReplay(storage.trace).advanceTo(3);
    expect(() => replay.advanceTo(2)).toThrow(RangeError);
    expect(() => replay.advanceTo(storage.trace.entries.length + 1)).toThrow(RangeError);
  });
});

/**
 * A second, slow statement of the rules, checked on random histories: for every file, which bytes must be there and
 * which names must or must not.
 */
describe(`random histories (seed ${SEED})`, () => {
  interface Known {
    readonly file: FileDesc;
    readonly handle: WritableFile;
    /** Length when last synced; bytes are a function of inode and position, so a prefix determines contents. */
    synced: number;
    length: number;
    readonly fill: number;
  }

  function randomHistory(prng: Prng): { storage: MemoryStorage; checks: (() => Expected)[] } {
    const storage = new MemoryStorage();
    const live = new Map<number, Known>();
    const durableNames = new Set<number>();
    const goneNames = new Set<number>();
    let next = 1;
    const checks: (() => Expected)[] = [];
    for (let step = 0; step < 60; step++) {
      const files = [...live.values()];
      const known = files[prng.below(Math.max(1, files.length))];
      const choice = prng.below(8);
      if (known === undefined || choice === 0) {
        const file = journalFile(next);
        const handle = storage.createNow(file);
        live.set(next, { file, handle, synced: 0, length: 0, fill: 1 + (next % 250) });
        next++;
      } else if (choice < 4) {
        const length = 1 + prng.below(1500);
        known.handle.writeNow(new Uint8Array(length).fill(known.fill), 0, length, known.length);
        known.length += length;
      } else if (choice < 6) {
        known.handle.syncNow();
        known.synced = known.length;
      } else if (choice === 6) {
        storage.syncDirectoryNow();
        for (const number of live.keys()) durableNames.add(number);
        for (let number = 1; number < next; number++) if (!live.has(number)) goneNames.add(number);
      } else {
        storage.removeNow(known.file);
        live.delete(known.file.number);
      }
      const expected: Expected = {
        length: storage.trace.entries.length,
        mustHave: files
          .filter(({ file }) => live.has(file.number) && durableNames.has(file.number))
          .map(({ file, synced, length, fill }) => ({ file, synced, length, fill })),
        mustNotHave: [...goneNames].map(journalFile),
      };
      checks.push(() => expected);
    }
    return { storage, checks };
  }

  interface Expected {
    readonly length: number;
    readonly mustHave: readonly { file: FileDesc; synced: number; length: number; fill: number }[];
    readonly mustNotHave: readonly FileDesc[];
  }

  test.each(Object.entries(LOSS_MODELS))('keep synced data and gone names under %s', (name, loss) => {
    for (let run = 0; run < 12; run++) {
      const prng = new Prng(SEED + run);
      const { storage, checks } = randomHistory(prng);
      const replay = new CrashReplay(storage.trace);
      for (const check of checks) {
        const { length, mustHave, mustNotHave } = check();
        const files = replay.advanceTo(length).crash(loss, prng);
        const where = `model ${name}, seed ${SEED + run}, after ${length}`;
        const after = new MemoryStorage({ files });
        for (const { file, synced, length: written, fill } of mustHave) {
          const bytes = after.readAllNow(file, 1 << 20);
          expect(bytes.length, where).toBeGreaterThanOrEqual(synced);
          expect(bytes.length, where).toBeLessThanOrEqual(written);
          expect(
            bytes.subarray(0, synced).every((byte) => byte === fill),
            where,
          ).toBe(true);
          expect(
            bytes.subarray(synced).every((byte) => byte === fill || byte === 0),
            where,
          ).toBe(true);
        }
        for (const file of mustNotHave) expect(after.sizeNow(file), where).toBeUndefined();
      }
    }
  });
});
