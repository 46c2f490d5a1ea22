import { fileLike, sampleStore } from '../damage/sample-store.ts';
import { blockTargets } from './block-targets.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { logTargets } from './log-targets.ts';
import { nameTargets } from './name-targets.ts';
import { tableTargets } from './table-targets.ts';

/** A target for every parser of every kind of file. */
export async function allTargets(): Promise<FuzzTarget[]> {
  const sample = await sampleStore('none');
  const compressed = (await sampleStore('snappy')).files;
  const tablesOf = (files: ReadonlyMap<string, Uint8Array>): Uint8Array[] =>
    fileLike(files, /\.ldb$/).map((name) => files.get(name)!);
  const plain = tablesOf(sample.files);
  return [
    ...logTargets(sample),
    ...nameTargets(),
    ...blockTargets(plain),
    ...tableTargets(plain, tablesOf(compressed)),
  ];
}
