import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { nameOf, SIGNAL } from '../options/call-options.ts';
import { whenAborted } from './abort.ts';
import { integerBetween } from './ingest-options.ts';
import type { EntryIterator, IterableDatabase, RangeOptions, TypedDatabase } from './stream-database.ts';

/** Of a read stream, beside the options of the iterator. */
export interface ReadStreamOptions<K> extends RangeOptions<K> {
  /** Destroys the stream with LEVEL_ABORTED. */
  readonly signal?: AbortSignal;
  /** Entries read ahead. 1 to 1,000,000, default 256; the database may bound their bytes, too. */
  readonly highWaterMark?: number;
}

type Pick<K, V, T> = (entry: [key: K, value: V]) => T;

const toEntry = <K, V>(entry: [key: K, value: V]): [key: K, value: V] => entry;
const toKey = <K, V>(entry: [key: K, value: V]): K => entry[0];
const toValue = <K, V>(entry: [key: K, value: V]): V => entry[1];

/**
 * The entries of a range as `[key, value]`, in object mode, as of the moment of the call. Destroying the stream, reading it
 * to its end or leaving a `for await` over it closes its iterator; an error of the database destroys it.
 *
 * Throws as the `iterator` of the database does.
 */
export function entryStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K> = {},
): Readable {
  return readable(database, options, {}, toEntry);
}

/** The keys of a range; see `entryStream`. */
export function keyStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K> = {},
): Readable {
  return readable(database, options, { values: false }, toKey);
}

/** The values of a range, in the order of their keys; see `entryStream`. */
export function valueStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K> = {},
): Readable {
  return readable(database, options, { keys: false }, toValue);
}

/** `entryStream` as a stream of the web. */
export function webEntryStream<K, V>(
  database: TypedDatabase<K, V> & IterableDatabase<unknown, unknown>,
  options?: ReadStreamOptions<K>,
): ReadableStream<[key: K, value: V]>;
export function webEntryStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options?: ReadStreamOptions<K>,
): ReadableStream<[key: K, value: V]>;
export function webEntryStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K> = {},
): ReadableStream<[key: K, value: V]> {
  return webReadable(database, options, {}, toEntry);
}

/** `keyStream` as a stream of the web. */
export function webKeyStream<K, V>(
  database: TypedDatabase<K, V> & IterableDatabase<unknown, unknown>,
  options?: ReadStreamOptions<K>,
): ReadableStream<K>;
export function webKeyStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options?: ReadStreamOptions<K>,
): ReadableStream<K>;
export function webKeyStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K> = {},
): ReadableStream<K> {
  return webReadable(database, options, { values: false }, toKey);
}

/** `valueStream` as a stream of the web. */
export function webValueStream<K, V>(
  database: TypedDatabase<K, V> & IterableDatabase<unknown, unknown>,
  options?: ReadStreamOptions<K>,
): ReadableStream<V>;
export function webValueStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options?: ReadStreamOptions<K>,
): ReadableStream<V>;
export function webValueStream<K = Uint8Array, V = Uint8Array>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K> = {},
): ReadableStream<V> {
  return webReadable(database, options, { keys: false }, toValue);
}

function readable<K, V, T>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K>,
  parts: object,
  pick: Pick<K, V, T>,
): Readable {
  const { iterator, signal, highWaterMark } = opened(database, options, parts);
  const stream = new Readable({
    objectMode: true,
    highWaterMark,
    read(size) {
      iterator.nextv(Math.max(size, 1)).then(
        (entries) => {
          if (entries.length === 0) stream.push(null);
          for (const entry of entries) stream.push(pick(entry));
        },
        (error: Error) => stream.destroy(error),
      );
    },
    destroy(error, done) {
      forget();
      closed(iterator).then(() => done(error), done);
    },
  });
  const forget = whenAborted(signal, (error) => stream.destroy(error));
  return stream;
}

function webReadable<K, V, T>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K>,
  parts: object,
  pick: Pick<K, V, T>,
): ReadableStream<T> {
  const { iterator, signal, highWaterMark } = opened(database, options, parts);
  const close = (): Promise<void> => {
    forget();
    return closed(iterator);
  };
  let fail: (error: unknown) => void;
  const stream = new ReadableStream<T>(
    {
      start(controller) {
        fail = (error) => controller.error(error);
      },
      async pull(controller) {
        let entries: [key: K, value: V][];
        try {
          entries = await iterator.nextv(highWaterMark);
        } catch (error) {
          await close();
          throw error;
        }
        for (const entry of entries) controller.enqueue(pick(entry));
        if (entries.length > 0) return;
        await close();
        controller.close();
      },
      cancel: close,
    },
    // A whole piece is read at a time.
    { highWaterMark: 1 },
  );
  const forget = whenAborted(signal, (error) => {
    fail(error);
    void close();
  });
  return stream;
}

function opened<K, V>(
  database: IterableDatabase<K, V>,
  options: ReadStreamOptions<K>,
  parts: object,
): { iterator: EntryIterator<K, V>; signal: AbortSignal | undefined; highWaterMark: number } {
  if (typeof options !== 'object' || options === null) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `read stream options must be an object, not ${nameOf(options)}`,
    );
  }
  const { signal, highWaterMark = 256, ...range } = options;
  for (const [name, value, kind] of [
    ['signal', signal, SIGNAL],
    ['highWaterMark', highWaterMark, integerBetween(1, 1_000_000)],
  ] as const) {
    if (value === undefined || kind.fits(value)) continue;
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `read stream option '${name}' must be ${kind.wanted}, not ${nameOf(value)}`,
    );
  }
  return { iterator: database.iterator({ ...range, ...parts }), signal, highWaterMark };
}

async function closed(iterator: EntryIterator<unknown, unknown>): Promise<void> {
  await iterator.close();
}
