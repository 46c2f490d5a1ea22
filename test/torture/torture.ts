import { seedFromEnvironment } from '../support/seed.ts';

/** How much to do: 1 reaches the figures that are asked for. */
export const SCALE = Number(process.env['TORTURE_SCALE'] ?? 1);

export const SEED: number = seedFromEnvironment(20_251_122);

/** So many at the scale that was asked for; at least one. */
export function scaled(count: number): number {
  return Math.max(1, Math.round(count * SCALE));
}

const REPORT_EVERY_MS = 5000;

/** Says how far a long test has come, now and then, and at its end. */
export class Progress {
  readonly #title: string;
  #lastMs = performance.now();

  constructor(title: string) {
    this.#title = title;
  }

  report(figures: Readonly<Record<string, number>>): void {
    if (performance.now() - this.#lastMs < REPORT_EVERY_MS) return;
    this.#lastMs = performance.now();
    this.#say(figures);
  }

  finish(figures: Readonly<Record<string, number>>): void {
    this.#say(figures);
  }

  #say(figures: Readonly<Record<string, number>>): void {
    const text = Object.entries(figures).map(([name, value]) => `${value} ${name}`);
    process.stderr.write(`${this.#title}: ${text.join(', ')}\n`);
  }
}
