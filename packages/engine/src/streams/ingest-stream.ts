import { Writable } from 'node:stream';
import { WritableStream } from 'node:stream/web';
import { type Clock, systemClock } from '@arena-level/common/base/clock';
import { abortedStream, whenAborted } from './abort.ts';
import { type IngestOptions, resolveIngestOptions } from './ingest-options.ts';
import { IngestPump } from './ingest-pump.ts';
import type { IngestDatabase, IngestRecord, TypedDatabase } from './stream-database.ts';

export interface IngestModules {
  readonly clock?: Clock;
}

/**
 * A stream in object mode that stores records in batches, in their order. It asks its producer to pause while the database
 * is not done with them, so that what is held is bounded by `batchBytes` and `maxInFlight`; it finishes when all of them
 * are as durable as `durability` says.
 *
 * A batch that fails destroys the stream with the error of the database, a record that is none with ARENA_INVALID_ARGUMENT,
 * LEVEL_INVALID_KEY, LEVEL_INVALID_VALUE or ARENA_TOO_LARGE, naming its index. Then, and when it is destroyed or aborted,
 * nothing is written that the database has not been given yet; `close` comes when nothing is under way any more.
 *
 * Throws ARENA_INVALID_ARGUMENT for a wrong option.
 */
export function ingestStream<K = Uint8Array, V = Uint8Array>(
  database: IngestDatabase<K, V>,
  options: IngestOptions = {},
  modules: IngestModules = {},
): Writable {
  const resolved = resolveIngestOptions(database, options);
  const pump = new IngestPump(database, resolved, modules.clock ?? systemClock, (error) =>
    writable.destroy(error as Error),
  );
  const writable = new Writable({
    objectMode: true,
    highWaterMark: resolved.highWaterMark,
    write(record, _encoding, done) {
      let later: Promise<void> | undefined;
      try {
        later = pump.add(record);
      } catch (error) {
        done(error as Error);
        return;
      }
      if (later === undefined) done();
      else later.then(() => done(), done);
    },
    final(done) {
      pump.end().then(() => done(), done);
    },
    destroy(error, done) {
      forget();
      pump.stop(error ?? abortedStream(undefined)).then(() => done(error), done);
    },
  });
  const forget = whenAborted(resolved.signal, (error) => writable.destroy(error));
  return writable;
}

/** The same as a stream of the web. */
export function webIngestStream<K, V>(
  database: TypedDatabase<K, V> & IngestDatabase<never, never>,
  options?: IngestOptions,
  modules?: IngestModules,
): WritableStream<IngestRecord<K, V>>;
export function webIngestStream<K = Uint8Array, V = Uint8Array>(
  database: IngestDatabase<K, V>,
  options?: IngestOptions,
  modules?: IngestModules,
): WritableStream<IngestRecord<K, V>>;
export function webIngestStream<K = Uint8Array, V = Uint8Array>(
  database: IngestDatabase<K, V>,
  options: IngestOptions = {},
  modules: IngestModules = {},
): WritableStream<IngestRecord<K, V>> {
  const resolved = resolveIngestOptions(database, options);
  let fail: (error: unknown) => void;
  const pump = new IngestPump(database, resolved, modules.clock ?? systemClock, (error) => fail(error));
  const stop = async (error: unknown): Promise<void> => {
    forget();
    await pump.stop(error);
  };
  const stream = new WritableStream<IngestRecord<K, V>>(
    {
      start(controller) {
        fail = (error) => controller.error(error);
      },
      async write(record) {
        try {
          await pump.add(record);
        } catch (error) {
          await stop(error);
          throw error;
        }
      },
      async close() {
        try {
          await pump.end();
        } finally {
          forget();
        }
      },
      abort: (reason) => stop(reason ?? abortedStream(undefined)),
    },
    { highWaterMark: resolved.highWaterMark },
  );
  const forget = whenAborted(resolved.signal, (error) => {
    fail(error);
    void pump.stop(error);
  });
  return stream;
}
