import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Output } from './output.ts';

/** A reader that takes nothing before it is told to. */
function slowReader(): { readonly stdout: Writable; taken: string; take(): void } {
  let pending: (() => void) | undefined;
  const reader = {
    taken: '',
    stdout: new Writable({
      highWaterMark: 1,
      decodeStrings: false,
      write(chunk, _encoding, done) {
        reader.taken += String(chunk);
        pending = done;
      },
    }),
    take: () => pending?.(),
  };
  return reader;
}

const settled = async (promise: Promise<void>): Promise<boolean> => {
  let isSettled = false;
  promise.then(() => {
    isSettled = true;
  });
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  return isSettled;
};

describe('output', () => {
  test('waits until its reader has taken what it was given', async () => {
    const reader = slowReader();
    const output = new Output({ stdout: reader.stdout, interrupt: new AbortController().signal });
    output.line('one');
    output.line('two');
    expect(output.isFull).toBe(false);
    const flushed = output.flush();
    expect(await settled(flushed)).toBe(false);
    expect(reader.taken).toBe('one\ntwo\n');
    reader.take();
    expect(await settled(flushed)).toBe(true);
    output.line('x'.repeat(32 * 1024));
    expect(output.isFull).toBe(true);
    expect(reader.stdout.listenerCount('drain')).toBe(0);
  });

  test('waits no longer for a reader that is gone, or when the command is to end', async () => {
    for (const end of ['interrupt', 'gone'] as const) {
      const reader = slowReader();
      reader.stdout.on('error', () => {});
      const controller = new AbortController();
      const output = new Output({ stdout: reader.stdout, interrupt: controller.signal });
      output.line('one');
      const flushed = output.flush();
      expect(await settled(flushed)).toBe(false);
      if (end === 'interrupt') controller.abort();
      else reader.stdout.destroy(new Error('EPIPE'));
      expect(await settled(flushed)).toBe(true);
    }
  });
});
