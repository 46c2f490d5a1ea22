/** A thread with a database that is attached, which does one thing with it and posts what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type AttachedDatabaseOptions, AttachedLevel, attach, type ThreadHandle } from 'arena-level';
import { entryStream, ingestStream } from 'arena-level/streams';
import { outcomeOf } from '../support/outcome.ts';

interface City {
  readonly name: string;
}

const { handle, scenario } = workerData as { readonly handle: ThreadHandle; readonly scenario: Scenario };

async function openCities(): Promise<AttachedLevel<string, City>> {
  const db = new AttachedLevel<string, City>(handle, { valueEncoding: 'json', cacheSize: 1 << 20 });
  await db.open();
  return db;
}

/** Says so, and keeps the thread alive until the test ends it: an attachment does not. */
function attachedForLong(): void {
  parentPort!.on('message', () => {});
  parentPort!.postMessage('attached');
}

const scenarios = {
  /** The owner has stored a, b and c. */
  async reads() {
    const db = new AttachedLevel<string, City>(handle, { valueEncoding: 'json' });
    const deferred = await db.get('a');
    const snapshot = db.snapshot();
    await db.del('b');
    const read = {
      deferred,
      getSync: db.getSync('a'),
      missing: db.getSync('b'),
      getMany: await db.getMany(['c', 'b']),
      has: [await db.has('c'), db.hasSync('b')],
      hasMany: await db.hasMany(['a', 'b']),
      entries: await db.iterator({ gt: 'a' }).all(),
      keys: await db.keys({ reverse: true, limit: 1 }).all(),
      values: await db.values<string, string>({ valueEncoding: 'utf8' }).all(),
      view: db.getSync<Uint8Array, Uint8Array>(Uint8Array.of(97), {
        keyEncoding: 'view',
        valueEncoding: 'view',
      }),
      snapshot: await db.get('b', { snapshot }),
      location: db.location,
    };
    await snapshot.close();
    await db.close();
    return { ...read, status: db.status };
  },

  async writes() {
    const db = await openCities();
    const heard: number[] = [];
    db.on('write', (operations: unknown[]) => heard.push(operations.length));
    db.hooks.prewrite.add((op, batch) => {
      if (op.key === 'hooked') batch.add({ type: 'put', key: 'by the hook', value: { name: 'H' } });
    });
    const sub = db.sublevel<string, number>('sub', { valueEncoding: 'json' });
    await db.put('put', { name: 'P' }, { sync: true });
    db.putSync('putSync', { name: 'S' });
    db.batchSync([
      { type: 'put', key: 'hooked', value: { name: 'B' } },
      { type: 'put', key: 'one', value: 1, sublevel: sub } as never,
    ]);
    await db.batch().put('chained', { name: 'C' }).del('put').write();
    sub.putSync('two', 2);
    await sub.batch([{ type: 'put', key: 'three', value: 3 }]);
    const stream = ingestStream(sub);
    stream.write(['four', 4]);
    await new Promise((resolve) => stream.end(resolve));
    const streamed: unknown[] = [];
    for await (const entry of entryStream(sub)) streamed.push(entry);
    await db.close();
    return { heard, streamed };
  },

  /** The owner has stored k00 to k99, in a table. */
  async clears() {
    const db = new AttachedLevel(handle);
    await db.open();
    const snapshot = db.snapshot();
    await db.put('k05x', 'after the snapshot');
    await db.clear({ gte: 'k05', lt: 'k07', snapshot });
    const seen = await db.keys({ gte: 'k05', lt: 'k08' }).all();
    await snapshot.close();
    void db.put('k98x', 'not waited for');
    await db.clear({ gte: 'k10', lte: 'k98x' });
    const rest = await db.keys({ gte: 'k08' }).all();
    await db.clear();
    const none = await db.keys().all();
    await db.close();
    return { seen, rest, none };
  },

  /** The owner has stored k00 to k99, in three tables of level 0. */
  async administers() {
    const db = new AttachedLevel(handle);
    const before = await db.approximateSize('k00', 'k99');
    let heard = 0;
    await db.compactRange(Buffer.from('k00'), null, {
      keyEncoding: 'buffer',
      onProgress: () => heard++,
    });
    await db.put('last', '1');
    await db.flush();
    const { differing } = await db.verify();
    const refused = await outcomeOf(() => db.checkpoint(db.location));
    const { tables } = await db.masterRoot();
    const { levels } = await db.control.stats();
    return {
      heard: heard > 0,
      before,
      after: await db.approximateSize('k00', 'k99'),
      differing,
      refused,
      tables,
      level0: levels[0]!.tables,
    };
  },

  async refusals() {
    const make = (options: object) => () =>
      new AttachedLevel(handle, options as AttachedDatabaseOptions<string, string>);
    const options = {
      noHandle: await outcomeOf(() => new AttachedLevel({} as ThreadHandle)),
      noObject: await outcomeOf(make('json' as never)),
      ofStore: await outcomeOf(make({ writeBufferSize: 4096 })),
      creating: await outcomeOf(make({ createIfMissing: false })),
      ofWrongType: await outcomeOf(make({ cacheSize: -1 })),
    };
    const db = make({ writeBufferSize: undefined, hooked: 1 })();
    const opening = outcomeOf(() => db.open({ readOnly: true } as never));
    const early = await outcomeOf(() => db.control);
    const opened = await opening;
    await db.open();
    const owners = db as unknown as Record<string, () => unknown>;
    const calls: Record<string, unknown> = {};
    for (const name of ['getProperty', 'ingest', 'stats', 'settled', 'resume', 'share'])
      calls[name] = await outcomeOf(() => owners[name]!());
    const declared = Object.keys(calls).filter((name) => db.supports.additionalMethods[name]);
    const events = await outcomeOf(() => db.once('flush-finished', () => {}));
    const listeners = db.listenerCount('flush-finished');
    const still = db.getSync('a');
    await db.close();
    return {
      options,
      early,
      opened,
      calls,
      declared,
      events,
      listeners,
      still,
      again: await outcomeOf(() => db.open()),
    };
  },

  async outlives() {
    const db = new AttachedLevel(handle);
    await db.open();
    const iterator = db.iterator();
    const closed = new Promise<void>((resolve) => db.once('closed', resolve));
    attachedForLong();
    await closed;
    return {
      status: db.status,
      get: await outcomeOf(() => db.get('a')),
      next: await outcomeOf(() => iterator.next()),
      close: await outcomeOf(() => db.close()),
    };
  },

  async closesTheOwner() {
    const db = new AttachedLevel(handle);
    await db.open();
    const closed = new Promise<void>((resolve) => db.once('closed', resolve));
    await db.control.close();
    await closed;
    return db.status;
  },

  async storeOutlives() {
    const store = attach(handle);
    attachedForLong();
    await store.closed;
    return await outcomeOf(() => store.get(Buffer.of(1)));
  },

  async storeClosed() {
    const store = attach(handle);
    const order: string[] = [];
    const told = store.closed.then(() => order.push('closed'));
    order.push('attached');
    await store.close();
    await told;
    return order;
  },
};

export type Scenario = keyof typeof scenarios;

const result = await scenarios[scenario]();
parentPort!.postMessage({ result });
