/** The engines under sustained overwriting, each brought to rest in its own way. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from 'arena-level/engine';
import type { PutOperation } from '../micro/peer.ts';

export const ENGINE_NAMES = [
  'classic-level',
  'arena-level, 1 worker',
  'arena-level, 2 workers',
  'arena-level, inline',
] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export interface OverwriteStore {
  batch(operations: readonly PutOperation[]): Promise<void>;
  get(key: Buffer): Promise<Uint8Array | undefined>;
  /** Resolves when everything is in tables and level 0 is below its compaction trigger. */
  settle(): Promise<void>;
  /** Bytes of tables written by compactions per byte flushed, plus 1; undefined where the engine does not tell. */
  writeAmplification(): number | undefined;
  /** Milliseconds that writers were held up, by reason; undefined where the engine does not tell. */
  stalls(): Readonly<Record<string, number>> | undefined;
  close(): Promise<void>;
}

/** What is used of classic-level. */
interface ClassicLevel {
  open(): Promise<void>;
  batch(operations: readonly PutOperation[]): Promise<void>;
  get(key: Buffer): Promise<Uint8Array | undefined>;
  compactRange(start: Buffer, end: Buffer): Promise<void>;
  getProperty(name: string): string;
  close(): Promise<void>;
}

const LEVELDB_LEVEL0_TRIGGER = 4;
const POLL_MS = 5;

export function openEngine(
  name: EngineName,
  location: string,
  writeBufferBytes: number,
): Promise<OverwriteStore> {
  switch (name) {
    case 'classic-level':
      return openClassicLevel(location, writeBufferBytes);
    case 'arena-level, inline':
      return openArenaLevel(location, { writeBufferSize: writeBufferBytes, flush: 'inline' });
    case 'arena-level, 1 worker':
    case 'arena-level, 2 workers':
      return openArenaLevel(location, {
        writeBufferSize: writeBufferBytes,
        compactionWorkers: name === 'arena-level, 1 worker' ? 1 : 2,
      });
  }
}

async function openArenaLevel(
  location: string,
  options: NonNullable<Parameters<typeof open>[1]>,
): Promise<OverwriteStore> {
  const store = await open(location, options);
  return {
    batch: (operations) => store.batch(operations),
    get: (key) => store.get(key),
    async settle() {
      await store.flush();
      await store.settled();
    },
    writeAmplification: () => store.stats().writeAmplification,
    stalls: () =>
      Object.fromEntries(
        Object.entries(store.stats().stalls)
          .filter(([, { count }]) => count > 0)
          .map(([reason, { totalMs }]) => [reason, totalMs]),
      ),
    close: () => store.close(),
  };
}

async function openClassicLevel(location: string, writeBufferBytes: number): Promise<OverwriteStore> {
  const name = 'classic-level';
  const module = (await import(name)) as {
    readonly ClassicLevel: new (location: string, options: object) => ClassicLevel;
  };
  const store = new module.ClassicLevel(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
    cacheSize: 64 * 1024 * 1024,
    writeBufferSize: writeBufferBytes,
  });
  await store.open();
  return {
    batch: (operations) => store.batch(operations),
    get: (key) => store.get(key),
    async settle() {
      // The only call that flushes: a compaction of a range behind all keys.
      const behind = Buffer.alloc(17, 0xff);
      await store.compactRange(behind, behind);
      while (Number(store.getProperty('leveldb.num-files-at-level0')) >= LEVELDB_LEVEL0_TRIGGER) {
        await sleep(POLL_MS);
      }
    },
    writeAmplification: () => undefined,
    stalls: () => undefined,
    close: () => store.close(),
  };
}

/** Bytes of all files in a directory. */
export function diskBytes(location: string): number {
  return readdirSync(location).reduce((sum, name) => sum + statSync(join(location, name)).size, 0);
}
