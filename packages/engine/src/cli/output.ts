import type { CliIo } from './command.ts';

/** Small enough for a pipe to take it soon, large enough for few system calls. Characters. */
const PIECE = 32 * 1024;

/** Text to stdout in large pieces, no faster than its reader takes them. */
export class Output {
  readonly #io: Pick<CliIo, 'stdout' | 'interrupt'>;
  #parts: string[] = [];
  #length = 0;

  constructor(io: Pick<CliIo, 'stdout' | 'interrupt'>) {
    this.#io = io;
  }

  /** True when there is enough for a `flush`. */
  get isFull(): boolean {
    return this.#length >= PIECE;
  }

  line(text: string): void {
    this.#parts.push(text, '\n');
    this.#length += text.length + 1;
  }

  /** Hands over what was gathered. Resolves when there may be more, or nobody wants it any more. */
  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const { stdout, interrupt } = this.#io;
    const piece = this.#parts.join('');
    this.#parts = [];
    this.#length = 0;
    if (interrupt.aborted || stdout.write(piece)) return;
    await new Promise<void>((resolve) => {
      const events = ['drain', 'close', 'error'] as const;
      const done = (): void => {
        for (const event of events) stdout.off(event, done);
        interrupt.removeEventListener('abort', done);
        resolve();
      };
      for (const event of events) stdout.on(event, done);
      interrupt.addEventListener('abort', done);
    });
  }
}
