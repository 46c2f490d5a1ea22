import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { EMPTY_LEVELS, type Levels } from '../../version/version.ts';
import { VersionBuilder } from '../../version/version-builder.ts';
import {
  type CatalogRecord,
  decodeRecord,
  type PlacedArena,
  recordBytes,
  recordEpoch,
} from '../control/catalog-record.ts';
import type { ControlBuffer } from '../control/control-buffer.ts';
import { ControlWord } from '../control/control-layout.ts';

/** What a store is made of at one epoch. */
export interface StoreLists {
  readonly epoch: number;
  /** Active first. */
  readonly arenas: readonly PlacedArena[];
  readonly levels: Levels;
  /** Arenas below `nextArena` that are not among these will not be named again. */
  readonly arenasInUse: readonly number[];
  readonly nextArena: number;
}

/** The reading side of the catalog (`owner/catalog-writer.ts`): follows it from record to record. */
export class CatalogReader {
  readonly #words: Int32Array;
  #id = 0;
  #bytes: Uint8Array<SharedArrayBuffer> | undefined;
  /** What was read last is at `#rewrites`, and ends at `#end`. */
  #rewrites = -1;
  #end = 0;
  #levels: Levels = EMPTY_LEVELS;
  #last: CatalogRecord | undefined;

  constructor(control: ControlBuffer) {
    this.#words = control.words;
  }

  /** The catalog is in this memory, from some moment on. */
  setBuffer(id: number, shared: SharedArrayBuffer): void {
    this.#id = id;
    this.#bytes = new Uint8Array(shared);
  }

  /**
   * The lists of the newest epoch up to `epoch`; undefined: the catalog is being rewritten, begins behind that epoch by
   * now, or its memory has not come yet.
   */
  read(epoch: number): StoreLists | undefined {
    const rewrites = Atomics.load(this.#words, ControlWord.CatalogRewrites);
    if ((rewrites & 1) === 1) return undefined;
    const id = Atomics.load(this.#words, ControlWord.CatalogBuffer);
    const end = Atomics.load(this.#words, ControlWord.CatalogBytes);
    if (this.#bytes === undefined || this.#id !== id) return undefined;
    const isAnew = rewrites !== this.#rewrites;
    const news = this.#bytes.slice(isAnew ? 0 : this.#end, end);
    // Not a load: plain reads before it could come after it (`CacheShard.wasQuiet`); this one stores, and keeps them before it.
    if (Atomics.add(this.#words, ControlWord.CatalogRewrites, 0) !== rewrites) return undefined;
    if (isAnew) {
      this.#rewrites = rewrites;
      this.#end = 0;
      this.#last = undefined;
    }
    this.#apply(news, isAnew ? EMPTY_LEVELS : this.#levels, epoch);
    if (this.#last === undefined) return undefined;
    const { arenas, arenasInUse, nextArena, epoch: found } = this.#last;
    return { epoch: found, arenas, levels: this.#levels, arenasInUse, nextArena };
  }

  #apply(news: Uint8Array, base: Levels, epoch: number): void {
    const builder = new VersionBuilder(base, misfit);
    let at = 0;
    while (at < news.length && recordEpoch(news, at) <= epoch) {
      this.#last = decodeRecord(news, at);
      builder.apply(this.#last.edit);
      at += recordBytes(news, at);
    }
    this.#end += at;
    this.#levels = builder.build();
  }
}

function misfit(reason: string): EngineError {
  return new EngineError(ErrorCode.Internal, `the catalog does not fit together: ${reason}`);
}
