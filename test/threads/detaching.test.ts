/** A thread that lets go of the store while it reads. Both sides are on one thread here, where the moments can be chosen. */
import { attach } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { bytes, key, text } from '../support/text-bytes.ts';
import { openStore } from './sharing-store.ts';

const KEYS = 60;
/** As many as take several turns of the event loop. */
const ASKED = 60_000;

test('reads of many keys that are under way end before the arenas they read are used again', async () => {
  const store = await openStore({ flush: 'inline', writeBufferSize: 65_536 });
  for (let i = 0; i < KEYS; i++) store.putSync(key(i), bytes('old'));
  const attached = attach({ ...store.share(), owner: -1 });
  const keys = Array.from({ length: ASKED }, (_, i) => key(i % KEYS));
  const log: string[] = [];
  const values = attached.getMany(keys).finally(() => log.push('values'));
  const presence = attached.hasMany(keys).finally(() => log.push('presence'));
  await attached.close();
  expect(log.sort()).toEqual(['presence', 'values']);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < KEYS; i++) store.putSync(key(i), bytes(`new ${round}`));
    await store.rotateMemtable();
    await store.flush();
  }
  expect(new Set((await values).map(text))).toEqual(new Set(['old']));
  expect(new Set(await presence)).toEqual(new Set([true]));
});
