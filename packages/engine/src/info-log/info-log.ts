/**
 * The file `LOG`: lines for people, as LevelDB writes them. `LOG` and `LOG.old` are at most `maxBytes` each.
 *
 *     2026/01/31-23:59:59.123000 0 flush: journal #2 became table #5: …
 *     date and time, UTC         thread
 *
 * Lines wait until the turn's microtasks and are written by the libuv pool, several at once; a thread that never comes to
 * that leaves lines out when too many wait. Nothing is ever synced. A failure is reported once, and then there is no log any
 * more: the store does not depend on it.
 */
import { threadId } from 'node:worker_threads';
import { INFO_LOG_FILE, OLD_INFO_LOG_FILE } from '@arena-level/common/storage/file-desc';
import type { Storage, WritableFile } from '@arena-level/common/storage/storage';
import { requireWholeWrite } from '../journal/whole-write.ts';

/** Of one line, in characters; the rest is cut off. */
const MAX_LINE = 2000;
/** Lines that wait to be written. */
const MAX_WAITING = 1000;
/** Bytes of one write, unless the file is to be smaller. */
const WRITE_BYTES = 16 * 1024;

export interface InfoLogModules {
  readonly storage: Storage;
  /** As `2026-01-31T23:59:59.123Z`. */
  readonly wallTime: () => string;
  /** Called once, when the log has failed and is given up. */
  readonly onFailure: (error: unknown) => void;
}

export class InfoLog {
  readonly #modules: InfoLogModules;
  readonly #maxBytes: number;
  #file: WritableFile | undefined;
  #size = 0;
  #waiting: string[] = [];
  #leftOut = 0;
  #writing: Promise<void> | undefined;
  #isClosing = false;
  #isGivenUp = false;

  /** Begins a new `LOG`. `maxBytes` 0: none at all. */
  constructor(modules: InfoLogModules, maxBytes: number) {
    this.#modules = modules;
    this.#maxBytes = maxBytes;
    if (maxBytes === 0) return;
    try {
      this.#beginFile();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** REQUIRES: one line, without keys or values. */
  write(text: string): void {
    if (this.#file === undefined || this.#isClosing) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#leftOut++;
      return;
    }
    this.#waiting.push(this.#lineOf(text));
    this.#writing ??= this.#writeWaiting();
  }

  /** Writes what waits and closes the file; it takes no more lines. Never rejects. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#writing;
    this.#letGo();
  }

  #lineOf(text: string): string {
    const [day, time] = this.#modules.wallTime().slice(0, -1).split('T');
    const line = `${day!.replaceAll('-', '/')}-${time}000 ${threadId} ${text.replaceAll('\n', ' ')}`;
    return `${line.slice(0, MAX_LINE)}\n`;
  }

  async #writeWaiting(): Promise<void> {
    await undefined;
    try {
      while (this.#waiting.length > 0 && this.#file !== undefined) {
        await this.#append(Buffer.from(this.#takeWaiting()));
      }
    } catch (error) {
      this.#giveUp(error);
    } finally {
      this.#writing = undefined;
    }
  }

  /** As many lines as fit one write, at least one. */
  #takeWaiting(): string {
    const limit = Math.min(WRITE_BYTES, this.#maxBytes);
    let text = '';
    let taken = 0;
    for (const line of this.#waiting) {
      // Lines are nearly always ASCII; of others a write may be longer.
      if (taken > 0 && text.length + line.length > limit) break;
      text += line;
      taken++;
    }
    this.#waiting.splice(0, taken);
    if (this.#waiting.length === 0 && this.#leftOut > 0) {
      this.#waiting.push(this.#lineOf(`${this.#leftOut} lines were left out here`));
      this.#leftOut = 0;
    }
    return text;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) {
      this.#letGo();
      this.#beginFile();
    }
    const file = this.#file!;
    const written = await file.write(bytes, 0, bytes.length, this.#size);
    requireWholeWrite(written, bytes.length, INFO_LOG_FILE);
    this.#size += written;
  }

  #beginFile(): void {
    const { storage } = this.#modules;
    if (storage.sizeNow(INFO_LOG_FILE) !== undefined) storage.renameNow(INFO_LOG_FILE, OLD_INFO_LOG_FILE);
    this.#file = storage.createNow(INFO_LOG_FILE);
    this.#size = 0;
  }

  #letGo(): void {
    const file = this.#file;
    this.#file = undefined;
    try {
      file?.closeNow();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#waiting = [];
    this.#letGo();
    this.#modules.onFailure(error);
  }
}
