import { throwIfAborted } from '@arena-level/common/base/aborting';
import { runLater } from '@arena-level/common/base/steps';
import { fromWireError } from '@arena-level/common/protocol/wire-error';
import type { TableCache } from '../cache/table-cache.ts';
import { totalSize } from '../compaction/level-scores.ts';
import type { FlushExecutor, VerifyOutcome } from '../flush/flush-executor.ts';
import type { Health } from '../health/health.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { MasterRoot, VerifyOptions, VerifyReport } from '../public/public-types.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { Version } from '../version/version.ts';
import type { VersionSet } from '../version/version-set.ts';

export interface VerificationModules {
  readonly versions: VersionSet;
  readonly roots: RootKeeper;
  readonly tables: TableCache;
  readonly executor: Pick<FlushExecutor, 'verify'>;
  readonly health: Health;
}

/** MasterRoot and verification of the committed tables. Each holds one version for as long as it works. */
export class Verification {
  readonly #modules: VerificationModules;

  constructor(modules: VerificationModules) {
    this.#modules = modules;
  }

  /** Roots that are not known are read from the tables, or computed in a worker where a table states none. */
  async masterRoot(): Promise<MasterRoot> {
    const { versions, health } = this.#modules;
    health.checkOpen();
    const version = versions.current;
    const sequence = versions.lastSequence;
    version.retain();
    try {
      return await this.masterRootOf(version, sequence);
    } finally {
      version.release();
    }
  }

  /** Of any version that the caller holds. The roots of all its tables are known afterwards. */
  async masterRootOf(version: Version, sequence: number): Promise<MasterRoot> {
    const { roots } = this.#modules;
    for (const table of version.levels.flat()) {
      if (roots.rootOf(table.number) === undefined) roots.learn(table.number, await this.#findRoot(table));
    }
    return roots.masterRootOf(version, sequence)!;
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const { versions, health } = this.#modules;
    health.checkOpen();
    const version = versions.current;
    version.retain();
    try {
      return await this.#verify(version, options);
    } finally {
      version.release();
    }
  }

  async #verify(version: Version, { signal, onProgress }: VerifyOptions): Promise<VerifyReport> {
    const { roots } = this.#modules;
    const bytesTotal = totalSize(version.levels.flat());
    let bytesDone = 0;
    const report = (): void =>
      onProgress?.({ tablesDone: tables, tables: version.tableCount, bytesDone, bytesTotal });
    const differing: { table: number; level: number; problems: readonly string[] }[] = [];
    let tables = 0;
    let entries = 0;
    let blocks = 0;
    report();
    for (const [level, list] of version.levels.entries()) {
      for (const table of list) {
        throwIfAborted(signal, 'the verification was aborted');
        const outcome = await this.#recompute(table);
        tables++;
        bytesDone += table.size;
        report();
        if (outcome.kind === 'failed') {
          differing.push({ table: table.number, level, problems: [outcome.error.message] });
          continue;
        }
        entries += outcome.entries;
        blocks += outcome.blocks;
        const problems = [...outcome.problems];
        // A table that contradicts itself is reported as that; what was recorded of it elsewhere must fit, too.
        if (problems.length === 0 && !roots.learn(table.number, outcome.root)) {
          problems.push(
            'the root computed from the data blocks is not the one recorded when the table was committed',
          );
        }
        if (problems.length > 0) differing.push({ table: table.number, level, problems });
      }
    }
    const root = await this.#rootOf(version, differing.length === 0);
    return { root, tables, entries, blocks, differing };
  }

  /** A table that cannot be read leaves no MasterRoot: an error is never a gap. */
  async #rootOf(version: Version, isSound: boolean): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return (await this.masterRootOf(version, 0)).root;
    } catch (error) {
      if (isSound) throw error;
      return undefined;
    }
  }

  async #findRoot(table: TableMetadata): Promise<Uint8Array> {
    const reader = await runLater(this.#modules.tables.acquire(table));
    try {
      const stated = await runLater(reader.merkle());
      if (stated !== undefined) return stated.root;
    } finally {
      this.#modules.tables.release(reader);
    }
    const outcome = await this.#recompute(table);
    if (outcome.kind === 'failed') throw fromWireError(outcome.error);
    return outcome.root;
  }

  #recompute(table: TableMetadata): Promise<VerifyOutcome> {
    const { number, size, smallest, largest } = table;
    return this.#modules.executor.verify({ tableNumber: number, size, smallest, largest });
  }
}
