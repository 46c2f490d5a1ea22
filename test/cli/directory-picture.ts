import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Every file below a directory with a hash of its bytes, sorted; what is not there is empty. */
export function pictureOf(directory: string): string[] {
  if (!existsSync(directory)) return [];
  if (!statSync(directory).isDirectory()) return [hashOf(directory)];
  return readdirSync(directory, { recursive: true })
    .map(String)
    .sort()
    .map((name) => {
      const path = join(directory, name);
      return statSync(path).isDirectory() ? `${name}/` : `${name} ${hashOf(path)}`;
    });
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
