/**
 * An intrusive list in order of use: the links are fields of the entries, so that a hit moves an entry without
 * allocating. Whoever owns the list also owns the map that finds the entries.
 *
 * INVARIANT: an entry is in at most one list, and `linked` says whether it is.
 */
export interface LruEntry {
  newer: LruEntry | undefined;
  older: LruEntry | undefined;
  linked: boolean;
}

export class LruList<E extends LruEntry> {
  #newest: LruEntry | undefined = undefined;
  #oldest: LruEntry | undefined = undefined;

  /** The entry that was used longest ago. */
  get oldest(): E | undefined {
    return this.#oldest as E | undefined;
  }

  /** Makes `entry`, in the list or not, the newest. */
  touch(entry: E): void {
    if (this.#newest === entry) return;
    if (entry.linked) this.remove(entry);
    entry.linked = true;
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  /** Takes `entry` out, if it is in the list. */
  remove(entry: E): void {
    if (!entry.linked) return;
    const { newer, older } = entry;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    entry.newer = undefined;
    entry.older = undefined;
    entry.linked = false;
  }
}
