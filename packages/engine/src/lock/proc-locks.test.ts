import { describe, expect, test } from 'vitest';
import { findOwner } from './proc-locks.ts';

const LOCKS = `1: POSIX  ADVISORY  WRITE 6739 fe:00:2146570 0 EOF
1: -> POSIX  ADVISORY  WRITE 77 fe:00:99 0 EOF
2: OFDLCK ADVISORY  READ  -1 fe:00:2146571 0 EOF
3: FLOCK  ADVISORY  WRITE 12 fe:00:2146572 0 EOF
4: LEASE  ACTIVE    READ 13 fe:00:2146573 0 EOF
5: DELEG  ACTIVE    READ 14 fe:00:2146573 0 EOF
6: POSIX  MSNFS     READ 0 fe:00:2146574 5 10
7: POSIX  ADVISORY  WRITE 15 103:fff01:2146575 0 EOF
broken line
`;
const DEVICE = 0xfe00n;
const OWN_PID = 4242;

describe('the owner of a kernel lock', () => {
  test.each([
    ['a POSIX lock names its process', 2146570n, 'process 6739'],
    ['an open-file-description lock has no process', 2146571n, 'another process or thread'],
    ['a BSD lock, such as goleveldb takes, counts', 2146572n, 'process 12'],
    ['a lease is no lock', 2146573n, undefined],
    ['a process of another container has no number', 2146574n, 'another process or thread'],
    ['who only waits owns nothing', 99n, undefined],
    ['a file without a lock has none', 1n, undefined],
  ])('%s', (_, inode, owner) => {
    expect(findOwner(LOCKS, DEVICE, inode, OWN_PID)).toBe(owner);
  });

  test('is this process where the number says so', () => {
    expect(findOwner(LOCKS, DEVICE, 2146570n, 6739)).toBe('this process');
  });

  test('is nobody for the same inode number on another device', () => {
    expect(findOwner(LOCKS, 0xfe01n, 2146570n, OWN_PID)).toBeUndefined();
    expect(findOwner(LOCKS, 0xfd00n, 2146570n, OWN_PID)).toBeUndefined();
  });

  test('is found by device numbers beyond eight bits', () => {
    // glibc: makedev(0x103, 0xfff01)
    expect(findOwner(LOCKS, 0xfff10301n, 2146575n, OWN_PID)).toBe('process 15');
  });

  test('is nobody where the system has no such list', () => {
    expect(findOwner('', DEVICE, 2146570n, OWN_PID)).toBeUndefined();
  });
});
