/** The only source of time: injected, so that a run can be replayed. */
export interface Clock {
  /** Milliseconds since an arbitrary moment, monotonic, with fractions. */
  now(): number;
  /** Runs `callback` once after `delayMs`; the timer does not keep the process alive. Returns its cancellation. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
