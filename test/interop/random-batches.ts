import type { Prng } from '@arena-level/common/base/prng';
import type { BatchOperation } from 'arena-level/engine';

/** What a store holds, in hexadecimal, so that order and equality are those of the bytes. */
export type Model = Map<string, string>;

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Random operations, as batches, already entered in the model. */
export function* randomBatches(model: Model, batches: number, prng: Prng): Generator<BatchOperation[]> {
  for (let i = 0; i < batches; i++) {
    const operations = Array.from({ length: 1 + prng.below(12) }, (): BatchOperation => {
      const key = randomKey(prng);
      if (prng.oneIn(4)) return { type: 'del', key };
      return { type: 'put', key, value: randomValue(prng) };
    });
    for (const operation of operations) {
      if (operation.type === 'del') model.delete(hex(operation.key));
      else model.set(hex(operation.key), hex(operation.value));
    }
    yield operations;
  }
}

/** From few keys, so that versions pile up; among them the empty one, and bytes that text would not have. */
function randomKey(prng: Prng): Uint8Array {
  if (prng.oneIn(60)) return new Uint8Array(0);
  const key = Uint8Array.from(
    { length: 1 + prng.below(6) },
    () => [0x00, 0x01, 0x61, 0x62, 0xfe, 0xff][prng.below(6)]!,
  );
  return prng.oneIn(3) ? Buffer.concat([Buffer.from('a common beginning/'), key]) : key;
}

function randomValue(prng: Prng): Uint8Array {
  if (prng.oneIn(10)) return new Uint8Array(0);
  const length = prng.oneIn(40) ? 40_000 + prng.below(40_000) : prng.below(300);
  const value = new Uint8Array(length);
  // Half of it compressible.
  for (let i = 0; i < length >>> 1; i++) value[i] = prng.nextU32();
  return value;
}
