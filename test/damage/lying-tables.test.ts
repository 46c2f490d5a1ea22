import { writeU32LE } from '@arena-level/common/bytes/endian';
import { encodeVarint32 } from '@arena-level/common/bytes/varint';
import { decodeFooter, encodeFooter, FOOTER_BYTES } from '@arena-level/common/table/table-format';
import { type EngineError, ErrorCode } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import {
  putTogether,
  type TableParts,
  takeApart,
} from '../../packages/worker-flush/src/table-parts.test-support.ts';
import {
  dataBlock,
  handlesOf,
  internal,
  KEYS,
  openWith,
  type Reads,
  readAll,
  SOUND,
  seal,
  TABLE,
  valueFor,
} from './lying-tables.ts';
import { sampleStore } from './sample-store.ts';

const sample = await sampleStore('none');
const LINES = KEYS.map((key) => `${key}=${valueFor(key)}`);
const FILTER = 'filter.leveldb.BuiltinBloomFilter2';
const MERKLE = 'arena.merkle.v1';

interface Outcome extends Reads {
  readonly problems: readonly string[];
}

async function outcomeOf(table: Uint8Array, stated?: Parameters<typeof openWith>[2]): Promise<Outcome> {
  const store = await openWith(sample, table, stated);
  const reads = readAll(store);
  const { differing } = await store.verify();
  await store.close();
  return { ...reads, problems: differing.flatMap(({ problems }) => problems) };
}

/** No read gave anything that is not in the sound table, or out of its place. */
function expectNothingWrong({ found, forwards, backwards, errors }: Outcome): void {
  for (const [key, value] of found) expect(value, key).toBe(valueFor(key));
  expect(forwards).toEqual(LINES.slice(0, forwards.length));
  expect(backwards).toEqual(LINES.toReversed().slice(0, backwards.length));
  for (const { code, file, offset } of errors as EngineError[]) {
    expect([code, file]).toEqual([ErrorCode.Corruption, TABLE]);
    expect(offset).toBeGreaterThanOrEqual(0);
  }
}

async function expectRefused(
  table: Uint8Array,
  what: RegExp,
  stated?: Parameters<typeof openWith>[2],
): Promise<void> {
  const outcome = await outcomeOf(table, stated);
  expectNothingWrong(outcome);
  // Both scans come to the lie, one from each side.
  expect(outcome.errors.length).toBeGreaterThanOrEqual(2);
  expect(outcome.errors.map(({ message }) => message)).toContainEqual(expect.stringMatching(what));
  expect(outcome.problems.length).toBeGreaterThan(0);
  for (const problem of outcome.problems) expect(problem).toContain(TABLE);
}

async function expectReadRight(table: Uint8Array, what: RegExp): Promise<void> {
  const outcome = await outcomeOf(table);
  expectNothingWrong(outcome);
  expect(outcome.errors).toEqual([]);
  expect(outcome.forwards).toEqual(LINES);
  expect(outcome.found.size).toBe(KEYS.length);
  expect(outcome.problems).toContainEqual(expect.stringMatching(what));
}

/** The sound table with other parts. */
function withParts(change: (parts: TableParts) => void): Uint8Array<ArrayBuffer> {
  const parts = takeApart(SOUND);
  change(parts);
  return putTogether(parts);
}

