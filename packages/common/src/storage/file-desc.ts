/**
 * Names of the files of a store, exactly LevelDB's, and ours, which LevelDB does not know and so never touches.
 *
 * Everything above addresses files by `{type, number}`; only this module knows names.
 */
export const FileType = {
  Journal: 'journal',
  Table: 'table',
  Manifest: 'manifest',
  Current: 'current',
  /** `%06d.dbtmp`: a table or CURRENT being written. LevelDB removes leftovers, and so do we. */
  Temp: 'temp',
  /** LevelDB's own lock file. */
  Lock: 'lock',
  /** Who has the store open; ours. */
  Holder: 'holder',
  /** Side file of table roots and MasterRoots; ours. */
  Roots: 'roots',
  /** LevelDB's text log, and the one before. */
  InfoLog: 'info-log',
  OldInfoLog: 'old-info-log',
} as const;
export type FileType = (typeof FileType)[keyof typeof FileType];

export interface FileDesc {
  readonly type: FileType;
  /** File number; 0 for the types of which a store has one. */
  readonly number: number;
}

const SINGLE_NAMES: Readonly<Record<string, FileType>> = {
  CURRENT: FileType.Current,
  LOCK: FileType.Lock,
  LOG: FileType.InfoLog,
  'LOG.old': FileType.OldInfoLog,
  'arena.holder': FileType.Holder,
  'arena.roots': FileType.Roots,
};

const SINGLES: Readonly<Partial<Record<FileType, string>>> = Object.fromEntries(
  Object.entries(SINGLE_NAMES).map(([name, type]) => [type, name]),
);

export const journalFile = (number: number): FileDesc => ({ type: FileType.Journal, number });
export const tableFile = (number: number): FileDesc => ({ type: FileType.Table, number });
export const manifestFile = (number: number): FileDesc => ({ type: FileType.Manifest, number });
export const tempFile = (number: number): FileDesc => ({ type: FileType.Temp, number });
export const CURRENT_FILE: FileDesc = { type: FileType.Current, number: 0 };
export const LOCK_FILE: FileDesc = { type: FileType.Lock, number: 0 };
export const HOLDER_FILE: FileDesc = { type: FileType.Holder, number: 0 };
export const ROOTS_FILE: FileDesc = { type: FileType.Roots, number: 0 };
export const INFO_LOG_FILE: FileDesc = { type: FileType.InfoLog, number: 0 };
export const OLD_INFO_LOG_FILE: FileDesc = { type: FileType.OldInfoLog, number: 0 };

export function fileName(file: FileDesc): string {
  const digits = String(file.number).padStart(6, '0');
  switch (file.type) {
    case FileType.Journal:
      return `${digits}.log`;
    case FileType.Table:
      return `${digits}.ldb`;
    case FileType.Manifest:
      return `MANIFEST-${digits}`;
    case FileType.Temp:
      return `${digits}.dbtmp`;
    default:
      return SINGLES[file.type]!;
  }
}

/** The other name under which an older or another implementation may have left this file: LevelDB's `.sst`, goleveldb's `.tmp`. */
export function legacyName(file: FileDesc): string | undefined {
  const digits = String(file.number).padStart(6, '0');
  if (file.type === FileType.Table) return `${digits}.sst`;
  if (file.type === FileType.Temp) return `${digits}.tmp`;
  return undefined;
}

const NUMBERED = /^(?:MANIFEST-(\d{6,})|(\d{6,})\.(log|ldb|sst|dbtmp|tmp))$/;

/**
 * The descriptor of a name, or undefined for a name that is not ours to touch: one that neither `fileName` nor
 * `legacyName` gives, so that a descriptor from a listing always leads back to the file that was listed. The
 * storage tries the legacy name where the usual one does not exist.
 */
export function parseFileName(name: string): FileDesc | undefined {
  const single = Object.hasOwn(SINGLE_NAMES, name) ? SINGLE_NAMES[name] : undefined;
  if (single !== undefined) return { type: single, number: 0 };
  const match = NUMBERED.exec(name);
  if (match === null) return undefined;
  const file = numberedFile(match[3], Number(match[1] ?? match[2]));
  if (!Number.isSafeInteger(file.number)) return undefined;
  return fileName(file) === name || legacyName(file) === name ? file : undefined;
}

/** True for a name that `Storage.quarantineNow` gives to a file in `lost/`. */
export function isLostName(name: string): boolean {
  return (parseFileName(name) ?? parseFileName(name.replace(/\.\d+$/, ''))) !== undefined;
}

function numberedFile(suffix: string | undefined, number: number): FileDesc {
  switch (suffix) {
    case undefined:
      return manifestFile(number);
    case 'log':
      return journalFile(number);
    case 'ldb':
    case 'sst':
      return tableFile(number);
    default:
      return tempFile(number);
  }
}
