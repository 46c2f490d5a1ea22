import type { Store } from 'arena-level/engine';
import { text } from '../support/text-bytes.ts';

/** Contents as one text, equal for equal contents. */
export function contentsText(contents: ReadonlyMap<string, string>): string {
  const lines = [...contents].map(([key, value]) => `${key}=${value}`);
  return lines.sort().join('\n');
}

/** All entries of a store, by an iterator. */
export function readContents(store: Store): Map<string, string> {
  const contents = new Map<string, string>();
  let last = '';
  for (const [key, value] of store.iterator()) {
    const keyText = text(key);
    if (keyText <= last && contents.size > 0) throw new Error(`the iterator gave ${keyText} behind ${last}`);
    contents.set(keyText, text(value));
    last = keyText;
  }
  return contents;
}
