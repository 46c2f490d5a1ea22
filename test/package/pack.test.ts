import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { CONSUMER_ENV, FOLDERS, PACKAGES, PackedWorkspace, ROOT, run, runWell } from './packed-workspace.ts';

vi.setConfig({ testTimeout: LONG_TEST_MS, hookTimeout: LONG_TEST_MS });

const workspace = new PackedWorkspace();
beforeAll(() => workspace.pack());
afterAll(() => workspace.remove());

describe.each(FOLDERS)('the tarball of packages/%s', (folder) => {
  test('has the compiled code, its types and sources, licence and readme, and nothing else', async () => {
    const files = await workspace.files(folder);
    expect(files).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'README.md']));
    const foreign = files.filter(
      (path) => !/^(package\.json|LICENSE|README\.md|CHANGELOG\.md|(dist|src|bin)\/.+)$/.test(path),
    );
    expect(foreign).toEqual([]);
    expect(files.filter((path) => path.startsWith('dist/') && path.endsWith('.d.ts')).length).toBeGreaterThan(
      2,
    );
  });

  test('has neither tests nor build state', async () => {
    const files = await workspace.files(folder);
    expect(files.filter((path) => /\.(test|test-support)\.|tsbuildinfo|node_modules/.test(path))).toEqual([]);
  });

  test('has the source behind every source map', async () => {
    const files = new Set(await workspace.files(folder));
    const maps = [...files].filter((path) => /^dist\/.*\.js\.map$/.test(path));
    expect(maps.length).toBeGreaterThan(0);
    const missing = maps.filter((path) => !files.has(path.replace(/^dist\/(.*)\.js\.map$/, 'src/$1.ts')));
    expect(missing).toEqual([]);
  });

  test('depends on released versions, not on the workspace', async () => {
    const manifest = await workspace.manifest(folder);
    expect(manifest).toMatchObject({
      name: PACKAGES[folder],
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    expect(JSON.stringify(manifest)).not.toContain('workspace:');
  });
});

test.each(FOLDERS)('publint and attw find nothing to say about packages/%s', async (folder) => {
  const tarball = workspace.tarballs[folder];
  const tool = (name: string): string => join(ROOT, 'test/node_modules/.bin', name);
  expect(await run(tool('publint'), ['run', tarball, '--strict'], ROOT)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('All good!'),
  });
  // Every entry has types and code; Node 10 and `require` are not served.
  const types = await run(tool('attw'), [tarball, '--profile', 'esm-only', '--format', 'ascii'], ROOT);
  expect(types).toMatchObject({ code: 0, stdout: expect.stringContaining(`"${PACKAGES[folder]}/`) });
});

test('the worker package brings the bundled worker, and the engine its program', async () => {
  expect(await workspace.files('worker-flush')).toContain('dist/flush.worker.mjs');
  expect(await workspace.files('engine')).toEqual(
    expect.arrayContaining(['bin/arena-level.js', 'dist/cli/main.js', 'dist/engine.js', 'dist/index.js']),
  );
});

