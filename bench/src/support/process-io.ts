import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes that this process, all threads, has handed to write calls so far; undefined where the system does not tell. */
export function writtenBytes(): number | undefined {
  try {
    const found = /^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'latin1'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
}

/** Bytes of all files below a directory; 0 when there is none. */
export function diskBytes(location: string): number {
  let names: string[];
  try {
    names = readdirSync(location);
  } catch {
    return 0;
  }
  return names.reduce((sum, name) => sum + fileBytes(join(location, name)), 0);
}

/** An engine may remove a file between the two calls. */
function fileBytes(path: string): number {
  try {
    const status = statSync(path);
    return status.isDirectory() ? diskBytes(path) : status.size;
  } catch {
    return 0;
  }
}
