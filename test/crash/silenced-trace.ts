/** Traces in which a sync did nothing: what a store would leave that forgot it. */
import type { StorageTrace, TraceEntry } from '@arena-level/common/storage/storage-trace';

/** What a sync is for. A directory sync has the kind of the last change of a name that it covers. */
export type SyncKind =
  | 'journal'
  | 'table'
  | 'manifest'
  | 'CURRENT'
  | 'roots'
  | 'name of a journal'
  | 'name of a table'
  | 'name of a manifest'
  | 'name CURRENT'
  | 'name of the roots'
  | 'other names';

/** The kinds of all entries; undefined for what is no sync. */
export function syncKinds({ initial, entries }: StorageTrace): (SyncKind | undefined)[] {
  const finalNames = new Map<number, string>([...initial.keys()].map((name, i) => [i + 1, name]));
  for (const entry of entries) {
    if (entry.operation === 'create') finalNames.set(entry.inode, entry.file);
    if (entry.operation === 'rename') finalNames.set(entry.inode, entry.to);
  }
  return entries.map((entry) => {
    if (entry.operation === 'sync') return fileKind(finalNames.get(entry.inode)!);
    return entry.operation === 'sync-directory' ? nameKind(entries, entry.covers) : undefined;
  });
}

type FileKind = 'journal' | 'table' | 'manifest' | 'CURRENT' | 'roots';

function fileKind(name: string): FileKind {
  if (name.endsWith('.log')) return 'journal';
  if (name.endsWith('.ldb')) return 'table';
  if (name.startsWith('MANIFEST-')) return 'manifest';
  return name === 'CURRENT' ? 'CURRENT' : 'roots';
}

function nameKind(entries: readonly TraceEntry[], covers: number): SyncKind {
  const change = entries
    .slice(0, covers)
    .findLast(({ operation }) => operation === 'create' || operation === 'rename');
  if (change === undefined) return 'other names';
  const name = change.operation === 'rename' ? change.to : (change as { readonly file: string }).file;
  if (name.endsWith('.dbtmp')) return 'other names';
  const kind = fileKind(name);
  if (kind === 'CURRENT') return 'name CURRENT';
  return kind === 'roots' ? 'name of the roots' : `name of a ${kind}`;
}

/** The trace with those syncs of no effect that `isSilent` picks by place. */
export function silence(trace: StorageTrace, isSilent: (index: number) => boolean): StorageTrace {
  const entries = trace.entries.map((entry, i): TraceEntry => {
    if (!isSilent(i)) return entry;
    if (entry.operation === 'sync' || entry.operation === 'sync-directory') return { ...entry, covers: 0 };
    throw new RangeError(`entry ${i} is no sync`);
  });
  return { initial: trace.initial, entries };
}
