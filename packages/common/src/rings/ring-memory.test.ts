import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../base/errors.ts';
import { attachControl, ControlWord, createRingMemory, MAX_RING_BYTES } from './ring-memory.ts';

const signal = new SharedArrayBuffer(4);
const refused = expect.objectContaining({ code: ErrorCode.InvalidArgument });

describe('the memory of a ring', () => {
  test('is attached to as it was made', () => {
    const control = attachControl(createRingMemory(signal, { ringBytes: 64, lastTicket: 5 }));
    expect(control[ControlWord.Written]).toBe(5);
    expect(control[ControlWord.Durable]).toBe(5);
  });

  test.each([0, 60, 66, 64.5, Number.NaN, MAX_RING_BYTES + 4])('has no %d bytes', (ringBytes) => {
    expect(() => createRingMemory(signal, { ringBytes })).toThrow(refused);
  });

  test('is not that of another version, nor anything else', () => {
    const memory = createRingMemory(signal, { ringBytes: 64 });
    const foreign = new SharedArrayBuffer(memory.control.byteLength);
    expect(() => attachControl({ ...memory, control: foreign })).toThrow(refused);
    expect(() => attachControl({ ...memory, control: new SharedArrayBuffer(4) })).toThrow(refused);
    expect(() => attachControl({ ...memory, frames: new SharedArrayBuffer(8) })).toThrow(refused);
    const plain = new ArrayBuffer(64) as unknown as SharedArrayBuffer;
    expect(() => attachControl({ ...memory, frames: plain })).toThrow(refused);
  });
});
