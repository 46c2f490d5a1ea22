/** One measured run of sustained overwriting: what the child process does and reports. */
import { Prng } from '@arena-level/common/base/prng';
import type { PutOperation } from '../micro/peer.ts';
import { type LoopDelay, LoopDelayMonitor } from '../support/loop-delay.ts';
import { threadCpu } from '../support/thread-cpu.ts';
import { diskBytes, type EngineName, type OverwriteStore, openEngine } from './engines.ts';

export interface OverwriteRequest {
  readonly engine: EngineName;
  readonly location: string;
  readonly records: number;
  readonly overwrites: number;
  readonly writeBufferBytes: number;
  readonly seed: number;
}

export interface OverwriteResult {
  readonly engine: EngineName;
  readonly overwrites: number;
  /** Of the overwrites: until the last batch was acknowledged, and until the store had settled. */
  readonly acknowledgedMs: number;
  readonly settledMs: number;
  readonly mainCpuMs: number;
  readonly loopDelay: LoopDelay;
  readonly writeAmplification: number | undefined;
  readonly stalls: Readonly<Record<string, number>> | undefined;
  readonly diskBytes: number;
}

const BATCH_RECORDS = 1000;
const KEY_BYTES = 16;
const VALUE_BYTES = 100;
const CHECKED_RECORDS = 1000;

export async function runOverwrite(request: OverwriteRequest): Promise<OverwriteResult> {
  const { engine, location, records, overwrites, writeBufferBytes, seed } = request;
  const prng = new Prng(seed);
  const store = await openEngine(engine, location, writeBufferBytes);
  await putAll(store, records, (at) => at, 1, prng);
  await store.settle();

  const cpu = threadCpu();
  const monitor = await LoopDelayMonitor.start();
  const cpuBefore = cpu.read();
  const start = performance.now();
  await putAll(store, overwrites, () => prng.below(records), 2, prng);
  const acknowledgedMs = performance.now() - start;
  await store.settle();
  const settledMs = performance.now() - start;
  const mainCpuMs = (cpu.read() - cpuBefore) / 1e6;
  const loopDelay = await monitor.stop();
  await check(store, records, prng);
  const result = {
    engine,
    overwrites,
    acknowledgedMs,
    settledMs,
    mainCpuMs,
    loopDelay,
    writeAmplification: store.writeAmplification(),
    stalls: store.stalls(),
    diskBytes: diskBytes(location),
  };
  await store.close();
  return result;
}

/** Puts records `of(0)`, `of(1)`, … in awaited batches. The first byte of a value says which round wrote it. */
async function putAll(
  store: OverwriteStore,
  count: number,
  of: (at: number) => number,
  round: number,
  prng: Prng,
): Promise<void> {
  const operations: PutOperation[] = Array.from({ length: BATCH_RECORDS }, () => ({
    type: 'put',
    key: Buffer.alloc(KEY_BYTES),
    value: Buffer.alloc(VALUE_BYTES, 'v'),
  }));
  for (let at = 0; at < count; ) {
    const size = Math.min(BATCH_RECORDS, count - at);
    for (let i = 0; i < size; i++, at++) {
      const { key, value } = operations[i]!;
      writeKey(key, of(at));
      for (let word = 4; word < VALUE_BYTES / 2; word += 4) value.writeUInt32LE(prng.nextU32(), word);
      value[0] = round;
    }
    await store.batch(size === BATCH_RECORDS ? operations : operations.slice(0, size));
  }
}

/** Sixteen bytes that look random, another for each record. */
function writeKey(key: Buffer, record: number): void {
  const hashed = Math.imul(record + 1, 0x9e3779b1) >>> 0;
  key.writeUInt32BE(hashed, 0);
  key.writeUInt32BE(Math.imul(hashed ^ (hashed >>> 15), 0x85ebca6b) >>> 0, 4);
  key.writeUInt32BE(record, 8);
  key.writeUInt32BE((hashed ^ 0x5bd1e995) >>> 0, 12);
}

async function check(store: OverwriteStore, records: number, prng: Prng): Promise<void> {
  const key = Buffer.alloc(KEY_BYTES);
  for (let i = 0; i < CHECKED_RECORDS; i++) {
    writeKey(key, prng.below(records));
    const value = await store.get(key);
    if (value === undefined || value.length !== VALUE_BYTES || (value[0] !== 1 && value[0] !== 2)) {
      throw new Error(`the record under ${key.toString('hex')} is not as it was written`);
    }
  }
}
