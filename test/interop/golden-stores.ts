/**
 * The stores in `test/golden`, on disk for one test.
 *
 * They came without their journals (`*.log` is a name that version control and archives like to leave out). A journal
 * of our own stands in for each: one batch that leads from what the tables hold to the stated contents.
 */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNow } from '@arena-level/common/base/steps';
import { journalFile } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { type BatchOperation, open } from 'arena-level/engine';
import { LogWriter } from '../../packages/engine/src/journal/log-writer.ts';
import { readCurrentNow } from '../../packages/engine/src/manifest/current-file.ts';
import { readManifest } from '../../packages/engine/src/version/manifest-reader.ts';
import { checkBatch } from '../../packages/engine/src/write/check-entries.ts';
import { WriteGroup } from '../../packages/engine/src/write/write-group.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { hex, type Model } from './random-batches.ts';

const GOLDEN = join(import.meta.dirname, '../golden');

export const GOLDEN_STORES: readonly string[] = readdirSync(GOLDEN).filter((name) =>
  existsSync(join(GOLDEN, name, 'contents.json')),
);

export interface GoldenStore {
  readonly directory: string;
  readonly contents: Model;
  /** Name of the journal that its manifest names. */
  readonly journal: string;
}

/** As it came: with tables and manifest, without the journal. */
export function copyGolden(name: string): GoldenStore {
  const directory = temporaryDirectory();
  cpSync(join(GOLDEN, name, 'db'), directory, { recursive: true });
  const contents: [string, string][] = JSON.parse(readFileSync(join(GOLDEN, name, 'contents.json'), 'utf8'));
  const { logNumber } = manifestOf(new NodeStorage(directory));
  return { directory, contents: new Map(contents), journal: `${String(logNumber).padStart(6, '0')}.log` };
}

/** With a journal that makes it hold its stated contents. */
export async function restoreGolden(name: string): Promise<GoldenStore> {
  const golden = copyGolden(name);
  const storage = new NodeStorage(golden.directory);
  const { logNumber, lastSequence } = manifestOf(storage);
  const operations = difference(await contentsOfTables(name), golden.contents);
  const group = new WriteGroup();
  group.addBatch(operations, checkBatch(operations));
  group.seal(lastSequence + 1);
  const file = storage.createNow(journalFile(logNumber));
  new LogWriter(file).appendNow(group.bytes, 0, group.end);
  file.closeNow();
  storage.closeNow();
  return golden;
}

function manifestOf(storage: NodeStorage) {
  return runNow(readManifest(storage, readCurrentNow(storage)!));
}

async function contentsOfTables(name: string): Promise<Model> {
  const { directory } = copyGolden(name);
  const store = await open(directory, { flush: 'inline', recover: 'truncate' });
  const found: Model = new Map([...store.iterator()].map(([key, value]) => [hex(key), hex(value)]));
  await store.close();
  return found;
}

function difference(from: Model, to: Model): BatchOperation[] {
  const operations: BatchOperation[] = [];
  for (const key of from.keys()) {
    if (!to.has(key)) operations.push({ type: 'del', key: Buffer.from(key, 'hex') });
  }
  for (const [key, value] of to) {
    if (from.get(key) === value) continue;
    operations.push({ type: 'put', key: Buffer.from(key, 'hex'), value: Buffer.from(value, 'hex') });
  }
  return operations;
}
