import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { type OpenOptions, open, type Store } from 'arena-level/engine';
import { collect, type ObservedStore } from 'arena-level/prometheus';
import client from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { openHeld } from '../support/held-store.ts';
import { bytes, key } from '../support/text-bytes.ts';

const OPTIONS: OpenOptions = { flush: 'inline', writeBufferSize: 4096, level0CompactionTrigger: 2 };
const VALUE = bytes('v'.repeat(300));

let register: client.Registry;
beforeEach(() => {
  register = new client.Registry();
});

async function openMemory(location: string): Promise<Store> {
  return open(location, OPTIONS, { storage: new MemoryStorage() });
}

async function fill(store: Store, count = 60): Promise<void> {
  for (let i = 0; i < count; i++) await store.put(key(i), VALUE);
  await store.compactRange();
  await settle();
}

/** The value of each series, by its name and labels as in the text format. */
async function scrape(of = register): Promise<Map<string, number>> {
  const text = await of.metrics();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe('the metrics of a store', () => {
  test('are what its stats say at the moment of the scrape', async () => {
    const store = await openMemory('a');
    collect(store, { register, labels: { store: 'a' } });
    await fill(store);
    store.getSync(key(1));
    const { writes, flushes, levels, rotations, blockCache, sharedCache, lastSequence, stalls } =
      store.stats();
    const series = await scrape();
    const of = (name: string, more = ''): number | undefined =>
      series.get(`arena_level_${name}{${more}store="a"}`);
    expect(of('write_entries_total')).toBe(writes.entries);
    expect(of('write_bytes_total')).toBe(writes.bytes);
    expect(of('journal_bytes_total')).toBe(writes.journalBytes);
    expect(of('rotations_total')).toBe(rotations.count);
    expect(of('flushes_total')).toBe(flushes.count);
    expect(of('flush_bytes_total')).toBe(flushes.bytes);
    expect(of('last_sequence')).toBe(lastSequence);
    expect(flushes.count).toBeGreaterThan(2);
    levels.forEach((level, at) => {
      const label = `level="${at}",`;
      const series = (name: string): number | undefined => of(name, label) ?? of2(name, at);
      expect(series('level_tables')).toBe(level.tables);
      expect(series('level_bytes')).toBe(level.bytes);
      expect(series('compaction_written_bytes_total')).toBe(level.bytesWritten);
      expect(series('compaction_seconds_total')).toBeCloseTo(level.busyMs / 1000);
    });
    function of2(name: string, level: number): number | undefined {
      return series.get(`arena_level_${name}{store="a",level="${level}"}`);
    }
    expect(series.get('arena_level_block_cache_requests_total{store="a",result="hit"}')).toBe(
      blockCache.hits,
    );
    expect(of('shared_cache_bytes')).toBe(sharedCache.bytes);
    expect(sharedCache.bytes).toBeGreaterThan(0);
    expect(series.get('arena_level_shared_cache_requests_total{store="a",result="miss"}')).toBe(
      sharedCache.misses,
    );
    expect(series.get('arena_level_stalls_total{store="a",reason="level0-pause"}')).toBe(
      stalls['level0-pause'].count,
    );
    expect(series.get('arena_level_writes_stopped{store="a"}')).toBe(0);
    await store.close();
  });

  test('count and time rotations, flushes and compactions', async () => {
    const store = await openMemory('a');
    collect(store, { register, labels: { store: 'a' } });
    await fill(store);
    const { flushes, rotations, levels } = store.stats();
    const series = await scrape();
    expect(series.get('arena_level_rotation_duration_seconds_count{store="a"}')).toBe(rotations.count);
    expect(series.get('arena_level_flush_duration_seconds_count{store="a"}')).toBe(flushes.count);
    const compactions = [...series].filter(([name]) =>
      name.startsWith('arena_level_compaction_duration_seconds_count'),
    );
    const committed = levels.reduce((sum, level) => sum + level.compactions + level.moves, 0);
    expect(compactions.reduce((sum, [, value]) => sum + value, 0)).toBe(committed);
    expect(committed).toBeGreaterThan(0);
    await store.close();
  });

  test('follow the conventions of Prometheus, each with help and type', async () => {
    const store = await openMemory('a');
    collect(store, { register });
    await fill(store, 30);
    const metrics = await register.getMetricsAsJSON();
    expect(metrics.length).toBeGreaterThan(50);
    for (const { name, type, help } of metrics) {
      expect(name).toMatch(/^arena_level_[a-z0-9_]+$/);
      expect(help).toMatch(/\S/);
      expect(/_total$/.test(name), name).toBe(String(type) === 'counter');
      expect(name, 'base units').not.toMatch(/_(ms|millis|kb|mb|kib|mib)(_|$)/);
    }
    await store.close();
  });

  test('tell of errors, of healing and of writes that have stopped', async () => {
    let faults: FaultStorage | undefined;
    const { store, executor, clock } = await openHeld(
      {},
      { wrap: (inner) => (faults = new FaultStorage(inner)) },
    );
    collect(store, { register, labels: { store: 'a' } });
    faults!.install({
      rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
    });
    await store.put(key(1), VALUE).catch(() => {});
    await settle();
    expect((await scrape()).get('arena_level_healing{store="a"}')).toBe(1);
    for (let attempt = 0; attempt < 2; attempt++) {
      executor.held[0]!.fail('EIO');
      await settle();
      clock.advance(1000);
      await settle();
    }
    const stopped = await scrape();
    expect(stopped.get('arena_level_healing{store="a"}')).toBe(0);
    expect(stopped.get('arena_level_writes_stopped{store="a"}')).toBe(1);
    expect(stopped.get('arena_level_errors_total{store="a",reason="journal"}')).toBe(1);
    expect(stopped.get('arena_level_errors_total{store="a",reason="flush"}')).toBeGreaterThanOrEqual(1);
    executor.release();
    await store.resume();
    await settle();
    expect((await scrape()).get('arena_level_writes_stopped{store="a"}')).toBe(0);
    await store.close();
  });
});

describe('several stores', () => {
  test('share the metrics of a register, told apart by labels, until they are closed', async () => {
    const stores = [await openMemory('a'), await openMemory('b')] as const;
    collect(stores[0], { register, labels: { store: 'a', role: 'x' } });
    collect(stores[1], { register, labels: { role: 'y', store: 'b' } });
    await fill(stores[0]);
    await fill(stores[1], 30);
    const both = await scrape();
    const named = (text: string): number => [...both.keys()].filter((name) => name.includes(text)).length;
    expect(named('store="a"')).toBe(named('store="b"'));
    const entries = (series: Map<string, number>): number[] =>
      [...series]
        .filter(([name]) => name.startsWith('arena_level_write_entries_total'))
        .map(([, value]) => value);
    expect(entries(both)).toEqual([60, 30]);
    await stores[0].close();
    await settle();
    const one = await scrape();
    expect(entries(one)).toEqual([30]);
    expect([...one.keys()].filter((name) => name.includes('store="a"'))).toEqual([]);
    await stores[1].close();
    await settle();
    expect(register.getMetricsAsArray()).toEqual([]);
    const again = await openMemory('c');
    collect(again, { register, labels: { other: 'names' } });
    expect((await scrape()).size).toBeGreaterThan(50);
    await again.close();
  });

  test('are refused where they cannot be told apart', async () => {
    const store = await openMemory('a');
    collect(store, { register, labels: { store: 'a' } });
    const refusal = (labels: Record<string, string>): unknown => {
      try {
        collect(store, { register, labels });
        return undefined;
      } catch (error) {
        return error;
      }
    };
    expect(refusal({ store: 'a' })).toMatchObject({
      code: 'ARENA_INVALID_ARGUMENT',
      message: expect.stringContaining('already'),
    });
    expect(refusal({ shop: 'a' })).toMatchObject({
      message: expect.stringContaining('have the labels store, not shop'),
    });
    expect(refusal({ level: 'a' })).toMatchObject({ message: expect.stringContaining("label 'level'") });
    await store.close();
  });
});

describe('collect', () => {
  test('asks for stats once a scrape, and not at all when it has been stopped', async () => {
    const store = await openMemory('a');
    let asked = 0;
    const listeners: string[] = [];
    const observed: ObservedStore = {
      stats: () => {
        asked++;
        return store.stats();
      },
      on: (name) => void listeners.push(name),
      off: (name) => void listeners.splice(listeners.indexOf(name), 1),
    };
    expect(() => collect(observed, { register })).toThrow(/'labels' is needed/);
    const stop = collect(observed, { register, labels: { store: 'a' } });
    expect(listeners.length).toBeGreaterThan(5);
    await scrape();
    await scrape();
    expect(asked).toBe(2);
    stop();
    stop();
    await scrape();
    expect(asked).toBe(2);
    expect(listeners).toEqual([]);
    await store.close();
  });

  test('takes a register that was cleared for a new one, and leaves what is not its own', async () => {
    const store = await openMemory('a');
    collect(store, { register, labels: { store: 'a' } });
    register.clear();
    new client.Gauge({ name: 'mine', help: 'of somebody else', registers: [register] });
    collect(store, { register, labels: { store: 'a' } });
    expect((await scrape()).size).toBeGreaterThan(50);
    await store.close();
    await settle();
    expect(register.getMetricsAsArray().map(({ name }) => name)).toEqual(['mine']);
  });

  test('registers nothing where a name is taken', async () => {
    const store = await openMemory('a');
    new client.Gauge({ name: 'arena_level_flushes_total', help: 'of somebody else', registers: [register] });
    expect(() => collect(store, { register })).toThrow(
      expect.objectContaining({ code: 'ARENA_INVALID_ARGUMENT' }),
    );
    expect(register.getMetricsAsArray().map(({ name }) => name)).toEqual(['arena_level_flushes_total']);
    collect(store, { register, prefix: 'other_' });
    expect([...(await scrape()).keys()].some((name) => name.startsWith('other_flushes_total'))).toBe(true);
    await store.close();
  });

  test.each([
    [{ register: {} }, /'register' must be a Registry/],
    [{ prefix: 'no-name' }, /'prefix' must be the beginning of a metric name/],
    [{ labels: { a: 1 } }, /'labels' must be an object of strings/],
    [{ client: {} }, /'client' must be the module prom-client/],
    [{ registry: register }, /unknown collect option 'registry'/],
  ])('refuses options that are none: %#', async (options, message) => {
    const store = await openMemory('a');
    expect(() => collect(store, options as never)).toThrow(message);
    expect(() => collect({} as never)).toThrow(/metrics are of an open store/);
    await store.close();
  });
});
