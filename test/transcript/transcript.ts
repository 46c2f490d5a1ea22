/** A transcript: file operations and the engine's events, in the order in which they happen, a line for each. */
import type { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { formatTrace } from '@arena-level/common/storage/storage-trace';
import type { OpenModules, StoreEventName, StoreEvents } from 'arena-level/engine';

type AnyEvent = Partial<StoreEvents[StoreEventName]> & Record<string, unknown>;

export class Transcript {
  readonly #storage: MemoryStorage;
  readonly #lines: string[] = [];
  #hasBegun = false;
  #seen: number;

  /** Begins with what happens next. */
  constructor(storage: MemoryStorage) {
    this.#storage = storage;
    this.#seen = storage.trace.entries.length;
  }

  /** For `OpenModules.trace`. */
  readonly onEvent: NonNullable<OpenModules['trace']> = (name, details) => {
    this.#takeOperations();
    this.#lines.push(`    * ${name} ${formatDetails(details as AnyEvent)}`.trimEnd());
  };

  /** Begins a part of the transcript; what came before the first one is left out. */
  heading(title: string): void {
    this.#takeOperations();
    if (!this.#hasBegun) this.#lines.length = 0;
    this.#hasBegun = true;
    if (this.#lines.length > 0) this.#lines.push('');
    this.#lines.push(`${title}:`);
  }

  finish(): string {
    this.#takeOperations();
    return `${this.#lines.join('\n')}\n`;
  }

  #takeOperations(): void {
    const { entries } = this.#storage.trace;
    for (const entry of entries.slice(this.#seen)) this.#lines.push(`  ${formatTrace([entry]).trimEnd()}`);
    this.#seen = entries.length;
  }
}

/** Times differ from run to run, and a root says nothing that the tables do not. */
const LEFT_OUT: ReadonlySet<string> = new Set(['timings', 'root', 'durationMs', 'location']);

function formatDetails(details: AnyEvent): string {
  return Object.entries(details)
    .filter(([name]) => !LEFT_OUT.has(name))
    .map(([name, value]) => `${name}=${value instanceof Error ? value.message : String(value)}`)
    .join(' ');
}
