import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { crc32c, crc32cImplementation, crc32cJavaScript, maskCrc, unmaskCrc } from './crc32c.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('crc32c', () => {
  test.each([
    { id: 'the check string', input: new TextEncoder().encode('123456789'), crc: 0xe3069283 },
    { id: '32 zero bytes', input: new Uint8Array(32), crc: 0x8a9136aa },
    { id: '32 bytes of 0xff', input: new Uint8Array(32).fill(0xff), crc: 0x62a8ab43 },
    { id: 'ascending bytes', input: Uint8Array.from({ length: 32 }, (_, i) => i), crc: 0x46dd794e },
    { id: 'descending bytes', input: Uint8Array.from({ length: 32 }, (_, i) => 31 - i), crc: 0x113fdb5c },
  ])('gives LevelDB’s value for $id', ({ input, crc }) => {
    expect(crc32c(input)).toBe(crc);
    expect(crc32cJavaScript(input, 0, input.length, 0)).toBe(crc);
  });

  test('masks as LevelDB does, and unmasks', () => {
    expect(maskCrc(0xe3069283)).toBe(0xc78ab0e5);
    expect(maskCrc(0x8a9136aa)).toBe(0x0fd7fffa);
    const prng = new Prng(7);
    for (let i = 0; i < 1000; i++) {
      const crc = prng.nextU32();
      expect(unmaskCrc(maskCrc(crc))).toBe(crc);
    }
  });

  test('is the same in JavaScript and native code, at every length and alignment, whole and continued', () => {
    expect(crc32cImplementation).toBe('native');
    const prng = new Prng(1);
    const data = Uint8Array.from({ length: 6000 }, () => prng.nextU32());
    for (let i = 0; i < 500; i++) {
      const start = prng.below(1000);
      const end = start + prng.below(5000);
      const middle = start + prng.below(end - start + 1);
      const whole = crc32cJavaScript(data, start, end, 0);
      expect(crc32c(data, start, end)).toBe(whole);
      expect(crc32c(data, middle, end, crc32c(data, start, middle))).toBe(whole);
    }
  });

  test('works on shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(300)).fill(3);
    expect(crc32c(shared)).toBe(crc32c(new Uint8Array(300).fill(3)));
    expect(crc32c(bytes('00'))).toBe(0x527d5351);
  });
});
