/** The two files that are text: CURRENT and the holder file. */
import { corruption } from '@arena-level/common/base/errors';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import {
  encodeHolder,
  type Holder,
  MAX_HOLDER_BYTES,
  parseHolder,
} from '../../packages/engine/src/lock/holder.ts';
import { readCurrentNow } from '../../packages/engine/src/manifest/current-file.ts';
import { demand, type FuzzTarget } from './fuzz-target.ts';
import type { Mutator } from './mutator.ts';

const HOLDER: Holder = {
  host: 'somewhere',
  machine: '7b1c3f',
  boot: 'b00t',
  pid: 4711,
  pidNamespace: 'pid:[4026531836]',
  startTime: '12345',
  nonce: '0f8fad5b-d9cb-469f-a165-70867728950e',
  threadId: 0,
  descriptor: 21,
  holderFile: '66306:1234',
  lockFile: undefined,
  since: '2025-11-22T10:00:00.000Z',
};

/** What means something in a number, a path or JSON. */
const LETTERS: Uint8Array = new TextEncoder().encode('0123456789-+.eE/\\\n\r\0 {}[]",:');
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export function nameTargets(): FuzzTarget[] {
  return [
    {
      name: 'CURRENT',
      weight: 8,
      corpus: ['MANIFEST-000005\n', 'MANIFEST-1234567\n', 'MANIFEST-9007199254740991\n', '../../x\n'].map(
        text,
      ),
      make: otherLetters,
      run: runCurrent,
    },
    {
      name: 'holder',
      weight: 8,
      corpus: [
        text(encodeHolder(HOLDER)),
        text('{}'),
        text('{"pid":1e999,"nonce":"../x","__proto__":{"host":1}}'),
      ],
      make: otherLetters,
      run: runHolder,
    },
  ];
}

/** Letters that mean something in place of others. */
function otherLetters(input: Uint8Array, _other: Uint8Array, mutator: Mutator): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(input);
  for (let n = 1 + mutator.prng.below(3); n > 0; n--)
    bytes[mutator.prng.below(bytes.length)] = mutator.pick([...LETTERS]);
  return bytes;
}

function runCurrent(input: Uint8Array): boolean {
  const storage = new MemoryStorage({ files: new Map([['CURRENT', input]]) });
  const number = readCurrentNow(storage);
  demand(number !== undefined && Number.isSafeInteger(number) && number >= 0, 'a number that is not exact');
  return true;
}

function runHolder(input: Uint8Array): boolean {
  const holder = parseHolder(new TextDecoder().decode(input.subarray(0, MAX_HOLDER_BYTES)));
  if (holder === undefined) throw corruption('no holder', 'arena.holder');
  demand(/^[0-9a-f-]+$/.test(holder.nonce), 'a nonce that is no part of a file name');
  demand(holder.pid > 0 && Number.isSafeInteger(holder.pid), 'a pid that is none');
  demand(parseHolder(encodeHolder(holder)) !== undefined, 'a holder that is written and read is none');
  return true;
}
