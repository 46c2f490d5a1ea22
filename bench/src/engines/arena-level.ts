import { DEFAULT_COMPRESSION, type EventSource, factsOf, watchStore } from './arena.ts';
import type { Engine, EngineSetup } from './engine.ts';
import { type Level, levelStore } from './level-store.ts';
import { loadPackage, packageVersion } from './load-package.ts';

/** What is used of ArenaLevel beyond abstract-level. */
interface ArenaLevel extends Level, EventSource {
  flush(): Promise<void>;
  settled(): Promise<void>;
  stats(): ReturnType<Parameters<typeof factsOf>[0]['stats']>;
}

interface ArenaLevelModule {
  readonly ArenaLevel?: new (location: string, options: object) => ArenaLevel;
}

const PACKAGE = 'arena-level';

/** arena-level through abstract-level's methods: what classic-level is compared with call by call. */
export const arenaLevel: Engine = {
  name: 'ArenaLevel',
  kind: 'own',
  note: 'the abstract-level class on the engine, one flush and one compaction worker',
  async load() {
    const module = await loadPackage<ArenaLevelModule>(PACKAGE);
    if (typeof module === 'string') return module;
    const { ArenaLevel } = module;
    if (ArenaLevel === undefined) return 'this version of arena-level exports no ArenaLevel';
    return {
      version: packageVersion(PACKAGE),
      configuration: (setup) => ({ ...optionsOf(setup), sync: setup.sync, compression: DEFAULT_COMPRESSION }),
      async open(setup) {
        const level = new ArenaLevel(setup.location, {
          keyEncoding: 'buffer',
          valueEncoding: 'buffer',
          ...optionsOf(setup),
        });
        await level.open();
        return levelStore(level, {
          sync: setup.sync,
          async settle() {
            await level.flush();
            await level.settled();
          },
          facts: () => factsOf(level),
          watch: (onMark) => watchStore(level, onMark),
        });
      },
    };
  },
};

function optionsOf({ cacheBytes, writeBufferBytes }: EngineSetup): object {
  return { cacheSize: cacheBytes, writeBufferSize: writeBufferBytes };
}
