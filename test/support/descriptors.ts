import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What this process has open in a directory, by path. Linux only. */
export function openFilesIn(directory: string): string[] {
  const links = readdirSync('/proc/self/fd').map((number) => {
    try {
      return readlinkSync(join('/proc/self/fd', number));
    } catch {
      // The descriptor with which /proc/self/fd itself was read.
      return '';
    }
  });
  return links.filter((path) => path === directory || path.startsWith(`${directory}/`)).sort();
}
