import { describe, expect, test } from 'vitest';
import { type EngineError, ErrorCode, ioError, isPassing } from '../base/errors.ts';
import { KIB } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { FileOutput } from './file-output.ts';
import { bytes, MemoryFile, SEED } from './table.test-support.ts';

const noise = (prng: Prng, length: number): Uint8Array => Uint8Array.from({ length }, () => prng.below(256));

describe('file output', () => {
  test(`pieces of every size arrive in order, in large writes (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    const file = new MemoryFile();
    const sizes: number[] = [];
    file.writeNow = (source, start, end, position) => {
      sizes.push(end - start);
      return MemoryFile.prototype.writeNow.call(file, source, start, end, position);
    };
    const output = new FileOutput(file);
    const pieces = [5, 0, 500 * KIB, 20 * KIB, 600 * KIB, 1, 512 * KIB, 3].map((length) =>
      noise(prng, length),
    );
    let position = 0;
    for (const piece of pieces) {
      output.append(piece, 0, piece.length);
      position += piece.length;
      expect(output.position).toBe(position);
    }
    output.flush();
    expect(Buffer.compare(file.contents, Buffer.concat(pieces))).toBe(0);
    expect(sizes.length).toBeLessThan(9);
  });

  test('what the file took only in part is tried again from there', () => {
    const file = new MemoryFile();
    file.writeNow = (source, start, end, position) =>
      MemoryFile.prototype.writeNow.call(file, source, start, Math.min(end, start + 3), position);
    const output = new FileOutput(file);
    output.append(bytes('<<0123456789>>'), 2, 12);
    output.flush();
    expect(Buffer.from(file.contents).toString()).toBe('0123456789');
    expect(output.position).toBe(10);
  });

  test('a file that takes nothing more is an error with a name', () => {
    const file = new MemoryFile();
    file.writeNow = () => 0;
    const output = new FileOutput(file);
    output.append(bytes('abc'), 0, 3);
    expect(() => output.flush()).toThrow(
      expect.objectContaining({ code: ErrorCode.IoError, file: '000007.ldb' }) as EngineError,
    );
  });

  test('a disk that fills up in the middle gives its own reason', () => {
    const file = new MemoryFile();
    let calls = 0;
    file.writeNow = (source, start, end, position) => {
      if (calls++ > 0)
        throw ioError(
          'write',
          '000007.ldb',
          Object.assign(new Error('full'), { errno: -28, code: 'ENOSPC' }),
        );
      return MemoryFile.prototype.writeNow.call(file, source, start, end - 1, position);
    };
    const output = new FileOutput(file);
    output.append(bytes('abc'), 0, 3);
    let thrown: unknown;
    try {
      output.flush();
    } catch (error) {
      thrown = error;
    }
    expect(isPassing(thrown)).toBe(true);
  });
});
