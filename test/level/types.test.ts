/** The types are classic-level's: what compiles here is what counts, and `tsc -p tsconfig.test.json` compiles it. */
import type { ReadableStream, WritableStream } from 'node:stream/web';
import {
  ArenaLevel,
  type ArenaSublevel,
  AttachedLevel,
  type DatabaseOptions,
  type StoreEvents,
  type ThreadHandle,
} from 'arena-level';
import type { Store } from 'arena-level/engine';
import {
  entryStream,
  type IngestRecord,
  ingestStream,
  webEntryStream,
  webIngestStream,
  webKeyStream,
  webValueStream,
} from 'arena-level/streams';
import type { ClassicLevel } from 'classic-level';
import { expect, expectTypeOf, test } from 'vitest';

interface City {
  readonly name: string;
}

/** Never called: it is compiled. */
export async function use(
  db: ArenaLevel,
  cities: ArenaLevel<string, City>,
  other: ClassicLevel,
  store: Store,
  handle: ThreadHandle,
): Promise<void> {
  expectTypeOf(await db.get('a')).toEqualTypeOf<string | undefined>();
  expectTypeOf(await cities.get('a')).toEqualTypeOf<City | undefined>();
  expectTypeOf(
    await cities.get<Buffer, number>(Buffer.of(1), { keyEncoding: 'buffer', fillCache: false }),
  ).toEqualTypeOf<number | undefined>();
  expectTypeOf(cities.getSync('a')).toEqualTypeOf<City | undefined>();
  expectTypeOf(await cities.getMany(['a'])).toEqualTypeOf<(City | undefined)[]>();
  expectTypeOf(await db.hasMany(['a'])).toEqualTypeOf<boolean[]>();
  expectTypeOf(await cities.iterator({ gte: 'a', highWaterMarkBytes: 1 }).next()).toEqualTypeOf<
    [string, City] | undefined
  >();
  expectTypeOf(await cities.keys().all()).toEqualTypeOf<string[]>();
  expectTypeOf(await cities.values({ limit: 1 }).nextv(1)).toEqualTypeOf<City[]>();
  for await (const [key, value] of cities.iterator())
    expectTypeOf({ key, value }).toEqualTypeOf<{ key: string; value: City }>();

  await cities.put('a', { name: 'A' }, { sync: true });
  cities.putSync('a', { name: 'A' });
  cities.batchSync([{ type: 'put', key: 'a', value: { name: 'A' } }], { sync: true });
  await cities.batch().put('a', { name: 'A' }).write({ sync: true });
  // @ts-expect-error A value of another type.
  await cities.put('a', 7);
  // @ts-expect-error And of a twin.
  cities.putSync('a', 7);
  // @ts-expect-error And of a batch.
  await cities.batch([{ type: 'put', key: 'a', value: 7 }]);
  // @ts-expect-error No such option.
  await cities.put('a', { name: 'A' }, { synk: true });
  // @ts-expect-error No such option.
  new ArenaLevel('db', { writeBufferSizes: 1 });

  const sub = cities.sublevel<number, Buffer>('sub', { keyEncoding: 'json', valueEncoding: 'buffer' });
  expectTypeOf(sub).toExtend<ArenaSublevel<typeof cities, number, Buffer>>();
  expectTypeOf(await sub.get(1)).toEqualTypeOf<Buffer | undefined>();
  sub.putSync(1, Buffer.of(1));
  expectTypeOf(sub.sublevel('deeper').hasSync('a')).toEqualTypeOf<boolean>();
  await cities.batch([{ type: 'del', key: 'a', sublevel: sub }]);
  await sub.put(1, Buffer.of(1), { sync: true });
  await sub.batch([{ type: 'del', key: 1 }], { sync: true });
  await sub.batch().put(2, Buffer.of(2)).write({ sync: true });
  expectTypeOf(await sub.get(1, { fillCache: false })).toEqualTypeOf<Buffer | undefined>();
  expectTypeOf(await sub.iterator({ gte: 1, highWaterMarkBytes: 1 }).next()).toEqualTypeOf<
    [number, Buffer] | undefined
  >();
  // @ts-expect-error A value of another type.
  await sub.put(1, 'text');
  // @ts-expect-error No such option.
  await sub.put(1, Buffer.of(1), { synk: true });

  // A database that is attached has the same methods, but for those of the owner.
  const attached = new AttachedLevel<string, City>(handle, { valueEncoding: 'json', cacheSize: 1 });
  expectTypeOf(await attached.get('a')).toEqualTypeOf<City | undefined>();
  expectTypeOf(await attached.iterator({ gte: 'a' }).all()).toEqualTypeOf<[string, City][]>();
  attached.batchSync([{ type: 'put', key: 'a', value: { name: 'A' } }], { sync: true });
  await attached.sublevel<number, Buffer>('sub', { valueEncoding: 'buffer' }).put(1, Buffer.of(1));
  await attached.compactRange('a', null, { onProgress: () => {} });
  entryStream(attached);
  ingestStream(attached);
  // @ts-expect-error A value of another type.
  attached.putSync('a', 7);
  // @ts-expect-error An option of the store.
  new AttachedLevel(handle, { writeBufferSize: 1 });
  // @ts-expect-error The owner has it; there is `control.stats`.
  attached.stats();

  // Streams take a database of whatever types, a sublevel, and those of others.
  ingestStream(cities, { durability: 'flushed' });
  ingestStream(sub, { sync: true });
  ingestStream(other.sublevel<string, City>('sub', { valueEncoding: 'json' }));
  webIngestStream(cities)
    .getWriter()
    .write({ key: 'a', value: { name: 'A' } });
  // @ts-expect-error A record of another type.
  webIngestStream(cities).getWriter().write({ key: 'a', value: 7 });
  expectTypeOf(webIngestStream(sub)).toEqualTypeOf<WritableStream<IngestRecord<number, Buffer>>>();
  expectTypeOf(webIngestStream<string, City>(cities)).toEqualTypeOf(webIngestStream(cities));
  expectTypeOf(webIngestStream(store)).toExtend<WritableStream<IngestRecord<Uint8Array, Uint8Array>>>();
  for await (const [key, value] of webEntryStream(cities, { gte: 'a' }))
    expectTypeOf({ key, value }).toEqualTypeOf<{ key: string; value: City }>();
  expectTypeOf(webKeyStream(sub)).toEqualTypeOf<ReadableStream<number>>();
  expectTypeOf(webValueStream(other.sublevel<number, City>('sub', {}))).toEqualTypeOf<ReadableStream<City>>();
  for await (const [key] of webEntryStream(store)) expectTypeOf(key).toExtend<Uint8Array>();
  entryStream<number, Buffer>(sub, { gte: 1, reverse: true });

  db.on('stall-begin', (details) => expectTypeOf(details).toEqualTypeOf<StoreEvents['stall-begin']>());
  db.on('write', (operations) => operations);
  expectTypeOf(db.stats().pressure).toEqualTypeOf<number>();
  expectTypeOf((await ArenaLevel.destroy('db')).directoryRemoved).toEqualTypeOf<boolean>();
}

/** Options of classic-level are options here. */
export function optionsOf(
  given: ConstructorParameters<typeof ClassicLevel<string, string>>[1],
): DatabaseOptions<string, string> | undefined {
  return given;
}

test('the types compile', () => {
  expect(use).toBeInstanceOf(Function);
});
