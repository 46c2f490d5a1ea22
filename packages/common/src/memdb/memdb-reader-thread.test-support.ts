/**
 * A thread that reads an arena while its owner inserts, and counts what is wrong. Bundled and started by
 * `memdb-threads.test.ts`.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { attachArena } from '../arena/arena.ts';
import { Prng } from '../base/prng.ts';
import { attachMemDb } from './create-memdb.ts';
import type { MemDbReader } from './memdb.ts';
import { ControlWord, KEYS, type ReaderTask, writeOf } from './memdb-threads.test-support.ts';

const task = workerData as ReaderTask;
const control = new Int32Array(task.control);
const prng = new Prng(task.seed);
const reader = attachMemDb(attachArena(task.arena, { generation: task.generation }));
const problems: string[] = [];

Atomics.store(control, ControlWord.Ready, 1);
for (let round = 0; ; round++) {
  const isLast = Atomics.load(control, ControlWord.Done) === 1;
  for (let i = 0; i < 200; i++) checkFind(reader);
  if (isLast || round % 20 === 0) checkIterator(reader);
  Atomics.add(control, ControlWord.Rounds, 1);
  if (isLast || problems.length > 10) break;
}
parentPort!.postMessage({ problems, count: reader.count });

/** Entry i is the newest of its key up to the entry KEYS further on. */
function checkFind({ count, arena }: MemDbReader): void {
  if (count === 0) return;
  const i = prng.oneIn(4) ? count - 1 : prng.below(count);
  const { key, value } = writeOf(i);
  const bytes = Buffer.from(key);
  const node = reader.find(bytes, 0, bytes.length, task.firstSequence + i + prng.below(KEYS));
  if (node === 0) {
    problems.push(`${count} entries: entry ${i} not found`);
    return;
  }
  const keyStart = reader.keyOffset(node);
  const valueStart = reader.valueOffset(node);
  const found = {
    key: Buffer.from(arena.kvData.slice(keyStart, keyStart + reader.keyLength(node))).toString(),
    value: Buffer.from(arena.kvData.slice(valueStart, valueStart + reader.valueLength(node))).toString(),
    sequence: reader.sequence(node),
  };
  if (found.key !== key || found.value !== (value ?? '') || found.sequence !== task.firstSequence + i) {
    problems.push(`${count} entries: entry ${i} is ${JSON.stringify(found)}`);
  }
}

function checkIterator(memdb: MemDbReader): void {
  if (prng.oneIn(2)) memdb.orderStep();
  const least = memdb.count;
  const iterator = memdb.iterator();
  const greatest = memdb.count;
  let entries = 0;
  let lastKey: string | undefined;
  let lastSequence = 0;
  for (iterator.first(); iterator.valid; iterator.next()) {
    entries++;
    const key = Buffer.from(iterator.keyBytes.slice(iterator.keyStart, iterator.keyEnd)).toString();
    const { sequence } = iterator;
    const inOrder = lastKey === undefined || lastKey < key || (lastKey === key && lastSequence > sequence);
    if (!inOrder) problems.push(`${key}#${sequence} comes after ${lastKey}#${lastSequence}`);
    if (writeOf(sequence - task.firstSequence).key !== key)
      problems.push(`${key}#${sequence} was never written`);
    lastKey = key;
    lastSequence = sequence;
  }
  if (entries < least || entries > greatest)
    problems.push(`${entries} entries instead of ${least} to ${greatest}`);
  iterator.release();
}
