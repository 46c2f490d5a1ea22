import { readFileSync } from 'node:fs';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { open } from 'arena-level/engine';
import { collect } from 'arena-level/prometheus';
import client from 'prom-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { bytes, key } from '../support/text-bytes.ts';

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: unknown;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: Place;
  readonly datasource?: unknown;
  readonly targets?: readonly Target[];
}

interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { name: string; type: string; query: unknown; datasource?: unknown }[];
  };
}

const read = (path: string): string => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8');
const dashboard = JSON.parse(read('grafana/arena-level.json')) as Dashboard;
const charts = dashboard.panels.filter(({ type }) => type !== 'row');
const expressions = charts.flatMap(({ targets }) => targets!.map(({ expr }) => expr));
const DATASOURCE = { type: 'prometheus', uid: '$' + '{datasource}' };

/** Metrics that are exported, with the labels of their series. */
const exported = new Map<string, Set<string>>();

beforeAll(async () => {
  const register = new client.Registry();
  const storage = new MemoryStorage();
  const store = await open('a', { flush: 'inline', level0CompactionTrigger: 2 }, { storage });
  collect(store, { register });
  for (let i = 0; i < 4; i++) {
    await store.put(key(i), bytes('value'));
    await store.flush();
  }
  await store.compactRange();
  await settle();
  for (const { name, labelNames } of register.getMetricsAsArray() as unknown as {
    name: string;
    labelNames: string[];
  }[]) {
    exported.set(name, new Set(labelNames));
  }
  await store.close();
});

/** Names of metrics in a text, without what a histogram adds to its own. */
function metricsIn(text: string): string[] {
  const names = text.match(/\barena_level_[a-z0-9_]+\b/g) ?? [];
  return names.map((name) => name.replace(/(_seconds)_(bucket|sum|count)$/, '$1'));
}

describe('the dashboard', () => {
  test('asks only for metrics that are exported, with labels that they have', () => {
    expect(expressions.length).toBeGreaterThan(30);
    for (const expression of expressions) {
      const names = metricsIn(expression);
      expect(names.length, expression).toBeGreaterThan(0);
      for (const name of names) expect([...exported.keys()], expression).toContain(name);
      const labels = new Set(['le', ...names.flatMap((name) => [...exported.get(name)!])]);
      const used = [
        ...[...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/)),
        ...[...expression.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, name]) => name!),
      ];
      expect(used.length, expression).toBeGreaterThan(0);
      for (const label of used) expect([...labels], expression).toContain(label);
    }
  });

  test('asks for buckets of histograms only, and for rates of counters only', () => {
    for (const expression of expressions) {
      const rated = [...expression.matchAll(/\b(?:rate|increase)\((arena_level_\w+)/g)].map(
        ([, name]) => name!,
      );
      for (const name of rated) expect(name, expression).toMatch(/_(total|bucket)$/);
      const others = expression.replace(/\b(?:rate|increase)\((arena_level_\w+)/g, '');
      expect(others.match(/arena_level_\w+_(total|bucket)\b/), expression).toBeNull();
      if (expression.includes('_bucket')) expect(expression).toMatch(/histogram_quantile\(.*by \(le, /);
    }
  });

  test('names in legends the labels that its series have', () => {
    for (const { targets } of charts) {
      for (const { expr, legendFormat } of targets!) {
        const by = /\bby \(([^)]*)\)/.exec(expr);
        const kept = by !== null ? by[1]!.split(/,\s*/) : [...exported.get(metricsIn(expr)[0]!)!];
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(kept, expr).toContain(label);
      }
    }
  });

  test('has panels with ids and places of their own, each with the chosen data source', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { title, datasource, targets } of charts) {
      expect(datasource, title).toEqual(DATASOURCE);
      for (const target of targets!) expect(target.datasource, title).toEqual(DATASOURCE);
      expect(new Set(targets!.map(({ refId }) => refId)).size, title).toBe(targets!.length);
    }
    const cells = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.get(`${x} ${y}`), `${title} overlaps`).toBeUndefined();
          cells.set(`${x} ${y}`, title);
        }
      }
    }
  });

  test('has a variable for the data source and one for the stores', () => {
    expect(dashboard).toMatchObject({ uid: 'arena-level', schemaVersion: expect.any(Number) });
    const [datasource, store] = dashboard.templating.list;
    expect(datasource).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    expect(store).toMatchObject({ name: 'store', type: 'query', datasource: DATASOURCE });
    const names = metricsIn(JSON.stringify(store!.query));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(exported.get(name)).toContain('store');
  });
});

test('the guide names only metrics that are exported', () => {
  const names = metricsIn(read('guides/monitoring.md'));
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) expect([...exported.keys()]).toContain(name);
});
