import { corruption, ErrorCode, hasCode } from '@arena-level/common/base/errors';

/** A table of garbage has a problem in every byte; so many of them tell enough. */
const MAX_PROBLEMS = 100;

/** What a verification finds in one file, in words with offsets. */
export class ProblemList {
  readonly #file: string;
  readonly #messages: string[] = [];
  #omitted = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add(message: string, offset?: number): void {
    this.#push(corruption(message, this.#file, offset).message);
  }

  /** Runs a check. Damage that it throws is noted, and the answer undefined; other errors pass. */
  attempt<T>(check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (!hasCode(error, ErrorCode.Corruption)) throw error;
      this.#push((error as Error).message);
      return undefined;
    }
  }

  /** All of them; the last one counts those that were left out. */
  messages(): string[] {
    const more = this.#omitted === 0 ? [] : [`${this.#file}: ${this.#omitted} more problems`];
    return [...this.#messages, ...more];
  }

  #push(message: string): void {
    if (this.#messages.length < MAX_PROBLEMS) this.#messages.push(message);
    else this.#omitted++;
  }
}
