// Bundles the flush worker into one file, so that a worker thread starts by loading one module and Node 20 can
// run it from a checkout whose TypeScript has not been compiled.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** `outfile`: where the bundle goes; its source map lies beside it. */
export async function bundleWorker(outfile) {
  const root = new URL('../packages/worker-flush/', import.meta.url);
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('src/worker.ts', root))],
    outfile: outfile ?? fileURLToPath(new URL('dist/flush.worker.mjs', root)),
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked',
    conditions: ['source'],
    // Native accelerators are optional: they are looked up at run time, never bundled.
    external: ['@node-rs/crc32', 'snappy'],
    logLevel: 'warning',
  });
  // The map is there before the bundle that names it.
  const byMapFirst = outputFiles.sort(
    (a, b) => Number(b.path.endsWith('.map')) - Number(a.path.endsWith('.map')),
  );
  for (const { path, contents } of byMapFirst) await replaceFile(path, contents);
}

let written = 0;

/** Another run of the tests may be starting threads from the file at this moment: it sees the old one or the new one. */
async function replaceFile(path, contents) {
  const temporary = `${path}.${process.pid}-${++written}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleWorker();
