import type { OwnerLink } from './owner-link.ts';

/**
 * How a thread that does not block comes to know of answers. Each message costs the owner as much as a dozen records, and
 * more while the thread sleeps, so one is asked for only when nothing else would have the thread look again:
 *
 * - one that is asked for, or on its way, serves all answers until it comes;
 * - a thread with several writes on their way looks once more in its next turn before it asks: it may go on writing, and
 *   whoever writes looks.
 */
export class ProgressWatch {
  readonly #link: Pick<OwnerLink, 'progress' | 'hasEnded' | 'awaitsMessage' | 'wantMessage' | 'keepAlive'>;
  readonly #look: () => void;
  readonly #ticketToHearOf: () => number;
  #isWanted = false;
  #isScheduled = false;
  /** Progress beyond which there is something to look at. */
  #seen = 0;

  /**
   * `look`: takes the answers that are there, and says by `begin` or `end` whether there are others to come.
   * `ticketToHearOf`: the write whose answer is worth a message.
   */
  constructor(
    link: Pick<OwnerLink, 'progress' | 'hasEnded' | 'awaitsMessage' | 'wantMessage' | 'keepAlive'>,
    look: () => void,
    ticketToHearOf: () => number,
  ) {
    this.#link = link;
    this.#look = look;
    this.#ticketToHearOf = ticketToHearOf;
  }

  /** There are so many writes without an answer. Whatever came up to `seen` was looked at. */
  begin(seen: number, writes: number): void {
    const { awaitsMessage } = this.#link;
    this.#isWanted = true;
    this.#seen = seen;
    this.#link.keepAlive(awaitsMessage);
    if (awaitsMessage || this.#isScheduled) return;
    if (writes === 1 && !this.#hasNews) {
      this.#ask();
    } else {
      this.#isScheduled = true;
      setImmediate(this.#onTurn);
    }
  }

  /** There are none. */
  end(): void {
    this.#isWanted = false;
    this.#link.keepAlive(false);
  }

  get #hasNews(): boolean {
    return this.#link.progress !== this.#seen || this.#link.hasEnded;
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false;
    if (!this.#isWanted) return;
    if (this.#hasNews) this.#look();
    else if (!this.#link.awaitsMessage) this.#ask();
  };

  #ask(): void {
    this.#link.wantMessage(this.#ticketToHearOf());
    // What the owner did before it could see that comes without a message.
    if (this.#hasNews) this.#look();
  }
}
