import { arena, arenaInline, arenaTwoWorkers } from './arena.ts';
import { arenaLevel } from './arena-level.ts';
import { classicLevel } from './classic-level.ts';
import type { Engine, LoadedEngine } from './engine.ts';
import { lmdb } from './lmdb.ts';
import { memoryLevel } from './memory-level.ts';
import { rocksdb } from './rocksdb.ts';
import { sqlite } from './sqlite.ts';

/** In the order of the tables: ours first. */
export const ENGINES: readonly Engine[] = [
  arena,
  arenaTwoWorkers,
  arenaInline,
  arenaLevel,
  classicLevel,
  lmdb,
  rocksdb,
  memoryLevel,
  sqlite,
];

export function engineNamed(name: string): Engine {
  const engine = ENGINES.find((one) => one.name === name);
  if (engine === undefined) throw new Error(`there is no engine '${name}'`);
  return engine;
}

export interface EngineChoice {
  readonly present: readonly { readonly engine: Engine; readonly loaded: LoadedEngine }[];
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

/** Loads engines; those that cannot take part are named with the reason. */
export async function loadEngines(names: readonly string[]): Promise<EngineChoice> {
  const present: { engine: Engine; loaded: LoadedEngine }[] = [];
  const missing: { name: string; why: string }[] = [];
  for (const name of names) {
    const engine = engineNamed(name);
    const loaded = await engine.load();
    if (typeof loaded === 'string') missing.push({ name, why: loaded });
    else present.push({ engine, loaded });
  }
  return { present, missing };
}
