import {
  readmissing,
  readrandom,
  readrandomReopened,
  readrandomWarm,
  readreverse,
  readseq,
  readwhilewriting,
  seekrandom,
} from './reads.ts';
import { cities, file } from './real-data.ts';
import type { Workload } from './workload.ts';
import { deleterandom, fill100K, fillrandom, fillseq, fillsync, overwrite } from './writes.ts';
import { YCSB } from './ycsb.ts';

export const WORKLOADS: readonly Workload[] = [
  fillseq,
  fillrandom,
  overwrite,
  fillsync,
  fill100K,
  deleterandom,
  readrandom,
  readrandomReopened,
  readrandomWarm,
  readmissing,
  readseq,
  readreverse,
  seekrandom,
  readwhilewriting,
  ...YCSB,
  cities,
  file,
];

export function workloadNamed(name: string): Workload {
  const workload = WORKLOADS.find((one) => one.name === name);
  if (workload === undefined) throw new Error(`there is no workload '${name}'`);
  return workload;
}