const withBlock = (block: number, contents: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  withParts(({ data }) => {
    data[block] = { ...data[block]!, contents };
  });

/** The sound table with the contents of its second block changed in place. */
function withChanged(change: (contents: Uint8Array<ArrayBuffer>) => void): Uint8Array<ArrayBuffer> {
  const contents = takeApart(SOUND).data[1]!.contents.slice();
  change(contents);
  return withBlock(1, contents);
}

/** The sound table with a second block that is stored as this snappy stream. */
function withStream(stream: readonly number[]): Uint8Array<ArrayBuffer> {
  const table = withBlock(1, Uint8Array.from(stream));
  const { offset, size } = handlesOf(table).data[1]!;
  seal(table, { offset, size }, 1);
  return table;
}

test('the table that the lies are told about is sound, taken apart and put together', async () => {
  for (const table of [SOUND, putTogether(takeApart(SOUND))]) {
    const outcome = await outcomeOf(table);
    expectNothingWrong(outcome);
    expect(outcome.forwards).toEqual(LINES);
    expect(outcome).toMatchObject({ errors: [], problems: [] });
  }
  expect(takeApart(SOUND).data.length).toBe(4);
});

describe('a data block is refused, whoever reads it,', () => {
  test.each<{ id: string; contents: Uint8Array<ArrayBuffer>; what: RegExp }>([
    {
      id: 'with keys out of order',
      contents: dataBlock('k04', 'k03', 'k05'),
      what: /sort after the entry before/,
    },
    { id: 'with a key twice', contents: dataBlock('k03', 'k03', 'k05'), what: /sort after the entry before/ },
    {
      id: 'with versions out of order',
      contents: dataBlock('k03', internal('k04', 8), internal('k04', 9), 'k05'),
      what: /sort after the entry before/,
    },
    {
      id: 'with keys of the block before',
      contents: dataBlock('k01', 'k04', 'k05'),
      what: /index key of the block before/,
    },
    {
      id: 'with keys of the block behind',
      contents: dataBlock('k03', 'k04', 'k07'),
      what: /sorts before its last entry/,
    },
    { id: 'with an unknown kind', contents: dataBlock('k03', internal('k04', 9, 2)), what: /unknown kind 2/ },
    {
      id: 'with a key shorter than a trailer',
      contents: dataBlock(new Uint8Array(7)),
      what: /shorter than its trailer/,
    },
    { id: 'without entries', contents: dataBlock(), what: /no entries/ },
    { id: 'of no bytes', contents: new Uint8Array(0), what: /no restart points/ },
    { id: 'with zero restart points', contents: new Uint8Array(8), what: /states 0 restart points/ },
    {
      id: 'with 2^32 - 1 restart points',
      contents: new Uint8Array(12).fill(0xff),
      what: /states 4294967295 restart points/,
    },
  ])('$id', async ({ contents, what }) => {
    await expectRefused(withBlock(1, contents), what);
  });

  test.each<{ id: string; change: (contents: Uint8Array<ArrayBuffer>) => void; what: RegExp }>([
    { id: 'shares bytes with nothing', change: (c) => c.set([3]), what: /lengths that do not fit/ },
    {
      id: 'has a key that leads out of the block',
      change: (c) => c.set([0, 0xff, 0xff, 0x03]),
      what: /lengths that do not fit/,
    },
    {
      id: 'has a value of 4 GiB',
      change: (c) => c.set([0, 11, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      what: /lengths that do not fit/,
    },
    {
      id: 'has a length without end',
      change: (c) => c.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      what: /cut off/,
    },
  ])('whose first entry $id', async ({ change, what }) => {
    await expectRefused(withChanged(change), what);
  });

  test.each<{ id: string; at: number; value: number; what: RegExp }>([
    { id: 'the first not at the start', at: 0, value: 1, what: /first restart point/ },
    { id: 'one behind the block', at: 4, value: 1_000_000, what: /out of place/ },
    { id: 'one inside an entry', at: 4, value: 5, what: /not the start of an entry/ },
    { id: 'two the same', at: 4, value: 0, what: /out of place/ },
  ])('with restart points, $id', async ({ at, value, what }) => {
    const contents = dataBlock('k03', 'k04', 'k05');
    // Three offsets and their count stand at the end.
    writeU32LE(contents, contents.length - 16 + at, value);
    await expectRefused(withBlock(1, contents), what);
  });

  test('with a sequence number above 2^53 - 1: that is another implementation, not damage', async () => {
    const beyond = internal('k04');
    beyond[beyond.length - 1] = 0x20;
    const { errors, found, problems } = await outcomeOf(withBlock(1, dataBlock('k03', beyond, 'k05')));
    expect(new Set(errors.map(({ code, file }) => `${code} ${file}`))).toEqual(
      new Set([`${ErrorCode.NotSupported} ${TABLE}`]),
    );
    expect(found.get('k00')).toBe(valueFor('k00'));
    expect(found.has('k04')).toBe(false);
    expect(problems).toContainEqual(expect.stringMatching(/2\^53/));
  });
});

describe('a snappy stream is refused', () => {
  const claim = (length: number): number[] => {
    const target = new Uint8Array(5);
    return [...target.subarray(0, encodeVarint32(target, 0, length))];
  };
  test.each<{ id: string; stream: readonly number[] }>([
    { id: 'of no bytes', stream: [] },
    { id: 'that claims 1 GiB in a few bytes', stream: [...claim(2 ** 30), 0, 97, 0xfe, 1, 0] },
    { id: 'that claims 4 GiB', stream: [...claim(2 ** 32 - 1), 0, 97] },
    { id: 'that ends early', stream: [...claim(20), 0x0c, 97, 98, 99, 100] },
    { id: 'that ends inside a literal', stream: [...claim(10), 0x24, 97, 98] },
    { id: 'that writes beyond its length', stream: [...claim(2), 0x0c, 97, 98, 99, 100] },
    { id: 'that copies beyond its length', stream: [...claim(3), 0, 97, 0xfe, 1, 0] },
    { id: 'that copies from before its start', stream: [...claim(8), 0, 97, 0x0e, 9, 0] },
    { id: 'that copies from where it stands', stream: [...claim(5), 0, 97, 0x0e, 0, 0] },
  ])('$id', async ({ stream }) => {
    await expectRefused(withStream(stream), /compressed block is malformed/);
  });
});

describe('an index is refused', () => {
  test('that lists a block twice', async () => {
    const { data } = handlesOf(SOUND);
    const table = withParts((parts) => {
      parts.moveHandle = (handle, block) => (block === 1 ? data[0]! : handle);
    });
    await expectRefused(table, /does not stand behind the one before/);
  });

  test('whose keys are out of order', async () => {
    const table = withParts(({ data }) => {
      const [first, second] = [data[0]!, data[1]!];
      data[0] = { ...first, separator: second.separator };
      data[1] = { ...second, separator: first.separator };
    });
    await expectRefused(table, /index does not ascend/);
  });

  test('whose blocks are out of order', async () => {
    const table = withParts(({ data }) => {
      const [first, second] = [data[0]!, data[1]!];
      data[0] = { ...second, separator: first.separator };
      data[1] = { ...first, separator: second.separator };
    });
    await expectRefused(table, /index key of the block|sorts before its last entry/);
  });

  test('that leaves a block out', async () => {
    const { found, forwards, errors, problems } = await outcomeOf(
      withParts(({ data }) => void data.splice(1, 1)),
    );
    // Nothing in the other blocks says so: what is left reads well, and verify knows the number of blocks.
    expect(errors).toEqual([]);
    expect(found.get('k04')).toBeUndefined();
    expect(forwards).toHaveLength(9);
    expect(problems).toContainEqual(expect.stringMatching(/states 4 data blocks, the index 3/));
  });

  test.each([
    { id: 'beyond the file', handle: { offset: 0, size: 100_000 } },
    { id: 'of 8 PiB', handle: { offset: 0, size: Number.MAX_SAFE_INTEGER } },
    { id: 'at 8 PiB', handle: { offset: Number.MAX_SAFE_INTEGER, size: 1 } },
    { id: 'that runs into the footer', handle: { offset: 0, size: SOUND.length - 45 } },
  ])('with a block $id', async ({ handle }) => {
    const table = withParts((parts) => {
      parts.moveHandle = (sound, block) => (block === 3 ? handle : sound);
    });
    await expectRefused(table, /out of bounds/);
  });
});

describe('a footer is refused', () => {
  test.each(['metaindex', 'index'] as const)(
    'whose %s handle leads into the footer or out of the file',
    async (which) => {
      for (const handle of [
        { offset: SOUND.length - 60, size: 20 },
        { offset: 0, size: SOUND.length },
        { offset: 2 ** 50, size: 1 },
      ]) {
        const table = SOUND.slice();
        const footer = decodeFooter(table.subarray(-FOOTER_BYTES), TABLE, table.length);
        encodeFooter(table, table.length - FOOTER_BYTES, { ...footer, [which]: handle });
        await expectRefused(table, /out of bounds/);
      }
    },
  );

  test('whose handles are exchanged', async () => {
    const table = SOUND.slice();
    const { metaindex, index } = decodeFooter(table.subarray(-FOOTER_BYTES), TABLE, table.length);
    encodeFooter(table, table.length - FOOTER_BYTES, { metaindex: index, index: metaindex });
    await expectRefused(table, /./);
  });
});

describe('a meta block', () => {
  test.each<{ id: string; contents: Uint8Array<ArrayBuffer> }>([
    { id: 'nothing', contents: new Uint8Array(0) },
    { id: 'ones', contents: new Uint8Array(60).fill(0xff) },
    { id: 'an array beyond its end', contents: Uint8Array.from([1, 2, 3, 0xff, 0xff, 0xff, 0x7f, 11]) },
    { id: 'windows of 2^255 bytes', contents: Uint8Array.from([0, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 255]) },
  ])('with the filter, full of $id, changes no answer', async ({ contents }) => {
    const table = withParts(({ meta }) => void meta.set(FILTER, contents));
    const outcome = await outcomeOf(table);
    expectNothingWrong(outcome);
    expect(outcome.errors).toEqual([]);
    expect(outcome.forwards).toEqual(LINES);
  });

  test('with a filter that denies the keys of the table is found by verify', async () => {
    const denying = Uint8Array.from([...new Uint8Array(8), 6, 0, 0, 0, 0, 9, 0, 0, 0, 11]);
    const { forwards, problems } = await outcomeOf(withParts(({ meta }) => void meta.set(FILTER, denying)));
    expect(forwards).toEqual(LINES);
    expect(problems).toContainEqual(expect.stringMatching(/filter says is absent/));
  });

  test.each<{ id: string; contents: Uint8Array<ArrayBuffer>; what: RegExp }>([
    { id: 'nothing', contents: new Uint8Array(0), what: /shorter than its header/ },
    { id: 'ones', contents: new Uint8Array(72).fill(0xff), what: /states .* leaves/ },
    {
      id: '2^53 leaves',
      contents: Uint8Array.from([0, 0x20, 0, 0, 0, 0, 0, 0, ...new Uint8Array(32)]),
      what: /states .* leaves/,
    },
    {
      id: 'leaves of another root',
      contents: Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 1, ...new Uint8Array(64)]),
      what: /not the root of its leaves/,
    },
  ])(
    'with the Merkle tree, full of $id, changes no read, and verify finds it',
    async ({ contents, what }) => {
      await expectReadRight(
        withParts(({ meta }) => void meta.set(MERKLE, contents)),
        what,
      );
    },
  );

  test('named twice is refused', async () => {
    const table = withParts(({ meta }) => void meta.set('arena.merkle.v2', meta.get(MERKLE)!));
    const { metaindex } = handlesOf(table);
    const at = Buffer.from(table).indexOf('arena.merkle.v2', metaindex.offset);
    table[at + 14] = '1'.charCodeAt(0);
    seal(table, metaindex, 0);
    await expectRefused(table, /twice/);
  });

  test('of an unknown name, as long as the table, is stepped over', async () => {
    const table = withParts(({ meta }) => void meta.set('z'.repeat(50_000), new Uint8Array(3)));
    const outcome = await outcomeOf(table);
    expectNothingWrong(outcome);
    expect(outcome).toMatchObject({ errors: [], problems: [] });
  });
});

describe('a table whose keys are not those that the manifest states', () => {
  test.each([
    {
      id: 'begins too early',
      stated: { smallest: internal('k01') },
      what: /smallest key that the manifest states/,
    },
    {
      id: 'ends too late',
      stated: { largest: internal('k10') },
      what: /largest key that the manifest states/,
    },
  ])('is refused where it $id', async ({ stated, what }) => {
    const { errors, problems, forwards, backwards } = await outcomeOf(SOUND, stated);
    expect(errors.map(({ message }) => message)).toContainEqual(expect.stringMatching(what));
    for (const error of errors) expect(error).toMatchObject({ code: ErrorCode.Corruption, file: TABLE });
    expect(forwards.length + backwards.length).toBeLessThan(2 * KEYS.length);
    expect(problems).toContainEqual(expect.stringMatching(/the manifest states/));
  });

  test('reads well where the manifest states more than there is, and verify finds it', async () => {
    const outcome = await outcomeOf(SOUND, { smallest: internal('a'), largest: internal('z') });
    expectNothingWrong(outcome);
    expect(outcome.errors).toEqual([]);
    expect(outcome.problems).toHaveLength(2);
  });
});
