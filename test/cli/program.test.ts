/** The program as a process: pipes that close, Ctrl-C, exit codes, and what reaches a file or a terminal. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { open } from 'arena-level/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';
import { pictureOf } from './directory-picture.ts';

const run = promisify(execFile);
let program: string;
beforeAll(async () => {
  program = await bundleForNode(new URL('../../packages/engine/src/cli/main.ts', import.meta.url));
});

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

/** Tables with as many entries as it takes to be at it for a while. */
async function largeStore(directory: string, tables: number, entries: number): Promise<void> {
  const store = await open(directory, { flush: 'inline', autoCompaction: false });
  const value = bytes('v'.repeat(200));
  for (let table = 0; table < tables; table++) {
    for (let from = 0; from < entries; from += 500) {
      await store.batch(
        Array.from({ length: 500 }, (_, i) => ({ type: 'put' as const, key: key(from + i), value })),
      );
    }
    await store.flush();
  }
  await store.close();
}

async function expectSound(directory: string): Promise<number> {
  const store = await open(directory, { createIfMissing: false, flush: 'inline' });
  expect(store.recovery.damage).toEqual([]);
  expect((await store.verify()).differing).toEqual([]);
  let count = 0;
  for await (const _ of store.iterator({ values: false })) count++;
  await store.close();
  return count;
}

