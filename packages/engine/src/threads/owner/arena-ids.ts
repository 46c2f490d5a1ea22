import type { Arena } from '@arena-level/common/arena/arena';

/** The numbers under which lists name arenas. An arena keeps its number for as long as the pool has it. */
export class ArenaIds {
  readonly #ids = new Map<SharedArrayBuffer, number>();
  #next = 1;

  /** The number that no arena has had yet. */
  get next(): number {
    return this.#next;
  }

  get inUse(): readonly number[] {
    return [...this.#ids.values()];
  }

  of({ shared }: Arena): number {
    let id = this.#ids.get(shared);
    if (id === undefined) {
      id = this.#next++;
      this.#ids.set(shared, id);
    }
    return id;
  }

  /** The pool has let go of the arena; its number, if it had one. */
  forget({ shared }: Arena): number | undefined {
    const id = this.#ids.get(shared);
    this.#ids.delete(shared);
    return id;
  }
}
