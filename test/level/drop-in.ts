/** A program that knows nothing of the database it runs on: the class is what its import gave. */
import type { ArenaLevel } from 'arena-level';
import type { ClassicLevel } from 'classic-level';

export type Level = typeof ArenaLevel | typeof ClassicLevel;

/** Does a bit of everything, and returns all that it saw. */
export async function liveWith(level: Level, location: string): Promise<unknown[]> {
  const Level = level as typeof ClassicLevel;
  const seen: unknown[] = [];
  const db = new Level<string, unknown>(location, {
    valueEncoding: 'json',
    compression: true,
    cacheSize: 1 << 20,
    writeBufferSize: 1 << 20,
    blockSize: 4096,
    maxFileSize: 1 << 20,
  });
  seen.push(
    db.location,
    db.status,
    db.supports.encodings,
    (db.supports as object as { getSync: boolean }).getSync,
    db.supports.signals,
  );
  db.on('write', (ops) => seen.push(['write', ops.length]));
  for (const event of ['opening', 'open', 'closing', 'closed']) db.on(event, () => seen.push(event));

  await db.put('early', 1);
  await db
    .batch([
      { type: 'put', key: 'a', value: { b: [1, 2] } },
      { type: 'put', key: 'z', value: null },
      { type: 'del', key: 'early' },
    ])
    .catch((error) => seen.push(error.code));
  await db.batch().put('c', 3).put('d', 4, { keyEncoding: 'utf8' }).del('c').write({ sync: true });
  for (let i = 0; i < 3000; i++) await db.put(`n${i % 700}`, `${i}`.repeat(50));
  seen.push(db.getSync('d'), await db.get('none'), await db.getMany(['a', 'n1', 'none']));
  seen.push(await db.has('a'), await db.hasMany(['a', 'none']));

  const snapshot = db.snapshot();
  await db.put('d', 'later');
  seen.push(await db.get('d', { snapshot }), await db.get('d'));
  await snapshot.close();
  seen.push(await db.get('d', { snapshot }).catch((error) => error.code));

  const iterator = db.iterator({ gt: 'n1', lte: 'n3', limit: 30, fillCache: true, highWaterMarkBytes: 500 });
  seen.push(await iterator.next(), await iterator.nextv(5));
  iterator.seek('n2');
  seen.push(await iterator.next(), await iterator.all());
  seen.push(await iterator.next().catch((error) => error.code));
  seen.push(await db.keys({ reverse: true, limit: 3 }).all());
  for await (const [key] of db.iterator({ lt: 'n10' })) seen.push(key);

  const sub = db.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' });
  const subsub = sub.sublevel('deep');
  await sub.put('x', Buffer.from([1, 2, 255]));
  await db.batch([{ type: 'put', key: 'y', value: 'Y', sublevel: subsub as never, valueEncoding: 'utf8' }]);
  seen.push(await sub.get('x'), await subsub.get('y'), sub.prefix, subsub.prefix);
  seen.push(await db.keys({ gte: '!', lt: '"' }).all(), await sub.keys().all());
  await sub.clear();
  seen.push(await db.keys({ gte: '!', lt: '"' }).all());

  await db.compactRange('a', 'z');
  seen.push((await db.approximateSize('n', 'o')) > 0, db.getProperty('leveldb.foo'));
  await db.clear({ gte: 'n5', reverse: true, limit: 50 });
  seen.push((await db.keys().all()).length);
  const [put] = [db.put('last', true), db.close()];
  await put;
  await db.close();
  seen.push(db.status, await db.get('a').catch((error) => error.code));
  seen.push(await new Level(location, { errorIfExists: true }).open().catch((error) => error.code));
  return seen;
}

/** All entries of a database, as bytes. */
export async function entriesOf(level: Level, location: string): Promise<[Buffer, Buffer][]> {
  const Level = level as typeof ClassicLevel;
  const db = new Level<Buffer, Buffer>(location, {
    createIfMissing: false,
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  const entries = await db.iterator().all();
  await db.put(Buffer.from('and on'), Buffer.from('it goes'));
  await db.close();
  return entries;
}
