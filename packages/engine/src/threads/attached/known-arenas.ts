import { attachArena } from '@arena-level/common/arena/arena';
import { attachMemDb } from '@arena-level/common/memdb/create-memdb';
import type { MemDbReader } from '@arena-level/common/memdb/memdb';
import type { MemtableHandle } from '../../memtable/read-view.ts';
import type { PlacedArena } from '../control/catalog-record.ts';
import type { StoreLists } from './catalog-reader.ts';

interface OpenMemDb extends PlacedArena {
  readonly handle: MemtableHandle;
}

/** The arenas that came through the port, and readers over those of the current lists. */
export class KnownArenas {
  readonly #shared = new Map<number, SharedArrayBuffer>();
  #open: readonly OpenMemDb[] = [];

  add(id: number, shared: SharedArrayBuffer): void {
    this.#shared.set(id, shared);
  }

  hasAll({ arenas }: StoreLists): boolean {
    return arenas.every(({ id }) => this.#shared.has(id));
  }

  /**
   * The MemDBs of lists, active first; a reader is kept from lists to lists, with the order it has made.
   * REQUIRES: hasAll; the owner holds these lists for this thread, so that no arena is used anew.
   */
  open({ arenas, arenasInUse, nextArena }: StoreLists): MemtableHandle[] {
    this.#open = arenas.map(
      (placed) => this.#open.find((open) => isSame(open, placed)) ?? this.#attach(placed),
    );
    const isInUse = new Set(arenasInUse);
    for (const id of this.#shared.keys()) if (id < nextArena && !isInUse.has(id)) this.#shared.delete(id);
    return this.#open.map(({ handle }) => handle);
  }

  #attach({ id, generation }: PlacedArena): OpenMemDb {
    const arena = attachArena(this.#shared.get(id)!, { generation });
    return { id, generation, handle: heldByView(attachMemDb(arena)) };
  }
}

function isSame(left: PlacedArena, right: PlacedArena): boolean {
  return left.id === right.id && left.generation === right.generation;
}

/** The owner holds the arena as long as this thread holds the view. */
function heldByView(memdb: MemDbReader): MemtableHandle {
  return { memdb, retain: () => {}, release: () => {} };
}
