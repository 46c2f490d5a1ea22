import { spread } from '../support/statistics.ts';
import type { Bar } from './chart.ts';
import { colorOf } from './palette.ts';

/** The median of an engine's figures with their range; undefined when it has none. Pure. */
export function barOf(
  engine: string,
  values: readonly (number | undefined)[],
  name: string = engine,
): Bar | undefined {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return undefined;
  const { max, median, min } = spread(known);
  return { name, color: colorOf(engine), value: median, low: min, high: max };
}

export function barsOf(groups: Iterable<readonly [string, readonly (number | undefined)[]]>): Bar[] {
  return [...groups].map(([engine, values]) => barOf(engine, values)).filter((bar) => bar !== undefined);
}