/** What an installed package must be able to do, in an ES module of the consumer's. */
const PROGRAM = `
import assert from 'node:assert/strict';
import { ArenaLevel } from 'arena-level';
import { open } from 'arena-level/engine';
import { crc32cImplementation } from '@arena-level/common/bytes/crc32c';

const key = (i) => Buffer.from(String(i).padStart(6, '0'));
const value = (i) => Buffer.alloc(1000, 'value ' + i + ' ');
const built = [];
let store = await open('db', { writeBufferSize: 1 << 20, maxFileSize: 1 << 20, autoCompaction: false });
store.on('flush-started', ({ where }) => built.push(where));
for (let i = 0; i < 4000; i += 100) {
  await store.batch(Array.from({ length: 100 }, (_, j) => ({ type: 'put', key: key(i + j), value: value(i + j) })));
}
await store.flush();
assert.ok(store.stats().levels[0].tables >= 4, 'several tables');
await store.compactRange();
assert.equal(store.stats().levels[0].tables, 0);
const before = await store.masterRoot();
assert.deepEqual([...new Set(built)], ['worker']);
assert.ok(before.tables >= 2, 'tables were cut');
await store.close();

store = await open('db', { createIfMissing: false });
for (let i = 0; i < 4000; i++) assert.deepEqual(Buffer.from(await store.get(key(i))), value(i));
assert.deepEqual(await store.masterRoot(), before);
assert.deepEqual((await store.verify()).differing, []);
const { keyStream } = await import('arena-level/streams');
assert.equal((await keyStream(store).toArray()).length, 4000);
const { collect } = await import('arena-level/prometheus');
assert.throws(() => collect(store), { code: 'LEVEL_NOT_SUPPORTED', message: /npm install prom-client/ });
await store.close();

const db = new ArenaLevel('db', { valueEncoding: 'buffer' });
assert.deepEqual(await db.get('000000'), value(0));
assert.equal((await db.keys().all()).length, 4000);
await db.close();
console.log(JSON.stringify({ crc32c: crc32cImplementation, flushes: built.length }));
`;

/** CommonJS packages in an ES module bundle ask for Node's own modules by it. */
const REQUIRE_IN_ESM =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

/** Works in either format: what `open` refuses when it is not told where the worker is must name the option. */
const BUNDLED_PROGRAM = `
import { open } from 'arena-level/engine';

async function flushedWhere(location, options) {
  const where = [];
  const store = await open(location, options);
  store.on('flush-started', (flush) => where.push(flush.where));
  await store.put(Buffer.from('k'), Buffer.from('v'));
  await store.flush();
  await store.close();
  return where;
}

async function main() {
  const name = 'db-' + process.argv[1].slice(-3);
  const worker = await flushedWhere(name, { workerUrl: WORKER_URL });
  const inline = await flushedWhere(name, { flush: 'inline' });
  const refused = await open(name).then(() => 'opened', (error) => /workerUrl/.test(error.message) && error.code);
  console.log(JSON.stringify({ worker, inline, refused }));
}
main();
`;

