import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const created: string[] = [];

/** A new directory, removed after the test file that imports this. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'arena-level-'));
  created.push(directory);
  return directory;
}

afterAll(() => {
  for (const directory of created.splice(0)) rmSync(directory, { recursive: true, force: true });
});
