/** Edits by which a word may be away from the one that was meant. */
const MAX_EDITS = 2;

/** The word that `typed` was most likely meant to be; undefined when none is near. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const begun = words.find((word) => typed.length > 1 && (word.startsWith(typed) || typed.startsWith(word)));
  if (begun !== undefined) return begun;
  let best: string | undefined;
  let fewest = Math.min(MAX_EDITS, Math.floor(typed.length / 2)) + 1;
  for (const word of words) {
    const edits = editDistance(typed, word);
    if (edits >= fewest) continue;
    fewest = edits;
    best = word;
  }
  return best;
}

/** How many characters are to be inserted, removed or replaced, or neighbours swapped. */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        row[j - 1]! + 1,
        rows[i - 1]![j]! + 1,
        rows[i - 1]![j - 1]! + (same ? 0 : 1),
        swapped ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
    rows.push(row);
  }
  return rows[from.length]![to.length]!;
}
