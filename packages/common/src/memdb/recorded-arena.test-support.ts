/**
 * An arena whose every store by its owner is seen: plain ones by proxies of its views, atomic ones by standing in for
 * `Atomics`. Whoever looks at the memory in between sees exactly what another thread may see between two stores.
 */
import type { Arena } from '../arena/arena.ts';

export interface RecordedStore {
  readonly view: 'header' | 'nodeData' | 'kvData';
  /** Index of the first element. */
  readonly at: number;
  /** Elements: more than one for a copy in one go. */
  readonly length: number;
  readonly isAtomic: boolean;
  readonly value: number;
}

type View = Int32Array | Uint8Array;
type Listener = (store: RecordedStore) => void;

const VIEWS = ['header', 'nodeData', 'kvData'] as const;

/**
 * Tells of each store to `arena` right behind it, of those by MemDBs that are made of it from now on. Returns how to end it: until
 * then `Atomics` is replaced.
 */
export function recordStores(arena: Arena, onStore: Listener): () => void {
  const recorded = new Map<object, { readonly real: View; readonly view: RecordedStore['view'] }>();
  for (const view of VIEWS) {
    const real = arena[view];
    const proxy = proxyOf(real, view, onStore);
    recorded.set(proxy, { real, view });
    Object.defineProperty(arena, view, { value: proxy });
  }
  const { store, load } = Atomics;
  Atomics.store = ((target: Int32Array, at: number, value: number) => {
    const { real, view } = recorded.get(target) ?? { real: target, view: undefined };
    store(real as Int32Array, at, value);
    if (view !== undefined) onStore({ view, at, length: 1, isAtomic: true, value });
    return value;
  }) as typeof Atomics.store;
  Atomics.load = ((target: Int32Array, at: number) =>
    load((recorded.get(target)?.real ?? target) as Int32Array, at)) as typeof Atomics.load;
  return () => Object.assign(Atomics, { store, load });
}

function proxyOf(real: View, view: RecordedStore['view'], onStore: Listener): View {
  return new Proxy(real, {
    get(target, name) {
      if (name === 'set') {
        return (source: Uint8Array, at = 0): void => {
          target.set(source, at);
          onStore({ view, at, length: source.length, isAtomic: false, value: source[0]! });
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set(target, name, value: number) {
      target[Number(name)] = value;
      onStore({ view, at: Number(name), length: 1, isAtomic: false, value });
      return true;
    },
  });
}
