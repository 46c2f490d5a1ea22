/** Who has a file locked, as Linux tells in /proc/locks, without opening the file. */
import { readFileSync, statSync } from 'node:fs';

/** `1: POSIX  ADVISORY  WRITE 6739 fe:00:2146570 0 EOF`; a line with an arrow is somebody who waits. */
const LINE = /^\d+: (?:POSIX|OFDLCK|FLOCK)\s+\S+\s+\S+\s+(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /;

/**
 * Somebody who has the file at `path` locked, for a message; undefined when nobody is known to. Some file systems show
 * other device numbers here than to stat: there nobody is found.
 */
export function kernelLockOwner(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : findOwner(readLocks(), stats.dev, stats.ino, process.pid);
}

export function findOwner(locks: string, device: bigint, inode: bigint, ownPid: number): string | undefined {
  const [major, minor] = splitDevice(device);
  for (const line of locks.split('\n')) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, pid, lineMajor, lineMinor, lineInode] = match;
    if (lineInode !== String(inode) || lineMinor === undefined || lineMajor === undefined) continue;
    if (Number.parseInt(lineMajor, 16) !== major || Number.parseInt(lineMinor, 16) !== minor) continue;
    if (Number(pid) === ownPid) return 'this process';
    // An open-file-description lock belongs to no process, and one of another container has no number here.
    return Number(pid) > 0 ? `process ${pid}` : 'another process or thread';
  }
  return undefined;
}

/** As glibc packs device numbers. */
function splitDevice(device: bigint): [major: number, minor: number] {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return [Number(major), Number(minor)];
}

function readLocks(): string {
  try {
    return readFileSync('/proc/locks', 'utf8');
  } catch {
    return '';
  }
}
