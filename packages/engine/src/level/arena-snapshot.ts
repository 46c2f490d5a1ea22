import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { Snapshot } from '../read/snapshot-list.ts';
import { SnapshotBase } from './base-classes.ts';

/** An explicit snapshot. Holds old versions of keys on disk until it is closed, by its owner at the latest. */
export class ArenaSnapshot extends SnapshotBase {
  readonly #snapshot: Snapshot;

  constructor(snapshot: Snapshot, options: { readonly owner: object }) {
    super(options);
    this.#snapshot = snapshot;
  }

  /** The engine's snapshot behind a database's. Throws ARENA_INVALID_ARGUMENT for what is none of an ArenaLevel. */
  static behind(snapshot: unknown): Snapshot {
    if (snapshot instanceof ArenaSnapshot) return snapshot.#snapshot;
    throw new EngineError(
      ErrorCode.InvalidArgument,
      "option 'snapshot' must be what snapshot() of this database gave",
    );
  }

  get _held(): Snapshot {
    return this.#snapshot;
  }

  async _close(): Promise<void> {
    this.#snapshot.close();
  }
}
