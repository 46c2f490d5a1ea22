import { expect, test } from 'vitest';
import { roundsText } from '../report/summaries.ts';
import { count } from '../support/text-table.ts';
import { figureTable } from './flush-table.ts';

const FIGURES = [{ name: 'rate', of: (run: { readonly rate?: number }) => run.rate, format: count }];

test('figures of several runs have their range, that of one run has none', () => {
  const table = figureTable(FIGURES, [
    { engine: 'a', rate: 300 },
    { engine: 'a', rate: 1000 },
    { engine: 'a', rate: 200 },
    { engine: 'b', rate: 7 },
    { engine: 'c' },
  ]);
  expect(table.split('\n').at(-1)).toMatch(/^ {2}rate {2}300 \(200-1,000\) {2}7$/);
});

test('words say of how many runs figures are', () => {
  expect(roundsText(1)).toContain('One run each');
  expect(roundsText(5)).toBe('Medians of 5 runs');
});
