import type { SplitKind } from '@arena-level/common/protocol/ingest-protocol';
import type { SourcePiece } from './source-pieces.ts';

const NAMES: Readonly<Record<SplitKind, string>> = { lines: 'line', pieces: 'piece', records: 'record' };

/** Where in a source its pieces begin, as they are taken in order. Lines count from 1 in each file, records and pieces from 0. */
export class SourcePosition {
  #file: string | undefined;
  #units = 0;

  /** In words: a line, a record or a piece, by its number in this piece, which is the next one. */
  of({ split, file }: SourcePiece, unit: number): string {
    const before = file === this.#file ? this.#units : 0;
    const number = before + unit + (split === 'lines' ? 1 : 0);
    return `${NAMES[split]} ${number} of ${file === undefined ? 'the source' : `'${file}'`}`;
  }

  passed({ file }: SourcePiece, units: number): void {
    if (file !== this.#file) this.#units = 0;
    this.#file = file;
    this.#units += units;
  }
}
