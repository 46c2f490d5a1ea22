/**
 * How a block's contents become its stored bytes and back.
 *
 * Snappy comes from the optional native package `snappy` where it is installed, else from `snappy.ts` and
 * `snappy-encoder.ts`. Both give the same bytes; `compression.test.ts` compares them.
 */
import { corruption } from '../base/errors.ts';
import { GIB } from '../base/limits.ts';
import { loadOptional } from '../base/load-optional.ts';
import { BlockType } from './block-trailer.ts';
import { snappyClaimedLength, snappyDecode } from './snappy.ts';
import { snappyEncode, snappyMaxEncodedLength } from './snappy-encoder.ts';

/** Largest block that is read or written, before and after compression: the largest value fits, with room. */
export const MAX_BLOCK_BYTES: number = 1 * GIB;

interface NativeSnappy {
  compressSync(input: Uint8Array, options: { copyOutputData: boolean }): Uint8Array<ArrayBuffer>;
  uncompressSync(input: Uint8Array, options: { copyOutputData: boolean }): Uint8Array<ArrayBuffer>;
}

/** Copied output is on V8's heap: a block's worth costs a third to a half of an external buffer. */
const ON_HEAP = { copyOutputData: true } as const;

const native: NativeSnappy | undefined = loadOptional<NativeSnappy>('snappy');

/** What one implementation of snappy can do; decoding gives undefined for a malformed stream. */
export interface SnappyCodec {
  encode(contents: Uint8Array): Uint8Array<ArrayBuffer>;
  decode(stored: Uint8Array): Uint8Array<ArrayBuffer> | undefined;
}

export const javascriptSnappy: SnappyCodec = {
  encode(contents) {
    const target = new Uint8Array(snappyMaxEncodedLength(contents.length));
    return target.subarray(0, snappyEncode(contents, 0, contents.length, target));
  },
  decode: (stored) => snappyDecode(stored, 0, stored.length),
};

export const nativeSnappy: SnappyCodec | undefined =
  native === undefined
    ? undefined
    : {
        encode: (contents) => native.compressSync(contents, ON_HEAP),
        decode(stored) {
          const claimed = snappyClaimedLength(stored, 0, stored.length);
          if (claimed < 0) return undefined;
          try {
            const contents = native.uncompressSync(stored, ON_HEAP);
            return contents.length === claimed ? contents : undefined;
          } catch {
            return undefined;
          }
        },
      };

const codec: SnappyCodec = nativeSnappy ?? javascriptSnappy;

/**
 * The contents compressed, or undefined when that does not save an eighth: LevelDB stores such a block raw, and so
 * do we. The result is not the caller's to keep.
 */
export function compressSnappy(contents: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const stored = codec.encode(contents);
  return stored.length < contents.length - Math.floor(contents.length / 8) ? stored : undefined;
}

/**
 * The contents of a block from its stored bytes: a view of them when they are raw. `file` and `offset` say where
 * the block was read.
 */
export function decompressBlock(
  stored: Uint8Array<ArrayBuffer>,
  type: BlockType,
  file: string,
  offset: number,
): Uint8Array<ArrayBuffer> {
  if (type === BlockType.Raw) return stored;
  const claimed = snappyClaimedLength(stored, 0, stored.length);
  if (claimed > MAX_BLOCK_BYTES) {
    throw corruption(`compressed block claims ${claimed} bytes`, file, offset);
  }
  const contents = claimed < 0 ? undefined : codec.decode(stored);
  if (contents === undefined) throw corruption('compressed block is malformed', file, offset);
  return contents;
}
