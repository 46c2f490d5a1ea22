/**
 * abstract-level has a database hold its open iterators, snapshots and chained batches, to close them with itself. Who
 * forgets to close one so keeps memtables, files and old versions for as long as the database is open. Here the
 * database holds what has been open for a while only weakly: once nobody can use it any more it is collected, and what it
 * held of the engine is let go of. Most are closed long before, and cost no more than an entry in a set.
 */
import { systemClock } from '@arena-level/common/base/clock';
import {
  AbstractChainedBatch,
  AbstractIterator,
  AbstractKeyIterator,
  type AbstractResource,
  AbstractSnapshot,
  AbstractValueIterator,
} from 'abstract-level';

/** After which a resource that is still open is held weakly. */
const WEAK_AFTER_MS = 1000;

interface Holder {
  /** What a resource holds of the engine, and never the resource itself. */
  readonly _held: { close(): void };
}

type Listed = (resource: AbstractResource) => void;

export class OpenResources {
  /** Held by the database itself. */
  readonly #young = new Set<AbstractResource>();
  /** For those that are held weakly. */
  readonly #handles = new WeakMap<AbstractResource, WeakHandle>();
  readonly #list: Listed;
  readonly #unlist: Listed;
  #isWaiting = false;

  /** `list` and `unlist` are abstract-level's own ways of keeping resources. */
  constructor(list: Listed, unlist: Listed) {
    this.#list = list;
    this.#unlist = unlist;
  }

  attach(resource: AbstractResource): void {
    this.#list(resource);
    this.#young.add(resource);
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    systemClock.after(WEAK_AFTER_MS, () => this.#weaken());
  }

  detach(resource: AbstractResource): void {
    if (this.#young.delete(resource)) {
      this.#unlist(resource);
      return;
    }
    const handle = this.#handles.get(resource);
    if (handle !== undefined) collected.unregister(handle);
    this.#unlist(handle ?? resource);
  }

  #weaken(): void {
    this.#isWaiting = false;
    for (const resource of this.#young) {
      if (!isCollectable(resource)) continue;
      const handle = new WeakHandle(resource, this.#unlist);
      this.#handles.set(resource, handle);
      collected.register(resource, handle, handle);
      this.#unlist(resource);
      this.#list(handle);
    }
    this.#young.clear();
  }
}

/** Stands for a resource in the list of a database. */
class WeakHandle implements AbstractResource {
  readonly #resource: WeakRef<AbstractResource>;
  readonly #unlist: Listed;
  readonly #held: { close(): void } | undefined;

  constructor(resource: AbstractResource, unlist: Listed) {
    this.#resource = new WeakRef(resource);
    this.#unlist = unlist;
    this.#held = (resource as Partial<Holder>)._held;
  }

  async close(): Promise<void> {
    await this.#resource.deref()?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  letGo(): void {
    this.#unlist(this);
    this.#held?.close();
  }
}

const collected = new FinalizationRegistry<WeakHandle>((handle) => handle.letGo());

/** abstract-level's own are used by whoever has them; a resource of the user's may have no other holder. */
function isCollectable(resource: AbstractResource): boolean {
  return (
    resource instanceof AbstractIterator ||
    resource instanceof AbstractKeyIterator ||
    resource instanceof AbstractValueIterator ||
    resource instanceof AbstractSnapshot ||
    resource instanceof AbstractChainedBatch
  );
}
