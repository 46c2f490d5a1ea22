/** `--gte`, `--gt`, `--lte`, `--lt`, `--prefix`. */
import { compareBytes } from '@arena-level/common/bytes/compare';
import type { RangeBounds } from '../iterator/key-range.ts';
import { bytesOf, type Encoding } from './notation.ts';

export const RANGE_OPTIONS = {
  gte: { type: 'string' },
  gt: { type: 'string' },
  lte: { type: 'string' },
  lt: { type: 'string' },
  prefix: { type: 'string' },
} as const;

export const RANGE_HELP = `  --gte KEY, --gt KEY       keys from KEY on, or behind it
  --lte KEY, --lt KEY       keys up to KEY, or before it
  --prefix KEY              keys that begin with KEY`;

export type RangeValues = { readonly [N in keyof typeof RANGE_OPTIONS]?: string | undefined };

/** Keys that satisfy every bound given. */
export function rangeOf(values: RangeValues, encoding: Encoding): RangeBounds {
  const bound = (name: keyof RangeValues): Uint8Array | undefined => {
    const text = values[name];
    return text === undefined ? undefined : bytesOf(text, encoding, `--${name}`);
  };
  const prefix = bound('prefix');
  const behind = prefix && behindPrefix(prefix);
  return {
    gt: bound('gt'),
    gte: extreme(bound('gte'), prefix, 1),
    lt: extreme(bound('lt'), behind, -1),
    lte: bound('lte'),
  };
}

/** The narrower of two bounds: the greater one for `sign` 1, the smaller one for -1. */
function extreme(
  left: Uint8Array | undefined,
  right: Uint8Array | undefined,
  sign: 1 | -1,
): Uint8Array | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return compareBytes(left, right) * sign > 0 ? left : right;
}

/** The first key behind all that begin with `prefix`; undefined when there is none. */
function behindPrefix(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const behind = prefix.slice(0, length);
  behind[length - 1]! += 1;
  return behind;
}
