/**
 * Bundles a TypeScript program for plain Node, for tests that need another process or thread: Node 20 cannot run the
 * sources.
 *
 * The workspace's packages go into the bundle, everything else is imported from where its importer would find it. In
 * bundled modules `import.meta.url` stays the URL of the source, so that lookups relative to it lead where they lead
 * in the sources.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const OUTPUT = fileURLToPath(new URL('../.bundles/', import.meta.url));

/** The path of a module that `node`, `fork` and `Worker` can run. Equal sources give the same path. */
export async function bundleForNode(entry: string | URL): Promise<string> {
  const path = entry instanceof URL ? fileURLToPath(entry) : entry;
  const result = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    conditions: ['source'],
    plugins: [externalPackages, sourceUrls],
    logLevel: 'warning',
  });
  const code = result.outputFiles[0]!.contents;
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 16);
  const output = join(OUTPUT, `${basename(path, '.ts')}-${hash}.mjs`);
  // Test files run side by side: none may see a half written bundle of another.
  const temporary = `${output}.${process.pid}`;
  await mkdir(OUTPUT, { recursive: true });
  await writeFile(temporary, code);
  await rename(temporary, output);
  return output;
}

const WORKSPACE = /^(?:arena-level|@arena-level\/[^/]+)(?:\/|$)/;

const externalPackages: Plugin = {
  name: 'external-packages',
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === 'resolved' || path.startsWith('node:') || WORKSPACE.test(path)) return undefined;
      const found = await builder.resolve(path, { importer, resolveDir, kind, pluginData: 'resolved' });
      if (found.errors.length > 0) return { errors: found.errors };
      return { path: found.external ? found.path : pathToFileURL(found.path).href, external: true };
    });
  },
};

const sourceUrls: Plugin = {
  name: 'source-urls',
  setup(builder) {
    builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      return {
        contents: source.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
        loader: 'ts',
      };
    });
  },
};
