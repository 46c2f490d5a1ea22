// Bundles the flush worker into one file, so that a worker thread starts by loading one module and Node 20 can
// run it from a checkout whose TypeScript has not been compiled.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export async function bundleWorker() {
  const root = new URL('../packages/worker-flush/', import.meta.url);
  await build({
    entryPoints: [fileURLToPath(new URL('src/worker.ts', root))],
    outfile: fileURLToPath(new URL('dist/flush.worker.mjs', root)),
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
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleWorker();
