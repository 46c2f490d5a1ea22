/**
 * The layers of the repository, lowest first. A file may import files of lower tiers and of its own tier, as long
 * as neither files nor folders form a cycle; what a tier holds is a list of folders.
 */
export interface PackageLayers {
  /** Folder of the package. */
  readonly root: string;
  /** Roots of the packages whose files it may import. */
  readonly mayImport: readonly string[];
  /** Folders of `src`; `.` stands for the files directly in it. */
  readonly tiers: readonly (readonly string[])[];
}

export const LAYERS: readonly PackageLayers[] = [
  {
    root: 'packages/common/src',
    mayImport: [],
    tiers: [
      ['base'],
      ['bytes'],
      ['key', 'storage'],
      ['arena', 'memdb', 'iterator'],
      ['block', 'filter', 'merkle', 'table', 'rings'],
      ['protocol'],
    ],
  },
  { root: 'packages/worker-flush/src', mayImport: ['packages/common/src'], tiers: [['.']] },
  {
    root: 'packages/engine/src',
    mayImport: ['packages/common/src', 'packages/worker-flush/src'],
    tiers: [
      ['options', 'events', 'public'],
      ['lock', 'health', 'channels', 'info-log', 'journal', 'manifest', 'version', 'cache', 'iterator'],
      ['memtable', 'flush', 'compaction', 'roots', 'recovery'],
      ['read', 'write', 'repair', 'doctor', 'checkpoint', 'read-only', 'ingest'],
      ['rings'],
      ['threads'],
      ['db'],
      ['level', 'streams', 'prometheus'],
      ['cli', '.'],
    ],
  },
];
