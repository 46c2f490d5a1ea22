/**
 * On which line the records of a delimited source begin, from what csv-parse tells: the line where it is, which at
 * the end of a record is its last one.
 *
 * It takes CR LF inside a quoted field for two lines; text editors take it for one.
 */

/** Where the parser is, as it counts. */
export interface ParserPosition {
  readonly lines: number;
  readonly empty_lines: number;
}

export class RecordLines {
  /** As the parser counts: the last line of the last record that was seen. */
  #lastLine = 0;
  #emptyLines = 0;
  /** Lines that the parser has counted and that are none. */
  #surplus = 0;

  /** The first line of a record that was read. */
  ofRecord(fields: readonly string[], position: ParserPosition): number {
    let lineEnds = 0;
    let surplus = 0;
    for (const field of fields) {
      // Most fields have neither.
      if (!/[\r\n]/.test(field)) continue;
      lineEnds += field.match(/[\r\n]/g)!.length;
      surplus += field.match(/\r\n/g)?.length ?? 0;
    }
    const line = position.lines - lineEnds - this.#surplus;
    this.#surplus += surplus;
    this.#passed(position);
    return line;
  }

  /** The first line of a record that could not be read; undefined when that record was given already. */
  ofSkipped(position: ParserPosition): number | undefined {
    if (position.lines <= this.#lastLine) return undefined;
    const emptyBefore = position.empty_lines - this.#emptyLines;
    const line = this.#lastLine + emptyBefore + 1 - this.#surplus;
    this.#passed(position);
    return line;
  }

  #passed({ lines, empty_lines }: ParserPosition): void {
    this.#lastLine = lines;
    this.#emptyLines = empty_lines;
  }
}
