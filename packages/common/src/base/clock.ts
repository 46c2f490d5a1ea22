/** The only source of time: injected, so that a run can be replayed. */
export interface Clock {
  /** Milliseconds since an arbitrary moment, monotonic, with fractions. */
  now(): number;
  /** Runs `callback` once after `delayMs`; the timer does not keep the process alive. Returns its cancellation. */
  after(delayMs: number, callback: () => void): () => void;
  /** Keeps the process alive until the function that it returns is called. */
  keepAlive(): () => void;
}

/** The longest that a timer waits. */
const FOREVER_MS = 2 ** 31 - 1;

/** Date and time in UTC, as `2026-01-31T23:59:59.123Z`, for people who read logs; nothing is measured with it. */
export function wallTime(): string {
  return new Date().toISOString();
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  keepAlive() {
    const timer = setInterval(() => {}, FOREVER_MS);
    return () => clearInterval(timer);
  },
};
