export type Alignment = 'left' | 'right';

/** Rows as lines, each column as wide as its widest cell, two spaces between; nothing at the end of a line. */
export function alignColumns(
  rows: readonly (readonly string[])[],
  alignments: readonly Alignment[],
): string[] {
  const widths = alignments.map((_, column) => Math.max(0, ...rows.map((row) => widthOf(row[column] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat(widths[column]! - widthOf(cell));
        return alignments[column] === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** In characters as a reader counts them. */
function widthOf(text: string): number {
  return [...text].length;
}
