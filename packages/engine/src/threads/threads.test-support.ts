/** Both sides of a shared store on one thread, for tests of the steps between them. */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { createArena } from '@arena-level/common/arena/arena';
import { systemClock } from '@arena-level/common/base/clock';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import type { MemDb } from '@arena-level/common/memdb/memdb';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { onTestFinished } from 'vitest';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { EMPTY_LEVELS, type Levels } from '../version/version.ts';
import { ThreadViews } from './attached/thread-views.ts';
import { type ControlBuffer, createControl } from './control/control-buffer.ts';
import { SlotState } from './control/control-layout.ts';
import { ThreadSlot } from './control/thread-slot.ts';
import { CatalogWriter } from './owner/catalog-writer.ts';

/** A slot that does something in the middle of a step of its thread. */
export class InterruptedSlot extends ThreadSlot {
  /** Runs once, right after the next epoch is stored as seen. */
  onSeen: (() => void) | undefined;

  /** Runs in the place of a wait for the signal. */
  onWait: (() => void) | undefined;

  override waitForSignal(value: number, timeoutMs: number): void {
    if (this.onWait === undefined) super.waitForSignal(value, timeoutMs);
    else this.onWait();
  }

  override get seen(): number {
    return super.seen;
  }

  override set seen(epoch: number) {
    super.seen = epoch;
    const { onSeen } = this;
    this.onSeen = undefined;
    onSeen?.();
  }
}

export class OwnerAndThread {
  readonly control: ControlBuffer = createControl();
  readonly slot: InterruptedSlot;
  readonly views: ThreadViews;
  readonly obsolete: number[] = [];
  readonly #port: MessagePort;
  readonly #catalog: CatalogWriter;
  #arenas = 0;
  #memdb: MemDb | undefined;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    this.#port = port1;
    this.#catalog = new CatalogWriter(this.control, ({ id, shared }) =>
      port1.postMessage({ kind: 'catalog', id, shared }),
    );
    port1.postMessage({ kind: 'catalog', ...this.#catalog.buffer });
    this.slot = new InterruptedSlot(this.control.words, 0);
    this.slot.hand();
    this.slot.change(SlotState.Handed, SlotState.Attached);
    this.views = new ThreadViews({
      control: this.control,
      slot: this.slot,
      port: port2,
      clock: systemClock,
      onRing: () => {},
      onControl: () => {},
      onObsolete: (table) => this.obsolete.push(table),
    });
  }

  /** One epoch more, with a MemDB of its own that begins above `sequence`. Returns what sends its arena, if that `isLate`. */
  publish(sequence = 0, levels: Levels = EMPTY_LEVELS, isLate = false): () => void {
    const arena = createArena({ kind: MemDbKind.Hash, kvBytes: 4096 });
    arena.activate(sequence);
    this.#memdb = createMemDb(arena);
    this.#memdb.publishLinksAtomically = true;
    const id = ++this.#arenas;
    const send = (): void => this.#port.postMessage({ kind: 'arena', id, shared: arena.shared });
    if (!isLate) send();
    const epoch = Math.max(this.control.epoch, 0) + 1;
    this.#catalog.append(
      { epoch, nextArena: id + 1, arenasInUse: [id], arenas: [{ id, generation: arena.generation }] },
      levels,
    );
    this.control.epoch = epoch;
    return send;
  }

  /** What the thread has sent since. */
  heard(): unknown[] {
    const messages: unknown[] = [];
    for (let got = receiveMessageOnPort(this.#port); got !== undefined; ) {
      messages.push(got.message);
      got = receiveMessageOnPort(this.#port);
    }
    return messages;
  }

  /** One entry in the newest MemDB. */
  write(sequence: number): void {
    this.#memdb!.insert(RECORD, 0, RECORD.length, 1, sequence);
  }
}

/** A batch record: put `k` = `v`. */
const RECORD = Uint8Array.of(1, 1, 0x6b, 1, 0x76);

export function table(number: number, key = `key ${String(number).padStart(6, '0')}`): TableMetadata {
  const internal = Buffer.concat([
    Buffer.from(key),
    Buffer.from([1, number & 0xff, number >> 8, 0, 0, 0, 0, 0]),
  ]);
  return { number, size: 1000 + number, smallest: internal, largest: internal };
}

/** Levels with these tables in level 0, newest first, and in level 1. */
export function levelsOf(level0: readonly number[], level1: readonly number[] = []): Levels {
  return EMPTY_LEVELS.map((_, level) => {
    if (level > 1) return [];
    const tables = (level === 0 ? level0 : level1).map((number) => table(number));
    return level === 0
      ? tables.sort((a, b) => b.number - a.number)
      : tables.sort((a, b) => a.number - b.number);
  });
}
