/** The owner's side over a store of which there is no more than it looks at. */
import { createArena } from '@arena-level/common/arena/arena';
import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { withoutSharedMemory } from '@arena-level/common/base/no-shared-memory.test-support';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { expect, onTestFinished, test } from 'vitest';
import type { Levels } from '../../version/version.ts';
import { ControlBuffer } from '../control/control-buffer.ts';
import { levelsOf } from '../threads.test-support.ts';
import { ThreadSharing, type ThreadSharingModules } from './thread-sharing.ts';

function setUp() {
  const released: string[] = [];
  const viewOf = (name: string, levels: Levels) => ({
    version: { levels },
    retain: () => {},
    release: () => released.push(name),
  });
  const arena = createArena({ kind: MemDbKind.Hash, kvBytes: 4096 });
  const memtables = {
    active: { arena, memdb: { publishLinksAtomically: false } },
    frozen: [],
    view: viewOf('first', levelsOf([1])),
    onViewChanged: undefined as (() => void) | undefined,
  };
  const sharing = new ThreadSharing({
    storage: { spec: { kind: 'node', directory: 'store' }, location: 'store' },
    clock: new ManualClock(),
    events: { emit: () => {} },
    health: { checkOpen: () => {} },
    options: {},
    memtables,
    pool: {},
    snapshots: { watch: () => {} },
    rings: { add: () => ({ memory: {} }) },
    reads: { sharedCache: () => undefined },
    flushedFrom: 1,
  } as unknown as ThreadSharingModules);
  const handle = sharing.share({}, { store: {} as never, close: async () => {} });
  onTestFinished(() => sharing.close());
  return { sharing, handle, memtables, released, viewOf };
}

test('a view that could not be published leaves the one before held: a thread may come to it', async () => {
  const { handle, memtables, released, viewOf } = setUp();
  const control = new ControlBuffer(handle.control);
  const many = Array.from({ length: 400 }, (_, i) => i + 1);
  memtables.view = viewOf('second', levelsOf(many));
  withoutSharedMemory(() => expect(() => memtables.onViewChanged?.()).toThrow(/allocation/));
  expect(control.epoch).toBe(1);
  // A message of the thread has the owner look for what nobody holds.
  handle.port.postMessage({ kind: 'moved' });
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(released).toEqual([]);
  memtables.onViewChanged?.();
  expect(control.epoch).toBe(3);
  expect(released).toEqual(['first']);
});
