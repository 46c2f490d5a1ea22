import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import { decodeVarint32, varintEnd } from '@arena-level/common/bytes/varint';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { BATCH_HEADER_BYTES, readBatchCount, readBatchSequence, validateBatch } from './batch-codec.ts';
import { JOURNAL, readBytes } from './log.test-support.ts';
import { LogWriter } from './log-writer.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);

type Operation = { type: 'put'; key: Uint8Array; value: Uint8Array } | { type: 'del'; key: Uint8Array };

/** One operation, as `put <hex key> <hex value>` or `del <hex key>`. */
const show = (operation: Operation): string =>
  [operation.type, hex(operation.key), ...(operation.type === 'put' ? [hex(operation.value)] : [])].join(' ');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The operations of a batch. REQUIRES: valid. */
function operationsOf(batch: Uint8Array): string[] {
  const operations: string[] = [];
  for (let at = BATCH_HEADER_BYTES; at < batch.length; ) {
    const isPut = batch[at] === 1;
    const keyLength = decodeVarint32(batch, at + 1, batch.length);
    const key = batch.subarray(varintEnd, varintEnd + keyLength);
    at = varintEnd + keyLength;
    if (!isPut) {
      operations.push(show({ type: 'del', key }));
      continue;
    }
    const valueLength = decodeVarint32(batch, at, batch.length);
    operations.push(show({ type: 'put', key, value: batch.subarray(varintEnd, varintEnd + valueLength) }));
    at = varintEnd + valueLength;
  }
  return operations;
}

function randomOperation(prng: Prng, valueBytes: number): Operation {
  const random = (length: number): Uint8Array => new Uint8Array(length).map(() => prng.nextU32());
  const key = random(prng.below(20));
  return prng.oneIn(4) ? { type: 'del', key } : { type: 'put', key, value: random(prng.below(valueBytes)) };
}

/** Batches as LevelDB is given them: small ones, empty keys, values that span blocks, one that ends near a block's end. */
function batches(prng: Prng): Operation[][] {
  const small = Array.from({ length: 60 }, () => [randomOperation(prng, 100)]);
  const many = Array.from({ length: 40 }, () =>
    Array.from({ length: 1 + prng.below(20) }, () => randomOperation(prng, 3000)),
  );
  const large: Operation[] = [
    { type: 'put', key: new Uint8Array(0), value: new Uint8Array(200_000).fill(7) },
  ];
  return [...small, large, ...many, ...small];
}

/** The one journal of a store that LevelDB wrote and did not flush. */
async function leveldbJournal(written: readonly Operation[][]): Promise<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), 'arena-level-journal-'));
  try {
    const db = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    for (const [i, batch] of written.entries()) await db.batch(batch, { sync: i % 50 === 0 });
    await db.close();
    const journals = readdirSync(directory).filter((name) => name.endsWith('.log'));
    expect(journals).toEqual(['000003.log']);
    return readFileSync(join(directory, journals[0]!));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('a journal that LevelDB wrote', () => {
  test(`is read to its end, batch by batch, and comes out byte for byte when it is written again (seed ${SEED})`, async () => {
    const written = batches(new Prng(SEED));
    const bytes = await leveldbJournal(written);
    expect(bytes.length).toBeGreaterThan(10 * 32_768);
    const { records, end } = readBytes(bytes);
    expect(end).toEqual({ kind: 'end', goodEnd: bytes.length });
    expect(records.length).toBe(written.length);

    let sequence = 1;
    for (const [i, record] of records.entries()) {
      const expected = written[i]!;
      expect(validateBatch(record, 0, record.length).kind, `batch ${i}`).toBe('valid');
      expect(readBatchSequence(record, 0), `batch ${i}`).toBe(sequence);
      expect(readBatchCount(record, 0), `batch ${i}`).toBe(expected.length);
      expect(operationsOf(record), `batch ${i}`).toEqual(expected.map(show));
      sequence += expected.length;
    }

    const storage = new MemoryStorage();
    const log = new LogWriter(storage.createNow(JOURNAL));
    for (const record of records) log.appendNow(record, 0, record.length);
    expect(Buffer.compare(storage.snapshot().get('000003.log')!, bytes)).toBe(0);
  });
});
