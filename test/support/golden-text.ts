import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect } from 'vitest';

/** Compares a text with a file beside the test, exactly; `UPDATE_GOLDEN=1` writes the file instead. */
export function expectGolden(text: string, file: URL): void {
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(file, text);
    return;
  }
  expect(existsSync(file), `${basename(file.pathname)} is missing: run with UPDATE_GOLDEN=1`).toBe(true);
  expect(text, `${basename(file.pathname)} (UPDATE_GOLDEN=1 rewrites it)`).toBe(readFileSync(file, 'utf8'));
}
