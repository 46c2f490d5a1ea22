// Bundles what worker threads load into one file each, so that a thread starts by loading one module and Node 20 can run
// it from a checkout whose TypeScript has not been compiled: the flush worker, and the parse module of the program.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../packages/', import.meta.url);

/** `outfile`: where the bundle goes; its source map lies beside it. */
export async function bundleWorker(outfile) {
  await bundle('worker-flush/src/worker.ts', outfile ?? inPackages('worker-flush/dist/flush.worker.mjs'));
}

/** The same for the parse module. */
export async function bundleParser(outfile) {
  await bundle(
    'engine/src/cli/ingest/parse-piece.ts',
    outfile ?? inPackages('engine/dist/ingest.parser.mjs'),
  );
}

function inPackages(path) {
  return fileURLToPath(new URL(path, root));
}

async function bundle(entry, outfile) {
  const { outputFiles } = await build({
    entryPoints: [inPackages(entry)],
    outfile,
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked',
    conditions: ['source'],
    // Native accelerators are optional: they are looked up at run time, never bundled. csv-parse is there where the program is.
    external: ['@node-rs/crc32', 'snappy', 'csv-parse', 'csv-parse/sync'],
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundleWorker();
  await bundleParser();
}