describe.each([
  { name: 'with optional packages', options: [] as string[] },
  { name: 'without optional packages', options: ['--omit=optional'] },
])('installed $name', ({ name, options }) => {
  let project: string;
  beforeAll(async () => {
    project = await workspace.install(name.replaceAll(' ', '-'), ...options);
  });

  test('opens, writes, flushes in a worker, reads back and verifies', async () => {
    writeFileSync(join(project, 'program.js'), PROGRAM);
    const result = JSON.parse(await runWell(process.execPath, ['program.js'], project)) as {
      crc32c: string;
      flushes: number;
    };
    const native = existsSync(join(project, 'node_modules/@node-rs/crc32'));
    expect(native).toBe(options.length === 0);
    expect(result.crc32c).toBe(native ? 'native' : 'javascript');
    expect(result.flushes).toBeGreaterThanOrEqual(4);
  });

  test('has types that compile strictly, those of its dependencies checked too', async () => {
    writeFileSync(
      join(project, 'consumer.ts'),
      `import { ArenaLevel } from 'arena-level';
       import { type MasterRoot, type OpenOptions, open, type Store } from 'arena-level/engine';
       const options: OpenOptions = { writeBufferSize: 1 << 20, flush: 'worker' };
       const store: Store = await open('db', options);
       const value: Uint8Array | undefined = await store.get(new Uint8Array(1));
       const root: MasterRoot = await store.masterRoot();
       store.on('flush-started', (event) => event.where satisfies 'worker' | 'inline' | 'commit');
       const db = new ArenaLevel<string, { readonly name: string }>('level', { valueEncoding: 'json' });
       const name: string | undefined = (await db.get('a'))?.name;
       db.on('stall-begin', ({ reason }) => reason satisfies string);
       export { name, root, value };`,
    );
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const types = join(ROOT, 'node_modules/@types');
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--types',
      'node',
      '--typeRoots',
      types,
    ];
    const lib = ['--lib', 'es2023,esnext.disposable,es2024.sharedmemory,es2024.arraybuffer'];
    const { code, stdout } = await run(
      process.execPath,
      [compiler, ...flags, ...lib, 'consumer.ts'],
      project,
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  test('has a program that runs by its name', async () => {
    expect(await runWell('npx', ['--no-install', 'arena-level', '--help'], project)).toContain(
      'Usage: arena-level',
    );
    const wrong = await run('npx', ['--no-install', 'arena-level', 'eat'], project);
    expect({ code: wrong.code, stdout: wrong.stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('an application bundled by esbuild', () => {
  const project = (): string => join(workspace.folder, 'with-optional-packages');

  /** As its user would: piscina stays a package of its own, since it starts its threads from a file. */
  async function bundled(format: 'esm' | 'cjs', entry: string): Promise<string> {
    const folder = join(project(), `bundled-${format}`);
    const out = format === 'esm' ? '.mjs' : '.cjs';
    writeFileSync(join(project(), `${format}.js`), entry);
    await esbuild({
      absWorkingDir: project(),
      entryPoints: { app: `./${format}.js`, 'flush.worker': 'arena-level/worker' },
      outdir: folder,
      outExtension: { '.js': out },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format,
      external: ['piscina'],
      ...(format === 'esm' ? { banner: { js: REQUIRE_IN_ESM } } : {}),
      logLevel: 'silent',
    });
    return join(folder, `app${out}`);
  }

  test.each([
    { format: 'esm', workerUrl: "new URL('./flush.worker.mjs', import.meta.url)" },
    { format: 'cjs', workerUrl: "require('node:path').join(__dirname, 'flush.worker.cjs')" },
  ] as const)(
    'as $format flushes in its worker, inline without one, and says what is missing',
    async (one) => {
      const app = await bundled(one.format, BUNDLED_PROGRAM.replace('WORKER_URL', one.workerUrl));
      expect(JSON.parse(await runWell(process.execPath, [app], project()))).toEqual({
        worker: ['worker'],
        inline: ['inline'],
        refused: 'ARENA_INVALID_OPTION',
      });
    },
  );
});

describe('the installed program', () => {
  /** Of the first installation. */
  const project = (): string => join(workspace.folder, 'with-optional-packages');
  const program = (): string => join(project(), 'node_modules/arena-level/bin/arena-level.js');
  const ingest = ['ingest', '-', '--format', 'ndjson', '--key', 'id', '--json'];

  test.each(['SIGINT', 'SIGTERM'] as const)('ends an ingest in good order on %s', async (signal) => {
    const child = spawn(process.execPath, [program(), ...ingest, '--db', `db-${signal}`], {
      cwd: project(),
      env: CONSUMER_ENV,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    const closed = once(child, 'close');
    // The input never ends. Once more of it is taken than pipes hold, records have been stored.
    let sent = 0;
    while (sent < 100_000) {
      let lines = '';
      for (let end = sent + 1000; sent < end; sent++) lines += `{"id":"${sent}"}\n`;
      if (!child.stdin.write(lines)) await once(child.stdin, 'drain');
    }
    child.stdin.on('error', () => undefined);
    child.kill(signal);
    const [code] = await closed;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    const summary = JSON.parse(stdout) as { records: number; interrupted: boolean };
    expect(summary).toMatchObject({ interrupted: true, records: expect.any(Number) });
    expect(summary.records).toBeGreaterThan(0);
    expect(summary.records).toBeLessThanOrEqual(sent);
  });

  test('ends quietly when nobody reads what it prints', async () => {
    const { code, stdout, stderr } = await run(
      'sh',
      ['-c', `"${process.execPath}" "${program()}" --help | head -n 1`],
      project(),
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'Usage: arena-level <command> [options]\n',
      stderr: '',
    });
  });
});
