/**
 * The tables that a compaction or an ingest writes, one after the other: each is created with its first entry, and complete, synced
 * unless it is scratch, and closed before the next one begins. One owner.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { invariant } from '@arena-level/common/base/invariant';
import type { CompactedTable, CompactionJob } from '@arena-level/common/protocol/compaction-protocol';
import { tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage, WritableFile } from '@arena-level/common/storage/storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import { closeOrDiscard, discard, removeQuietly } from './temporary-table.ts';

/** Where the tables go, and what they are like. */
export interface OutputPlan extends Pick<CompactionJob, 'tempNumbers' | 'options' | 'maxTableBytes'> {
  /** They are not synced. Default false. */
  readonly isScratch?: boolean;
}

interface OpenTable {
  readonly tempNumber: number;
  readonly file: WritableFile;
  readonly builder: TableBuilder;
}

export class OutputTables {
  readonly #job: OutputPlan;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #tables: CompactedTable[] = [];
  #open: OpenTable | undefined;
  #syncMs = 0;

  constructor(job: OutputPlan, storage: Storage, clock: Clock) {
    this.#job = job;
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Those that are complete. */
  get tables(): readonly CompactedTable[] {
    return this.#tables;
  }

  /** Milliseconds. */
  get syncMs(): number {
    return this.#syncMs;
  }

  /** Whether there is a table that can end here: the last one has to take the rest. */
  get canCut(): boolean {
    return this.#open !== undefined && this.#tables.length + 1 < this.#job.tempNumbers.count;
  }

  /** Whether the current table has the bytes it may have. */
  get isFull(): boolean {
    return this.#open !== undefined && this.#open.builder.sizeBytes >= this.#job.maxTableBytes;
  }

  /** The current table; a new one when there is none. */
  builder(): TableBuilder {
    this.#open ??= this.#create();
    return this.#open.builder;
  }

  /** Bytes of the data block that is being built; 0 when there is none. */
  get openBlockBytes(): number {
    return this.#open === undefined ? 0 : this.#open.builder.openBlockBytes;
  }

  /** Lets the current data block have so many bytes more. */
  stretchBlock(bytes: number): void {
    this.#open?.builder.stretchBlock(bytes);
  }

  /** Completes the current table, if there is one. */
  finish(): void {
    const open = this.#open;
    if (open === undefined) return;
    const table = open.builder.finish();
    const startedMs = this.#clock.now();
    if (this.#job.isScratch !== true) open.file.syncNow();
    this.#syncMs += this.#clock.now() - startedMs;
    this.#open = undefined;
    closeOrDiscard(this.#storage, open.file);
    this.#tables.push({ tempNumber: open.tempNumber, table });
  }

  /** Removes all of them as far as that is possible. */
  discard(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) discard(this.#storage, open.file);
    for (const { tempNumber } of this.#tables.splice(0)) removeQuietly(this.#storage, tempFile(tempNumber));
  }

  #create(): OpenTable {
    const { tempNumbers, options } = this.#job;
    invariant(this.#tables.length < tempNumbers.count, 'a compaction has a number for each table it writes');
    const tempNumber = tempNumbers.first + this.#tables.length;
    const file = this.#storage.createNow(tempFile(tempNumber));
    return { tempNumber, file, builder: new TableBuilder(file, options) };
  }
}
