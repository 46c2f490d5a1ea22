import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Source } from './source.ts';

const NEVER = new AbortController().signal;

/** Gives one piece, then nothing for ever. */
function silentAfter(text: string): Readable {
  let asked = 0;
  return new Readable({
    read() {
      if (asked++ === 0) this.push(text);
    },
  });
}

describe('a source', () => {
  test('counts what is read of a file and knows its size', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arena-level-source-'));
    try {
      const path = join(folder, 'in');
      writeFileSync(path, Buffer.alloc(600_000, 'x'));
      const source = await Source.open(path, Readable.from([]), NEVER);
      expect(source.bytesTotal).toBe(600_000);
      let pieces = 0;
      let bytes = 0;
      for await (const chunk of source.chunks()) {
        pieces++;
        bytes += chunk.length;
        expect(source.bytesRead).toBe(bytes);
      }
      expect(bytes).toBe(600_000);
      expect(pieces).toBeGreaterThan(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('gives the same in memory that is used again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arena-level-source-'));
    try {
      const path = join(folder, 'in');
      const given = Buffer.from(Array.from({ length: 600_001 }, (_, i) => (i * 7) % 251));
      writeFileSync(path, given);
      const source = await Source.open(path, Readable.from([]), NEVER);
      const chunks: Buffer[] = [];
      for await (const chunk of source.passingChunks()) chunks.push(Buffer.from(chunk));
      expect(Buffer.concat(chunks).equals(given)).toBe(true);
      expect(source.bytesRead).toBe(600_001);
      source.close();
      const interrupted = await Source.open(path, Readable.from([]), AbortSignal.abort());
      for await (const _ of interrupted.passingChunks()) expect.unreachable();
      interrupted.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('does not know the size of stdin', async () => {
    const source = await Source.open('-', Readable.from([Buffer.from('abc')]), NEVER);
    expect(source.bytesTotal).toBeUndefined();
    for await (const chunk of source.chunks()) expect(String(chunk)).toBe('abc');
    expect(source.bytesRead).toBe(3);
  });

  test('ends when the user interrupts while it waits for input, and lets go of the input', async () => {
    const interrupt = new AbortController();
    const stdin = silentAfter('abc');
    const source = await Source.open('-', stdin, interrupt.signal);
    const iterator = source.chunks()[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ done: false });
    const waiting = iterator.next();
    interrupt.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(stdin.destroyed).toBe(true);
  });

  test('gives nothing when it was interrupted before', async () => {
    const source = await Source.open('-', silentAfter('abc'), AbortSignal.abort());
    for await (const _ of source.chunks()) expect.unreachable();
  });

  test('passes a failure of the input on', async () => {
    const stdin = silentAfter('abc');
    const source = await Source.open('-', stdin, NEVER);
    const iterator = source.chunks()[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    stdin.destroy(new Error('the cable is out'));
    await expect(waiting).rejects.toThrow('the cable is out');
  });
});
