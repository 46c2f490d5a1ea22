/** The database: abstract-level over the engine. The engine on plain bytes is `arena-level/engine`. */
export { EngineError, ErrorCode } from '@arena-level/common/base/errors';
export { diagnose } from './db/diagnose-store.ts';
export type { RepairOptions } from './db/repair-store.ts';
export { diagnoseStats } from './doctor/diagnose-stats.ts';
export type { CompactionReason, IngestPath, StallReason, StoreEvents } from './events/events.ts';
export { ArenaLevel } from './level/arena-level.ts';
export { AttachedLevel } from './level/attached-level.ts';
export type { RelayedEventName } from './level/event-relay.ts';
export type {
  AdditionalIteratorOptions,
  ArenaSublevel,
  AttachedDatabaseOptions,
  AttachedOpenOptions,
  BatchOperation,
  BatchOptions,
  ChainedBatch,
  ChainedBatchWriteOptions,
  CompactRangeOptions,
  DatabaseOptions,
  DelOptions,
  GetManyOptions,
  GetOptions,
  HasManyOptions,
  HasOptions,
  Iterator,
  IteratorOptions,
  KeyIterator,
  KeyIteratorOptions,
  OpenOptions,
  PutOptions,
  Snapshot,
  StartEndOptions,
  ValueIterator,
  ValueIteratorOptions,
  WriteOptions,
} from './level/level-types.ts';
export type { DiagnoseOptions, Diagnosis, Finding, FindingKind, Severity } from './public/diagnosis.ts';
export type {
  IngestOptions,
  IngestProgress,
  IngestReport,
  IngestSource,
  ParseContext,
  ParsedEntry,
  ParseFunction,
} from './public/ingest-types.ts';
export type {
  CheckpointOptions,
  CheckpointProgress,
  CheckpointReport,
  CompactRangeProgress,
  DestroyReport,
  FileProblem,
  MasterRoot,
  RecoveryReport,
  RepairProgress,
  RepairReport,
  VerifyOptions,
  VerifyProgress,
  VerifyReport,
} from './public/public-types.ts';
export type { CompactionLevelStats, HitStats, LevelStats, StallStats, StoreStats } from './public/stats.ts';
export { type AttachOptions, attach } from './threads/attached/attach.ts';
export type { AttachedStore } from './threads/attached/attached-store.ts';
export type { ThreadHandle } from './threads/control/handle.ts';
export type { StoreControl } from './threads/control/store-control.ts';
export type { ShareOptions } from './threads/owner/share-options.ts';
