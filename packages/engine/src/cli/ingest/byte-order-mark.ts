import type { SourceChunks } from './source-item.ts';

const MARK: Buffer = Buffer.from('\ufeff');

/** The chunks without a UTF-8 byte order mark at their beginning, wherever the chunks are cut. */
export async function* withoutByteOrderMark(chunks: SourceChunks): AsyncGenerator<Uint8Array> {
  let start: Uint8Array | undefined = MARK.subarray(0, 0);
  for await (const chunk of chunks) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    start = start.length === 0 ? chunk : Buffer.concat([start, chunk]);
    if (start.length < MARK.length) continue;
    yield MARK.equals(start.subarray(0, MARK.length)) ? start.subarray(MARK.length) : start;
    start = undefined;
  }
  if (start !== undefined && start.length > 0) yield start;
}
