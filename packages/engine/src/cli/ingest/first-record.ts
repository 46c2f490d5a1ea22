import { type LoadCounts, type LoadOptions, noteMalformed } from './load-records.ts';
import type { SourceItem } from './source-item.ts';

/**
 * Reads up to the first record, entering the malformed ones before it in `counts`, and returns the items from there
 * on. There are none when a malformed record ends the load, or when the source ends before a record.
 */
export async function readToFirstRecord(
  items: AsyncIterable<readonly SourceItem[]>,
  options: Pick<LoadOptions, 'onMalformed'>,
  counts: LoadCounts,
): Promise<AsyncIterable<readonly SourceItem[]>> {
  const iterator = items[Symbol.asyncIterator]();
  for (let result = await iterator.next(); !result.done; result = await iterator.next()) {
    for (const [at, item] of result.value.entries()) {
      if (item.kind === 'record') return continued(result.value.slice(at), iterator);
      if (!noteMalformed(item, options, counts)) continue;
      await iterator.return?.();
      return nothing();
    }
  }
  return nothing();
}

async function* continued(
  first: readonly SourceItem[],
  iterator: AsyncIterator<readonly SourceItem[]>,
): AsyncGenerator<readonly SourceItem[]> {
  try {
    yield first;
    for (let result = await iterator.next(); !result.done; result = await iterator.next()) yield result.value;
  } finally {
    await iterator.return?.();
  }
}

async function* nothing(): AsyncGenerator<readonly SourceItem[]> {}
