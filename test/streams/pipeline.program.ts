/**
 * Stores the lines of a file, numbered: file → transform → ingest stream. Arguments: file, directory. Says on standard
 * output how many records the store holds then.
 */
import { createReadStream } from 'node:fs';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { open } from 'arena-level/engine';
import { ingestStream, keyStream } from 'arena-level/streams';

const [file = '', directory = ''] = process.argv.slice(2);
const NEWLINE = 10;

class NumberedLines extends Transform {
  #rest: Buffer = Buffer.alloc(0);
  #lines = 0;

  constructor() {
    super({ readableObjectMode: true, readableHighWaterMark: 16 });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const text = Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
      const key = Buffer.from(String(this.#lines++).padStart(9, '0'));
      this.push({ key, value: text.subarray(start, end) });
      start = end + 1;
    }
    this.#rest = text.subarray(start);
    done();
  }
}

const store = await open(directory, { writeBufferSize: 4 * 2 ** 20, cacheSize: 0, compression: 'none' });
await pipeline(
  createReadStream(file),
  new NumberedLines(),
  ingestStream(store, { durability: 'flushed', batchBytes: 128 * 1024 }),
);
let records = 0;
for await (const _ of keyStream(store)) records++;
await store.close();
process.stdout.write(`${records}\n`);
