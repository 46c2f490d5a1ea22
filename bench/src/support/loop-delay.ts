/**
 * Delay of the event loop, sampled every millisecond by libuv.
 *
 * A sample is the time between two turns of a 1 ms timer, so that an idle loop already reads a little over 1 ms:
 * the idle reading is taken first, in the same process, and its median is subtracted from everything.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const RESOLUTION_MS = 1;
const IDLE_MS = 300;

export interface LoopDelay {
  /** Median of the idle loop: what was subtracted. */
  readonly idleMs: number;
  /** Over idle. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export class LoopDelayMonitor {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #idleMs: number;

  private constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** Takes the idle reading and starts to sample. */
  static async start(): Promise<LoopDelayMonitor> {
    const idle = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    idle.enable();
    await sleep(IDLE_MS);
    idle.disable();
    const monitor = new LoopDelayMonitor(idle.percentile(50) / 1e6);
    monitor.#histogram.enable();
    return monitor;
  }

  /** Ends the sampling. A turn is let pass first, so that a stretch that held the loop to the end counts. */
  async stop(): Promise<LoopDelay> {
    await sleep(2 * RESOLUTION_MS);
    this.#histogram.disable();
    const over = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - this.#idleMs);
    return {
      idleMs: this.#idleMs,
      p50Ms: over(this.#histogram.percentile(50)),
      p99Ms: over(this.#histogram.percentile(99)),
      p999Ms: over(this.#histogram.percentile(99.9)),
      maxMs: over(this.#histogram.max),
    };
  }
}
