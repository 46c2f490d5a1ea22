/** What `diagnose` finds in a store. */

/**
 * The first four are the troubles that the way of a flush can have:
 *
 *     frozen-memdb            a frozen MemDB whose flush is not committed, or that is flushed and not let go of
 *     journal-left-behind     a journal whose writes are all in tables
 *     version-not-committed   a table, an edit or a manifest that was written and is not in force
 *     master-root-mismatch    a MasterRoot, or the root of a table, that is not that of the tables
 *     missing-file, damage    what an open refuses
 *     torn-journal            a journal that ends as a crash of the machine leaves it
 *     leftover, set-aside     files that nobody needs any more; files in `lost/`
 */
export type FindingKind =
  | 'frozen-memdb'
  | 'journal-left-behind'
  | 'version-not-committed'
  | 'master-root-mismatch'
  | 'missing-file'
  | 'damage'
  | 'torn-journal'
  | 'leftover'
  | 'set-aside';

/** `problem`: something is lost or does not work; `warning`: something went wrong, and nothing is lost; `notice`: good to know. */
export type Severity = 'problem' | 'warning' | 'notice';

export interface Finding {
  readonly kind: FindingKind;
  readonly severity: Severity;
  /** The file concerned, as it is named in the store; undefined for what is in memory. */
  readonly file: string | undefined;
  /** What was found, in one sentence or two. */
  readonly words: string;
  readonly whatToDo: string;
}

export interface Diagnosis {
  readonly location: string;
  /** Who has the store open, in words; undefined when nobody is known to. */
  readonly holder: string | undefined;
  /** Name of the manifest in force; undefined when it cannot be told, or read. */
  readonly manifest: string | undefined;
  /** The last sequence number in tables, by the manifest. */
  readonly lastSequence: number;
  /** Of the version in force. `entries` were read; 0 after a quick look. */
  readonly tables: { readonly count: number; readonly bytes: number; readonly entries: number };
  /** Those whose writes are not wholly in tables. */
  readonly journals: { readonly count: number; readonly bytes: number; readonly entries: number };
  /** Worst first. */
  readonly findings: readonly Finding[];
}

export interface DiagnoseOptions {
  /** Believe tables what they state of themselves, instead of reading them. Default false. */
  readonly quick?: boolean;
  /**
   * Of a store that is open somewhere, only what is still so after this many milliseconds is a finding: files come and
   * go while it works. Default 2000.
   */
  readonly waitMs?: number;
  /** Ends it between two tables. The promise is rejected with LEVEL_ABORTED. */
  readonly signal?: AbortSignal;
  /** Called before the first table and after each. */
  readonly onProgress?: (progress: { readonly bytesDone: number; readonly bytesTotal: number }) => void;
}
