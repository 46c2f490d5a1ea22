import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Arena } from '@arena-level/common/arena/arena';
import { SlotState } from '../control/control-layout.ts';
import type { OwnerMessage, ThreadRing } from '../control/messages.ts';
import type { ControlTarget } from '../control/store-control.ts';
import type { ThreadSlot } from '../control/thread-slot.ts';
import type { CatalogBuffer } from './catalog-writer.ts';
import { ControlServer } from './control-server.ts';

/** Messages that a thread may leave in its port; beyond them it has to ask. Each may keep an arena in memory. */
const MAX_UNCONSUMED = 16;

export interface ThreadLinkOptions {
  readonly name: string | undefined;
  /** A thread that holds something back and does not take part for so long is given up. */
  readonly stallMs: number;
}

/** The owner's end of one handle: what was sent through its port, and how long the thread has been silent. */
export class ThreadLink {
  readonly slot: ThreadSlot;
  readonly index: number;
  readonly port: MessagePort;
  readonly #options: ThreadLinkOptions;
  /** Arenas that were sent. */
  readonly #sent = new Set<number>();
  #control: ControlServer | undefined;
  /** Wraps around, as the word of those that were taken. */
  #posted: number;
  #lastHeartbeat = 0;
  /** When the thread was asked to take part, and has not done so since; undefined: it has. */
  #askedAt: number | undefined;

  constructor(slot: ThreadSlot, index: number, port: MessagePort, options: ThreadLinkOptions) {
    this.slot = slot;
    this.index = index;
    this.port = port;
    this.#options = options;
    this.#posted = slot.taken;
  }

  get name(): string {
    const { thread } = this;
    return this.#options.name ?? (thread === undefined ? `handle ${this.index}` : `thread ${thread}`);
  }

  /** `threadId`; undefined before it has attached. */
  get thread(): number | undefined {
    return this.slot.thread;
  }

  /** Whether what its slot says counts. */
  get isAttached(): boolean {
    return this.slot.state === SlotState.Attached;
  }

  holds(epoch: number): boolean {
    return this.isAttached && this.slot.holds(epoch);
  }

  /** Sends what a list will name, unless the thread has it; what does not fit in the port now, it will ask for. */
  sendArena(id: number, arena: Arena, isAskedFor = false): void {
    if (this.#sent.has(id) || (!isAskedFor && this.#unconsumed >= MAX_UNCONSUMED)) return;
    this.#sent.add(id);
    this.#post({ kind: 'arena', id, shared: arena.shared });
  }

  sendCatalog({ id, shared }: CatalogBuffer): void {
    this.#post({ kind: 'catalog', id, shared });
  }

  /** The port of the ring goes with it. */
  sendRing(ring: ThreadRing): void {
    this.#post({ kind: 'ring', ...ring }, [ring.port]);
  }

  /** From now on the thread may call this. */
  sendControl(target: ControlTarget): void {
    const { port1, port2 } = new MessageChannel();
    this.#control = new ControlServer(port1, target);
    this.#post({ kind: 'control', port: port2 }, [port2]);
  }

  /** Nothing more is said or heard. */
  end(): void {
    this.#control?.end();
    this.port.close();
  }

  /** Asks a thread that may not be reading to take part; what is in its port already does so, too. */
  nudge(now: number): void {
    if (!this.isAttached) return;
    this.#askedAt ??= now;
    if (this.#unconsumed === 0) this.#post({ kind: 'move' });
  }

  forgetArena(id: number): void {
    this.#sent.delete(id);
  }

  /** For how long the thread has been asked to take part, and has not. */
  silentMs(now: number): number {
    const { heartbeat } = this.slot;
    if (heartbeat !== this.#lastHeartbeat) this.#askedAt = undefined;
    this.#lastHeartbeat = heartbeat;
    return this.#askedAt === undefined ? 0 : now - this.#askedAt;
  }

  get stallMs(): number {
    return this.#options.stallMs;
  }

  get #unconsumed(): number {
    return (this.#posted - this.slot.taken) | 0;
  }

  #post(message: OwnerMessage, transferList: readonly MessagePort[] = []): void {
    this.#posted = (this.#posted + 1) | 0;
    this.port.postMessage(message, transferList);
  }
}
