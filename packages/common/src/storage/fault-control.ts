import { errnoOf, ioError } from '../base/errors.ts';
import type { FaultPlan, FaultRule, StorageOperation } from './fault-plan.ts';
import type { FileType } from './file-desc.ts';
import type { StorageEvent } from './storage-trace.ts';
import { systemError } from './system-error.ts';

/** Counts operations, says which of them a plan lets fail, and keeps the transcript of what came of them. */
export class FaultControl {
  /** What changed files or made changes durable, in the order in which it ended. */
  readonly events: StorageEvent[] = [];
  readonly #counts = new Map<string, number>();
  #rules: { readonly rule: FaultRule; seen: number }[] = [];
  #fired = 0;

  constructor(plan: FaultPlan) {
    this.install(plan);
  }

  /** Follows another plan from now on, whose rules count from here. */
  install(plan: FaultPlan): void {
    this.#rules = plan.rules.map((rule) => ({ rule, seen: 0 }));
  }

  /** Counts one operation and returns the rule that lets it fail, if any. */
  next(operation: StorageOperation, type?: FileType): FaultRule | undefined {
    this.#increment(operation);
    if (type !== undefined) this.#increment(`${operation} ${type}`);
    let hit: FaultRule | undefined;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.operation !== operation || (rule.type !== undefined && rule.type !== type)) continue;
      entry.seen++;
      if (entry.seen >= rule.nth && entry.seen < rule.nth + rule.times) hit ??= rule;
    }
    if (hit !== undefined) this.#fired++;
    return hit;
  }

  countOf(operation: StorageOperation, type?: FileType): number {
    return this.#counts.get(type === undefined ? operation : `${operation} ${type}`) ?? 0;
  }

  get fired(): number {
    return this.#fired;
  }

  /** Runs what an event consists of and notes how it ended. */
  now<T>(event: StorageEvent, call: () => T): T {
    try {
      const result = call();
      this.#note(event, result);
      return result;
    } catch (error) {
      this.#noteError(event, error);
      throw error;
    }
  }

  async later<T>(event: StorageEvent, call: () => Promise<T>): Promise<T> {
    try {
      const result = await call();
      this.#note(event, result);
      return result;
    } catch (error) {
      this.#noteError(event, error);
      throw error;
    }
  }

  #note(event: StorageEvent, result: unknown): void {
    const short = event.operation === 'write' && typeof result === 'number' && result < event.length;
    this.events.push(short ? { ...event, outcome: String(result) } : event);
  }

  #noteError(event: StorageEvent, error: unknown): void {
    this.events.push({ ...event, outcome: errnoOf(error) ?? 'error' });
  }

  #increment(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

export function throwInjected(rule: FaultRule, action: string, name: string): never {
  throw ioError(action, name, systemError(rule.errno, `${action} ${name}`));
}
