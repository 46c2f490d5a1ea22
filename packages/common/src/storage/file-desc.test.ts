import { describe, expect, test } from 'vitest';
import { type FileDesc, FileType, fileName, legacyName, parseFileName } from './file-desc.ts';

describe('names of files', () => {
  const NAMED: [string, FileDesc][] = [
    ['000003.log', { type: FileType.Journal, number: 3 }],
    ['1000000.ldb', { type: FileType.Table, number: 1_000_000 }],
    ['MANIFEST-000001', { type: FileType.Manifest, number: 1 }],
    ['000000.dbtmp', { type: FileType.Temp, number: 0 }],
    ['CURRENT', { type: FileType.Current, number: 0 }],
    ['LOCK', { type: FileType.Lock, number: 0 }],
    ['LOG', { type: FileType.InfoLog, number: 0 }],
    ['LOG.old', { type: FileType.OldInfoLog, number: 0 }],
    ['arena.holder', { type: FileType.Holder, number: 0 }],
    ['arena.roots', { type: FileType.Roots, number: 0 }],
    ['9007199254740991.log', { type: FileType.Journal, number: Number.MAX_SAFE_INTEGER }],
  ];

  test.each(NAMED)('%s', (name, file) => {
    expect(fileName(file)).toBe(name);
    expect(parseFileName(name)).toEqual(file);
  });

  test('of older or other makers lead to the same descriptors', () => {
    for (const name of ['000004.sst', '000005.tmp']) expect(legacyName(parseFileName(name)!)).toBe(name);
    expect(parseFileName('000004.sst')).toEqual({ type: FileType.Table, number: 4 });
    expect(parseFileName('000005.tmp')).toEqual({ type: FileType.Temp, number: 5 });
    expect(legacyName({ type: FileType.Journal, number: 1 })).toBeUndefined();
  });

  test.each([
    '',
    '3.log',
    '0000003.log',
    '+00003.log',
    '000003.LOG',
    '000003.log\n',
    '\n000003.log',
    ' 000003.log',
    '000003.log.1',
    '000003',
    'MANIFEST-1',
    'MANIFEST-',
    'MANIFEST-00000x',
    'MANIFEST-000001.dbtmp',
    '../000003.log',
    'lost/000003.log',
    'CURRENT.bak',
    'current',
    'arena.holder.1',
    '9007199254740993.log',
    '99999999999999999999.log',
    '00000１.log',
    'constructor',
    '__proto__',
  ])('%j is none of ours', (name) => {
    expect(parseFileName(name)).toBeUndefined();
  });
});
