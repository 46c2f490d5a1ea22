/** When a thread is told of answers, and when its writes hear of them. */
import { MessageChannel } from 'node:worker_threads';
import { ErrorCode } from '@arena-level/common/base/errors';
import { FrameWriter } from '@arena-level/common/rings/frame-writer';
import { ControlWord, createRingMemory, FrameFlag, RingState } from '@arena-level/common/rings/ring-memory';
import { describe, expect, test } from 'vitest';
import { RingWriter } from '../../packages/engine/src/rings/ring-writer.ts';
import { eventually, settle } from '../support/eventually.ts';
import { bytes, key } from '../support/text-bytes.ts';
import { MAX_PENDING_BYTES, openRinged } from './ringed-store.ts';

/** A record that puts nothing under 'a'. */
const RECORD = Uint8Array.of(1, 1, 97, 0);

/** A writer whose owner is played by the test. */
function unowned() {
  const memory = createRingMemory(new SharedArrayBuffer(4));
  const control = new Int32Array(memory.control);
  const { port1: owner, port2: port } = new MessageChannel();
  owner.unref();
  const writer = new RingWriter(memory, port, { maxPendingBytes: MAX_PENDING_BYTES });
  const answer = (ticket: number): void => {
    Atomics.store(control, ControlWord.Written, ticket);
    Atomics.add(control, ControlWord.Progress, 1);
  };
  return { writer, control, owner, answer };
}

describe('the owner', () => {
  test('sends a message when it has come to the ticket that was asked for, and not before', async () => {
    const { attach, close } = await openRinged();
    const { memory, port } = attach();
    const control = new Int32Array(memory.control);
    const frames = new FrameWriter(memory.frames);
    const heard: unknown[] = [];
    port.on('message', (answer) => heard.push(answer));
    control[ControlWord.MessageFrom] = 3;
    control[ControlWord.WantsMessage] = 1;
    for (const ticket of [1, 2, 3]) {
      frames.push(0, RECORD.length, 1, ticket, RECORD, 0, RECORD.length);
      port.postMessage({ kind: 'wake' });
      await eventually(() => control[ControlWord.Written] === ticket);
      await settle();
      expect(heard).toEqual(ticket < 3 ? [] : [{ kind: 'progress' }]);
    }
    expect(control[ControlWord.WantsMessage]).toBe(0);
    await close();
  });

  test('sends one for what is on the disk, whatever ticket was asked for', async () => {
    const { attach, close } = await openRinged();
    const { memory, port } = attach();
    const control = new Int32Array(memory.control);
    const heard: unknown[] = [];
    port.on('message', (answer) => heard.push(answer));
    control[ControlWord.MessageFrom] = 100;
    control[ControlWord.WantsMessage] = 1;
    new FrameWriter(memory.frames).push(FrameFlag.Sync, RECORD.length, 1, 1, RECORD, 0, RECORD.length);
    port.postMessage({ kind: 'wake' });
    await eventually(() => heard.length > 0);
    expect(control[ControlWord.Durable]).toBe(1);
    expect(heard).toEqual([{ kind: 'progress' }]);
    await close();
  });
});

describe('a thread', () => {
  test.each([
    [1, 1],
    [2, 1],
    [5, 3],
    [20, 4],
  ])('with %i writes on their way asks to be told of the first %i at once', async (writes, first) => {
    const { writer, control, owner, answer } = unowned();
    const written = [writer.put(key(0), bytes('v'))];
    await eventually(() => control[ControlWord.WantsMessage] === 1);
    expect(control[ControlWord.MessageFrom]).toBe(1);
    for (let write = 0; write < writes; write++) {
      written.push(writer.put(key(write), bytes('v')));
      // A frame of its own.
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    control[ControlWord.WantsMessage] = 0;
    answer(1);
    owner.postMessage({ kind: 'progress' });
    await written[0];
    await eventually(() => control[ControlWord.WantsMessage] === 1);
    expect(control[ControlWord.MessageFrom]).toBe(1 + first);
    answer(1 + writes);
    owner.postMessage({ kind: 'progress' });
    await Promise.all(written);
  });

  test('with several on their way hears of answers without a message, while there are any', async () => {
    const { writer, control, owner, answer } = unowned();
    const written = [0, 1, 2].map(async (turn) => {
      for (let at = 0; at < turn; at++) await new Promise<void>((resolve) => process.nextTick(resolve));
      await writer.put(key(turn), bytes('v'));
    });
    await eventually(() => control[ControlWord.WantsMessage] === 1);
    control[ControlWord.WantsMessage] = 0;
    answer(1);
    owner.postMessage({ kind: 'progress' });
    await written[0];
    for (let ticket = 2; ticket < 50; ticket++) {
      const next = writer.put(key(ticket), bytes('v'));
      answer(ticket);
      await written.shift();
      written.push(next);
    }
    expect(control[ControlWord.WantsMessage]).toBe(0);
  });

  test('whose writes are answered at once lets its event loop turn', async () => {
    const { writer, answer } = unowned();
    let hasTurned = false;
    setImmediate(() => {
      hasTurned = true;
    });
    let writes = 0;
    // Far fewer than the ring has room for come in one turn.
    while (!hasTurned && writes < 20_000) {
      const written = writer.put(key(1), bytes('v'));
      answer(++writes);
      await written;
    }
    expect(hasTurned).toBe(true);
    expect(writes).toBeGreaterThan(1);
  });

  test('hears of answers that it meets in the middle of a call', async () => {
    const { writer, control, owner, answer } = unowned();
    const written = writer.put(key(1), bytes('v'));
    await eventually(() => control[ControlWord.WantsMessage] === 1);
    answer(1);
    owner.postMessage({ kind: 'progress' });
    Atomics.store(control, ControlWord.State, RingState.Closing);
    // Takes what has come, to say why.
    await expect(writer.put(key(2), bytes('v'))).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await written;
  });
});
