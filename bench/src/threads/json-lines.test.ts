import { expect, test } from 'vitest';
import { Dataset, WrongResult } from '../workloads/dataset.ts';
import { LineParser, linesOf } from './json-lines.ts';

const data = new Dataset({ keyBytes: 16, valueBytes: 100, compressible: 0.5, order: 'random' });

test.each([
  [1, 1],
  [10, 3],
  [1000, 2],
  [2, 3],
])('%d lines in %d parts come out as the records that went in', (records, parts) => {
  const { bounds, text } = linesOf(data, records, parts);
  const found: { key: Buffer; value: Buffer }[] = [];
  const sizes: number[] = [];
  for (const [part, from] of bounds.slice(0, -1).entries()) {
    const parser = new LineParser(text, from, bounds[part + 1]!);
    const before = found.length;
    for (let some = parser.next(7); some.length > 0; some = parser.next(7)) {
      expect(some.length).toBeLessThanOrEqual(7);
      found.push(...some);
    }
    sizes.push(found.length - before);
  }
  expect(sizes.length).toBe(parts);
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  expect(found.length).toBe(records);
  for (const [record, { key, value }] of found.entries()) {
    expect(key).toEqual(data.keyOf(record));
    data.checkValue(value, record, 0);
  }
});

test('a line with nothing in it is told', () => {
  const { bounds, text } = linesOf(data, 1, 1);
  const bytes = Buffer.from(text);
  const line = bytes.toString('latin1', 0, bounds[1]).replace(/"lat":[-\d.]+/, '"lat":null');
  const emptied = line.replace(/"tags":\[[^\]]*\]/, '"tags":[]');
  bytes.write(emptied, 0, 'latin1');
  expect(() => new LineParser(text, 0, emptied.length).next(1)).toThrow(WrongResult);
});
