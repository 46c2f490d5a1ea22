/** Aligned text tables. Pure. */

/** The first column to the left, all others to the right; a row of one cell is a heading over the rows below it. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.filter((row) => row.length > 1).map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(header), rule, ...rows.map((row) => (row.length === 1 ? `\n${row[0]!}` : line(row)))].join(
    '\n',
  );
}

/** `1,234,567`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Three significant digits at least, never an exponent: `0.042`, `1.23`, `45.6`, `1,234`. */
export function decimal(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return count(value);
  if (size >= 10) return value.toFixed(1);
  return size >= 1 || value === 0 ? value.toFixed(2) : value.toFixed(3);
}
