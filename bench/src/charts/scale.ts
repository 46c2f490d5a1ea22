/** Ticks and their words. Pure. */

const STEPS = [1, 2, 5, 10];

/** Round numbers from 0 to at least `max`, about `count` of them. */
export function linearTicks(max: number, count: number): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = STEPS.find((one) => one * size >= rough)! * size;
  const ticks: number[] = [];
  for (let at = 0; at * step < max + step * 0.999; at++) ticks.push(round(at * step));
  return ticks;
}

/** Powers of ten around the range. */
export function logTicks(min: number, max: number): number[] {
  const first = Math.floor(Math.log10(min));
  const last = Math.ceil(Math.log10(max));
  return Array.from({ length: Math.max(1, last - first) + 1 }, (_, at) => round(10 ** (first + at)));
}

/** 1 to 4 characters and a unit of thousands: `0.25`, `12`, `340k`, `1.5M`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trimmed(value / 1e9)}G`;
  if (size >= 1e6) return `${trimmed(value / 1e6)}M`;
  if (size >= 1e4) return `${trimmed(value / 1e3)}k`;
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return trimmed(value);
}

function trimmed(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return String(Number(value.toFixed(digits)));
}

function round(value: number): number {
  return Number(value.toPrecision(12));
}
