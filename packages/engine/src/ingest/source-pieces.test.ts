import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { type ResolvedIngestOptions, resolveIngestOptions } from './ingest-options.ts';
import { type SourcePiece, SourcePieces } from './source-pieces.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_127);

function options(pieceBytes: number, maxLineBytes: number): ResolvedIngestOptions {
  return resolveIngestOptions([], { parse: './none.mjs', pieceBytes, maxLineBytes });
}

function* chunksOf(source: Buffer, prng: Prng): Generator<Uint8Array> {
  // One chunk of memory, as from somebody who uses it again.
  const chunk = Buffer.alloc(100);
  for (let at = 0; at < source.length; ) {
    const bytes = source.copy(chunk, 0, at, at + 1 + prng.below(chunk.length));
    yield chunk.subarray(0, bytes);
    at += bytes;
  }
}

/** Copies of the pieces; each is through when the next one is asked for, so that its memory is used again. */
async function piecesOf(chunks: Iterable<Uint8Array>, given: ResolvedIngestOptions): Promise<SourcePiece[]> {
  const source = new SourcePieces(chunks, given);
  const pieces: SourcePiece[] = [];
  for await (const piece of source.pieces()) {
    pieces.push(
      piece.bytes === undefined
        ? piece
        : { ...piece, bytes: new Uint8Array(new SharedArrayBuffer(piece.bytes.length)) },
    );
    pieces.at(-1)!.bytes?.set(piece.bytes!);
    source.through(piece);
  }
  return pieces;
}

describe('pieces of lines', () => {
  test(`are the source, cut behind line ends (seed ${SEED})`, async () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 60; round++) {
      const lines = Array.from({ length: prng.below(80) }, () =>
        'x'.repeat(prng.below(prng.oneIn(8) ? 900 : 60)),
      );
      const source = Buffer.from(lines.join('\n') + (prng.oneIn(2) ? '\n' : ''));
      const pieces = await piecesOf(chunksOf(source, prng), options(1 + prng.below(300), 1000));
      expect(pieces.every(({ failure }) => failure === undefined)).toBe(true);
      expect(Buffer.concat(pieces.map(({ bytes }) => bytes!)).equals(source), `round ${round}`).toBe(true);
      for (const { bytes } of pieces.slice(0, -1)) expect(bytes!.at(-1)).toBe(10);
    }
  });

  test.each([
    [1001, false],
    [1002, true],
  ])(
    'a line of %i bytes, a CR included, is too long where 1000 are allowed: %s',
    async (length, isTooLong) => {
      for (const end of ['', '\n', '\nnext\n']) {
        const source = Buffer.from(`first\n${'x'.repeat(length)}${end}`);
        const pieces = await piecesOf(chunksOf(source, new Prng(3)), options(50, 1000));
        const { failure } = pieces.at(-1)!;
        expect(failure?.code).toBe(isTooLong ? ErrorCode.TooLarge : undefined);
        const whole = Buffer.concat(pieces.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes])));
        expect(whole.toString()).toBe(isTooLong ? 'first\n' : source.toString());
      }
    },
  );
});
