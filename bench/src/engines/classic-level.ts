import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, EngineSetup } from './engine.ts';
import { type Level, levelStore } from './level-store.ts';
import { loadPackage, packageVersion } from './load-package.ts';

interface ClassicLevel extends Level {
  compactRange(start: Buffer, end: Buffer, options: object): Promise<void>;
  getProperty(name: string): string;
}

interface ClassicLevelModule {
  readonly ClassicLevel: new (location: string, options: object) => ClassicLevel;
}

const NAME = 'classic-level';
const LEVEL0_TRIGGER = 4;
const POLL_MS = 5;
/** Longer than any key of the benchmark, and behind all of them. */
const BEHIND_ALL: Buffer = Buffer.alloc(1024, 0xff);

/** LevelDB in C++, by its Node.js binding. */
export const classicLevel: Engine = {
  name: NAME,
  kind: 'peer',
  note: 'LevelDB in C++; writes and asynchronous reads in the libuv pool, compaction in a thread of its own',
  async load() {
    const module = await loadPackage<ClassicLevelModule>(NAME);
    if (typeof module === 'string') return module;
    return {
      version: packageVersion(NAME),
      configuration: (setup) => ({ ...optionsOf(setup), sync: setup.sync }),
      async open(setup) {
        const level = await openLevel(module, setup);
        return levelStore(level, { sync: setup.sync, settle: () => settle(level) });
      },
    };
  },
  /** With `multithreading` it gives all threads of a process that open a location the same database. */
  async attach(setup) {
    const module = await loadPackage<ClassicLevelModule>(NAME);
    if (typeof module === 'string') throw new Error(module);
    const level = await openLevel(module, setup);
    const { sync } = setup;
    return {
      batch: (operations) => level.batch(operations, { sync }),
      getSync: (key) => level.getSync!(key),
      close: () => level.close(),
    };
  },
};

async function openLevel({ ClassicLevel }: ClassicLevelModule, setup: EngineSetup): Promise<ClassicLevel> {
  const level = new ClassicLevel(setup.location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    ...optionsOf(setup),
  });
  await level.open();
  return level;
}

function optionsOf({ cacheBytes, threads = false, writeBufferBytes }: EngineSetup): object {
  const sizes = { compression: false, cacheSize: cacheBytes, writeBufferSize: writeBufferBytes };
  return threads ? { ...sizes, multithreading: true } : sizes;
}

/** Its only call that flushes is a compaction of a range: here of one behind all keys. */
async function settle(level: ClassicLevel): Promise<void> {
  await level.compactRange(BEHIND_ALL, BEHIND_ALL, { keyEncoding: 'buffer' });
  while (Number(level.getProperty('leveldb.num-files-at-level0')) >= LEVEL0_TRIGGER) await sleep(POLL_MS);
}
