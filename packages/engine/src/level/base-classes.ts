/**
 * abstract-level's classes with types for what its own declarations leave out: what implementors are given. At run time
 * they are the very classes.
 */
import {
  type AbstractDatabaseOptions,
  AbstractLevel,
  AbstractSnapshot,
  AbstractSublevel,
  type AbstractSublevelOptions,
} from 'abstract-level';
import type { Encoded } from './encoded.ts';
import type { LevelMethods } from './level-types.ts';

export type Manifest = ConstructorParameters<typeof AbstractLevel>[0] & { readonly getSync?: boolean };

export const LevelBase: new <TOpenOptions extends object, K, V>(
  manifest: Manifest,
  options: AbstractDatabaseOptions<K, V>,
) => LevelMethods<TOpenOptions, K, V> = AbstractLevel as never;

export const SublevelBase: new <TDatabase>(
  database: TDatabase,
  name: string,
  options: AbstractSublevelOptions<never, never> & { readonly manifest: Manifest },
) => AbstractSublevel<TDatabase, Encoded, never, never> = AbstractSublevel as never;

/** Attaches itself to its owner, which closes it when it is closed. */
export const SnapshotBase: new (options: { readonly owner: object }) => AbstractSnapshot =
  AbstractSnapshot as never;
