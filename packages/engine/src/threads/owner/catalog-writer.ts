import { KIB } from '@arena-level/common/base/limits';
import { EMPTY_LEVELS, type Levels } from '../../version/version.ts';
import { type CatalogRecord, editBetween, encodeRecord } from '../control/catalog-record.ts';
import type { ControlBuffer } from '../control/control-buffer.ts';
import { ControlWord } from '../control/control-layout.ts';

const FIRST_BYTES = 16 * KIB;

/** The memory of the catalog, and its number. */
export interface CatalogBuffer {
  readonly id: number;
  readonly shared: SharedArrayBuffer;
}

/**
 * The catalog: which arenas and tables the store is made of, in shared memory, so that a thread that missed any number of
 * changes finds the newest lists without asking for them. It is written like a manifest: changes are appended; when the
 * memory is full it begins anew with everything in one record, in a larger memory where half of this one would not hold that.
 *
 * Threads read while the owner writes. Bytes below `catalog bytes` never change, but for a rewrite, during which `rewrites` is
 * odd: what was read across one is thrown away.
 */
export class CatalogWriter {
  readonly #words: Int32Array;
  readonly #onReplaced: (buffer: CatalogBuffer) => void;
  #buffer: CatalogBuffer = { id: 1, shared: new SharedArrayBuffer(FIRST_BYTES) };
  #bytes = 0;
  #levels: Levels = EMPTY_LEVELS;

  /** `onReplaced`: told of a new memory before any record is in it. */
  constructor(control: ControlBuffer, onReplaced: (buffer: CatalogBuffer) => void) {
    this.#words = control.words;
    this.#onReplaced = onReplaced;
    Atomics.store(this.#words, ControlWord.CatalogBuffer, this.#buffer.id);
  }

  get buffer(): CatalogBuffer {
    return this.#buffer;
  }

  /** One epoch more; its tables are `levels`. Visible to threads when it returns. */
  append(record: Omit<CatalogRecord, 'edit'>, levels: Levels): void {
    const bytes = encodeRecord({ ...record, edit: editBetween(this.#levels, levels) });
    if (this.#bytes + bytes.length > this.#buffer.shared.byteLength) {
      this.#rewrite(encodeRecord({ ...record, edit: editBetween(EMPTY_LEVELS, levels) }));
    } else {
      new Uint8Array(this.#buffer.shared).set(bytes, this.#bytes);
      this.#bytes += bytes.length;
      Atomics.store(this.#words, ControlWord.CatalogBytes, this.#bytes);
    }
    this.#levels = levels;
  }

  #rewrite(bytes: Uint8Array): void {
    if (2 * bytes.length > this.#buffer.shared.byteLength) {
      // Before threads are told of a rewrite: where there is no memory, the catalog stays what it was.
      const shared = new SharedArrayBuffer(Math.max(4 * bytes.length, 2 * this.#buffer.shared.byteLength));
      this.#buffer = { id: this.#buffer.id + 1, shared };
      this.#onReplaced(this.#buffer);
    }
    Atomics.add(this.#words, ControlWord.CatalogRewrites, 1);
    // A fence: plain writes could pass the store half of one read-modify-write, but not another one behind it (`cache-shard.ts`).
    Atomics.add(this.#words, ControlWord.CatalogRewrites, 0);
    new Uint8Array(this.#buffer.shared).set(bytes);
    this.#bytes = bytes.length;
    Atomics.store(this.#words, ControlWord.CatalogBuffer, this.#buffer.id);
    Atomics.store(this.#words, ControlWord.CatalogBytes, this.#bytes);
    Atomics.add(this.#words, ControlWord.CatalogRewrites, 1);
  }
}
