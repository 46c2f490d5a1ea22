/** What else the doctor finds, and what it refuses. */
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diagnose, ErrorCode, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { GOLDEN_STORES, restoreGolden } from '../interop/golden-stores.ts';
import { Opener } from '../lock/opener.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';

async function storeWith(directory: string): Promise<void> {
  const store = await open(directory, { flush: 'inline' });
  for (let i = 0; i < 100; i++) await store.put(key(i), bytes('value'));
  await store.flush();
  for (let i = 0; i < 100; i++) await store.put(key(i), bytes('newer'));
  await store.close();
}

const only = (directory: string, pattern: RegExp): string => {
  const found = readdirSync(directory).filter((name) => pattern.test(name));
  expect(found).toHaveLength(1);
  return found[0]!;
};

function flip(path: string, at: number): void {
  const contents = readFileSync(path);
  contents[at]! ^= 0x40;
  writeFileSync(path, contents);
}

describe('the doctor finds', () => {
  test.each<[string, (directory: string) => void, [string, string, RegExp, RegExp]]>([
    [
      'a missing CURRENT',
      (directory) => rmSync(join(directory, 'CURRENT')),
      ['problem', 'damage', /^CURRENT$/, /it is missing/],
    ],
    [
      'a damaged CURRENT',
      (directory) => writeFileSync(join(directory, 'CURRENT'), 'MANIFEST-one\n'),
      ['problem', 'damage', /^CURRENT$/, /does not name a manifest/],
    ],
    [
      'a damaged manifest',
      (directory) => flip(join(directory, only(directory, /^MANIFEST/)), 20),
      ['problem', 'damage', /^MANIFEST-\d+$/, /checksum/],
    ],
    [
      'a missing table',
      (directory) => rmSync(join(directory, only(directory, /\.ldb$/))),
      ['problem', 'missing-file', /\.ldb$/, /it is missing/],
    ],
    [
      'a table that is cut',
      (directory) => truncateSync(join(directory, only(directory, /\.ldb$/)), 100),
      ['problem', 'missing-file', /\.ldb$/, /has 100 bytes, and the manifest states \d+/],
    ],
    [
      'a damaged table',
      (directory) => flip(join(directory, only(directory, /\.ldb$/)), 200),
      ['problem', 'damage', /\.ldb$/, /checksum mismatch/],
    ],
    [
      'a missing journal',
      (directory) => rmSync(join(directory, only(directory, /\.log$/))),
      ['problem', 'missing-file', /\.log$/, /it is missing/],
    ],
    [
      'a damaged journal',
      (directory) => flip(join(directory, only(directory, /\.log$/)), 60),
      ['problem', 'damage', /\.log$/, /at offset \d+, and no crash explains it/],
    ],
    [
      'a torn journal',
      (directory) => truncateSync(join(directory, only(directory, /\.log$/)), 100),
      ['notice', 'torn-journal', /\.log$/, /as a crash of the machine leaves it/],
    ],
    [
      'a table that was being written',
      (directory) => writeFileSync(join(directory, '000777.dbtmp'), 'half'),
      ['notice', 'leftover', /^000777\.dbtmp$/, /was being written/],
    ],
    [
      'a manifest that was replaced',
      (directory) =>
        cpSync(join(directory, only(directory, /^MANIFEST/)), join(directory, 'MANIFEST-000000')),
      ['notice', 'leftover', /^MANIFEST-000000$/, /was replaced by MANIFEST-\d+/],
    ],
    [
      'what was set aside',
      (directory) => {
        cpSync(join(directory, only(directory, /\.log$/)), join(directory, 'lost', '000001.log'));
      },
      ['notice', 'set-aside', /^lost\/$/, /000001\.log/],
    ],
  ])('%s', async (_, damage, [severity, kind, file, words]) => {
    const directory = temporaryDirectory();
    await storeWith(directory);
    damage(directory);
    const { findings } = await diagnose(directory);
    const matching = findings.filter((one) => one.kind === kind && one.severity === severity);
    expect(findings.map((one) => one.kind)).toContain(kind);
    expect(matching[0]!.file).toMatch(file);
    expect(matching[0]!.words).toMatch(words);
    expect(matching[0]!.whatToDo).not.toBe('');
    // The worst comes first.
    expect(findings[0]!.severity).toBe(severity);
  });

  test.each(GOLDEN_STORES)('nothing lost in %s, as LevelDB or goleveldb left it', async (name) => {
    const { directory } = await restoreGolden(name);
    const { findings } = await diagnose(directory);
    expect(findings.filter(({ severity }) => severity === 'problem')).toEqual([]);
  });

  test.runIf(process.platform === 'linux')('who has a store open, LevelDB included', async () => {
    for (const [open, holder] of [
      ['open', /^process \d+, thread 0, on .*, since \d{4}-/],
      ['open-classic', /process/],
    ] as const) {
      const directory = temporaryDirectory();
      const opener = await Opener.start('process', true);
      expect(await opener.ask(open, directory)).toMatchObject({ outcome: 'done' });
      const diagnosis = await diagnose(directory, { waitMs: 0 });
      expect(diagnosis.holder).toMatch(holder);
      expect(diagnosis.findings).toEqual([]);
      await opener.kill();
      expect((await diagnose(directory)).holder).toBeUndefined();
    }
  });

  test('of a store that is open only what stays', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, { flush: 'inline' });
    for (let i = 0; i < 100; i++) await store.put(key(i), bytes('value'));
    const passing = join(directory, '000500.log');
    const staying = join(directory, '000400.ldb');
    const journal = only(directory, /\.log$/);
    cpSync(join(directory, journal), passing);
    await store.flush();
    cpSync(join(directory, only(directory, /\.ldb$/)), staying);
    renameSync(passing, join(directory, '000002.log'));
    const clock = new ManualClock();
    const looking = diagnose(directory, { waitMs: 5000 }, { clock });
    while (clock.pendingTimers === 0) await new Promise(setImmediate);
    expect(clock.alive).toBe(1);
    rmSync(join(directory, '000002.log'));
    clock.advance(5000);
    expect((await looking).findings).toMatchObject([
      { kind: 'version-not-committed', severity: 'warning', file: '000400.ldb' },
    ]);
    expect(clock.alive).toBe(0);
    await store.close();
  });
});

describe('the doctor refuses', () => {
  test('what is no store', async () => {
    const directory = temporaryDirectory();
    const missing = { code: ErrorCode.StoreMissing };
    await expect(diagnose(join(directory, 'nothing'))).rejects.toMatchObject(missing);
    await expect(diagnose(directory)).rejects.toMatchObject(missing);
    writeFileSync(join(directory, 'LOG'), 'of some program');
    await expect(diagnose(directory)).rejects.toMatchObject(missing);
    await expect(diagnose(join(directory, 'LOG'))).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
  });

  test('options that are none, and goes on no further when it is told to stop', async () => {
    const directory = temporaryDirectory();
    await storeWith(directory);
    const invalid = { code: ErrorCode.InvalidArgument };
    for (const options of [
      { quick: 1 },
      { waitMs: -1 },
      { signal: 'x' },
      { fast: true },
      { onProgress: 1 },
    ]) {
      await expect(diagnose(directory, options as object)).rejects.toMatchObject(invalid);
    }
    await expect(diagnose(directory, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: ErrorCode.Aborted,
    });
    const reports: object[] = [];
    const { tables } = await diagnose(directory, { onProgress: (progress) => reports.push(progress) });
    expect(reports).toEqual([
      { bytesDone: 0, bytesTotal: tables.bytes },
      { bytesDone: tables.bytes, bytesTotal: tables.bytes },
    ]);
  });
});