describe('a pipe that closes', () => {
  test.each([
    ['scan', 'scan'],
    ['scan --json', 'scan --json'],
  ])('ends a %s quietly, with exit code 0', async (_, line) => {
    const directory = temporaryDirectory();
    await largeStore(directory, 1, 20_000);
    const [name, ...flags] = line.split(' ');
    const before = pictureOf(directory);
    const shell = spawn(
      'bash',
      [
        '-c',
        '"$@" | head -1; echo "$PIPESTATUS"',
        'bash',
        process.execPath,
        program,
        name!,
        directory,
        ...flags,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const { stdout, stderr } = await ended(shell);
    expect(stdout.split('\n').slice(1)).toEqual(['0', '']);
    expect(stdout).toMatch(/^(k000000\tv+|\{"key":"k000000","value":"v+"\})\n/);
    expect(stderr).toBe('');
    expect(pictureOf(directory)).toEqual(before);
  });

  test('ends a dump, too', async () => {
    const directory = temporaryDirectory();
    await largeStore(directory, 1, 20_000);
    const table = pictureOf(directory)
      .find((line) => line.includes('.ldb'))!
      .split(' ')[0]!;
    const child = start('dump', 'table', join(directory, table), '--entries', '--json');
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    expect(await text(child.stderr!)).toBe('');
  });
});

/** Ctrl-C as soon as there is `sign` of its work. */
async function interrupted(child: ChildProcess, sign: () => boolean): Promise<Ended> {
  const end = ended(child);
  while (!sign() && child.exitCode === null) await new Promise(setImmediate);
  expect(child.exitCode, 'it had ended before').toBeNull();
  child.kill('SIGINT');
  return await end;
}

const tables = (directory: string): number =>
  existsSync(directory) ? readdirSync(directory).filter((name) => /\.(ldb|dbtmp)$/.test(name)).length : 0;

describe('Ctrl-C', () => {
  test('while it ingests stores what was read, and leaves a sound store', async () => {
    const directory = join(temporaryDirectory(), 'db');
    const child = start(
      'ingest',
      '-',
      '--format',
      'ndjson',
      '--key',
      'id',
      '--db',
      directory,
      '--write-buffer',
      '1',
    );
    child.stdin!.on('error', () => {});
    for (let id = 0; id < 20_000; id++) child.stdin!.write(`{"id":"${id}","text":"${'x'.repeat(100)}"}\n`);
    const { code, stdout, stderr } = await interrupted(child, () => tables(directory) > 0);
    expect([code, stderr]).toEqual([130, '']);
    const stored = /^Interrupted: stored ([\d,]+) records /.exec(stdout)![1]!;
    expect(await expectSound(directory)).toBe(Number(stored.replaceAll(',', '')));
  });

  test(
    'while it compacts keeps what is done, and leaves a sound store',
    async () => {
      const directory = temporaryDirectory();
      await largeStore(directory, 3, 30_000);
      const child = start('compact', directory);
      const { code, stdout, stderr } = await interrupted(child, () =>
        readdirSync(directory).some((name) => name.endsWith('.dbtmp')),
      );
      expect([code, stdout]).toEqual([130, '']);
      expect(stderr).toMatch(/^arena-level: interrupted: the compaction was aborted; [^\n]*\n$/);
      expect(await expectSound(directory)).toBe(30_000);
    },
    LONG_TEST_MS,
  );

  test(
    'while it verifies ends it, and changes nothing',
    async () => {
      const directory = temporaryDirectory();
      await largeStore(directory, 6, 20_000);
      const before = pictureOf(directory);
      const child = start('verify', directory);
      // A signal that comes before the handler is there would end it in another way.
      const isReading = async (): Promise<boolean> => {
        const { stdout } = await run('sh', ['-c', `ls -l /proc/${child.pid}/fd || true`]);
        return stdout.includes('.ldb');
      };
      while (!(await isReading()) && child.exitCode === null);
      const { code, stdout, stderr } = await interrupted(child, () => true);
      expect([code, stdout]).toEqual([130, '']);
      expect(stderr).toBe('arena-level: interrupted: the verification was aborted\n');
      expect(pictureOf(directory)).toEqual(before);
      expect(await expectSound(directory)).toBe(20_000);
    },
    LONG_TEST_MS,
  );
});

describe('what goes where', () => {
  test('binary keys and values survive a round trip through files', async () => {
    const directory = join(temporaryDirectory(), 'db');
    const file = join(temporaryDirectory(), 'value');
    const value = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    writeFileSync(file, value);
    await run(process.execPath, [program, 'put', directory, '\\x00\\xff\\n', '--from', file, '--create']);
    const { stdout } = await run(
      process.execPath,
      [program, 'get', directory, '00ff0a', '--key-encoding', 'hex', '--raw'],
      { encoding: 'buffer' },
    );
    expect(stdout).toEqual(value);
    const scanned = (await run(process.execPath, [program, 'scan', directory])).stdout;
    expect(scanned).toMatch(/^[\x20-\x7e]+\t[\x20-\x7e]+\n$/);
    const [keyText, valueText] = scanned.trimEnd().split('\t');
    await run(process.execPath, [program, 'put', directory, 'copy', valueText!]);
    await run(process.execPath, [program, 'del', directory, keyText!]);
    const hex = await run(process.execPath, [program, 'scan', directory, '--encoding', 'hex']);
    expect(hex.stdout).toBe(`${Buffer.from('copy').toString('hex')}\t${value.toString('hex')}\n`);
  });

  test('no progress is drawn where nobody sees it', async () => {
    const directory = temporaryDirectory();
    await largeStore(directory, 1, 1000);
    for (const line of [
      ['count', directory],
      ['verify', directory],
      ['doctor', directory],
      ['compact', directory],
    ]) {
      expect(await ended(start(...line))).toMatchObject({ code: 0, stderr: '' });
    }
  });

  test.runIf(process.platform === 'linux')(
    'on a terminal progress is drawn, and binary values are refused',
    async () => {
      const directory = temporaryDirectory();
      await largeStore(directory, 1, 1000);
      const store = await open(directory, { flush: 'inline' });
      await store.put(bytes('binary'), bytes('\xff'));
      await store.close();
      const onTerminal = (...args: string[]): Promise<Ended> =>
        ended(
          spawn('script', ['-qec', [process.execPath, program, ...args].join(' '), '/dev/null'], {
            stdio: 'pipe',
          }),
        );
      const verified = await onTerminal('verify', directory);
      expect(verified.code).toBe(0);
      expect(verified.stdout).toMatch(/\[> {19}\] {4}0 % {2}0 of \d+ tables?/);
      expect(verified.stdout).toContain('Sound: ');
      const raw = await onTerminal('get', directory, 'binary', '--raw');
      expect(raw.code).toBe(1);
      expect(raw.stdout).toContain('the value of binary is not text');
    },
  );
});
