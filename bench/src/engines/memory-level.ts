import type { BenchStore, Engine } from './engine.ts';
import { type Level, levelStore } from './level-store.ts';
import { loadPackage, packageVersion } from './load-package.ts';

interface MemoryModule {
  readonly MemoryLevel: new (options: object) => Level;
}

const NAME = 'memory-level';

/** A red-black tree in memory: nothing is written to disk, and nothing is there after it was closed. */
export const memoryLevel: Engine = {
  name: NAME,
  kind: 'peer',
  note: 'in memory only: what abstract-level costs without a disk',
  lacks: { disk: 'which reads after a reopening, and it has nothing to reopen' },
  async load() {
    const module = await loadPackage<MemoryModule>(NAME);
    if (typeof module === 'string') return module;
    return {
      version: packageVersion(NAME),
      configuration: () => ({ storeEncoding: 'buffer' }),
      async open() {
        const level = new module.MemoryLevel({
          storeEncoding: 'buffer',
          keyEncoding: 'buffer',
          valueEncoding: 'buffer',
        });
        await level.open();
        return owningStore(levelStore(level));
      },
    };
  },
};

/** It keeps the very buffers that it is given; all others take the bytes over, and so it must here. */
function owningStore(store: BenchStore): BenchStore {
  return {
    ...store,
    put: (key, value) => store.put(Buffer.from(key), Buffer.from(value)),
    batch: (operations) =>
      store.batch(
        operations.map((operation) =>
          operation.type === 'put'
            ? { type: 'put', key: Buffer.from(operation.key), value: Buffer.from(operation.value) }
            : operation,
        ),
      ),
  };
}
