/** Numbers as people read them. Pure. */

/** `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Decimal units, as disks and networks count: `999 B`, `1.5 kB`, `12.3 MB`, `4.0 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
  let value = bytes;
  let unit = 0;
  // 999.95 would be printed as 1000.0.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${value.toFixed(1)} ${units[unit]!}`;
}

/** `0.4 s`, `59.9 s`, `4 min 05 s`, `1 h 02 min`. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** Coarser, since it is an estimate: `6 s`, `4 min 05 s`. */
export function formatTimeLeft(ms: number): string {
  return ms < 59_000 ? `${Math.ceil(ms / 1000)} s` : formatDuration(Math.max(ms, 60_000));
}

/** `1,234/s`; nothing has a rate at once. */
export function formatRate(count: number, elapsedMs: number): string {
  return `${formatCount(elapsedMs > 0 ? (count * 1000) / elapsedMs : 0)}/s`;
}

/** `12.3 MB/s`. */
export function formatByteRate(bytes: number, elapsedMs: number): string {
  return `${formatBytes(elapsedMs > 0 ? (bytes * 1000) / elapsedMs : 0)}/s`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** `1 table`, `2 tables`. */
export function counted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}
