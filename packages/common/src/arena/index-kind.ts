/** How the entries of an arena are indexed. Both kinds keep the same contract (`memdb/memdb.ts`). */
export const IndexKind = { Hash: 'hash', Skiplist: 'skiplist' } as const;
export type IndexKind = (typeof IndexKind)[keyof typeof IndexKind];

/** What the header says of the kind. 0 is none, so that zeroed memory is not mistaken for an arena. */
const KIND_WORDS: Readonly<Record<IndexKind, number>> = { hash: 1, skiplist: 2 };

export function kindToWord(kind: IndexKind): number {
  return KIND_WORDS[kind];
}

/** Undefined for a word that names no kind. */
export function kindFromWord(word: number): IndexKind | undefined {
  return word === KIND_WORDS.hash
    ? IndexKind.Hash
    : word === KIND_WORDS.skiplist
      ? IndexKind.Skiplist
      : undefined;
}
