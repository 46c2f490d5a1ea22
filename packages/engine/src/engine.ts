/** The engine on plain bytes, without the abstract-level layer. */
export { EngineError, ErrorCode } from '@arena-level/common/base/errors';
export { MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@arena-level/common/base/limits';
export type {
  AttachmentMessage,
  AttachmentReason,
  ChannelMessages,
  ChannelName,
  ClearMessage,
  CompactionMessage,
  ErrorMessage,
  ErrorReason,
  FlushMessage,
  IngestMessage,
  IngestReason,
  OpenMessage,
  RotationMessage,
  StallMessage,
} from './channels/messages.ts';
export { destroy } from './db/destroy-store.ts';
export { diagnose } from './db/diagnose-store.ts';
export type { OpenModules } from './db/open-modules.ts';
export { open } from './db/open-store.ts';
export { type RepairOptions, repair } from './db/repair-store.ts';
export { Store } from './db/store.ts';
export { diagnoseStats } from './doctor/diagnose-stats.ts';
export type { StoreListener } from './events/event-sink.ts';
export type {
  ClearReason,
  CompactionReason,
  FlushPlace,
  IngestPath,
  RotationReason,
  StallReason,
  StoreEventName,
  StoreEvents,
} from './events/events.ts';
export type { Entry } from './iterator/entry-batch.ts';
export type { StoreIterator } from './iterator/store-iterator.ts';
export { arenaBudget, setArenaBudget } from './memtable/arena-budget.ts';
export type { OpenOptions } from './options/options.ts';
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
  BatchOperation,
  CheckpointOptions,
  CheckpointProgress,
  CheckpointReport,
  ClearRange,
  CompactRangeOptions,
  CompactRangeProgress,
  DestroyReport,
  FileProblem,
  MasterRoot,
  ReadOptions,
  RecoveryReport,
  RepairProgress,
  RepairReport,
  RotateOptions,
  SnapshotHandle,
  VerifyOptions,
  VerifyProgress,
  VerifyReport,
  WriteOptions,
} from './public/public-types.ts';
export type { CompactionLevelStats, HitStats, LevelStats, StallStats, StoreStats } from './public/stats.ts';
export type { StoreIteratorReadOptions } from './read/read-path.ts';
export type { Snapshot } from './read/snapshot-list.ts';
export { type AttachOptions, attach } from './threads/attached/attach.ts';
export type { AttachedStore } from './threads/attached/attached-store.ts';
export type { ThreadHandle } from './threads/control/handle.ts';
export type { StoreControl } from './threads/control/store-control.ts';
export type { ShareOptions } from './threads/owner/share-options.ts';
