import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { NodeDescriptor } from './node-descriptor.ts';
import { NodeSync } from './node-sync.ts';
import { systemError } from './system-error.ts';

const directory = mkdtempSync(join(tmpdir(), 'arena-sync-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** System calls that end when the test says so. */
class ScriptedCalls {
  readonly log: string[] = [];
  readonly #waiting: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  nowFails = false;

  now(number: number): void {
    this.log.push(`now ${number}`);
    if (this.nowFails) throw systemError('EIO', 'fdatasync');
  }

  later(number: number, done: (error: NodeJS.ErrnoException | null) => void): void {
    this.log.push(`later ${number}`);
    this.#waiting.push(done);
  }

  async end(errno?: string): Promise<void> {
    this.#waiting.shift()!(errno === undefined ? null : systemError(errno, 'fdatasync'));
    await new Promise((done) => setImmediate(done));
  }
}

/** Whether the descriptor is open, and on this file: numbers are reused. */
function isOpenOn(number: number, file: Stats): boolean {
  try {
    const { dev, ino } = fstatSync(number);
    return dev === file.dev && ino === file.ino;
  } catch (error) {
    expect(error).toMatchObject({ code: 'EBADF' });
    return false;
  }
}

describe('syncs of one file', () => {
  let own: NodeDescriptor;
  let calls: ScriptedCalls;
  let sync: NodeSync;
  let opened: NodeDescriptor[];
  const open = (): NodeDescriptor => new NodeDescriptor(openSync(join(directory, 'file'), 'a'));

  beforeEach(() => {
    own = open();
    calls = new ScriptedCalls();
    opened = [];
    sync = new NodeSync(
      own,
      () => {
        opened.push(open());
        calls.log.push('open');
        return opened.at(-1)!;
      },
      calls,
    );
  });

  test('use one description while they are blocking', () => {
    sync.now();
    sync.now();
    expect(calls.log).toEqual([`now ${own.number}`, `now ${own.number}`]);
  });

  test('use another for blocking ones from before the first asynchronous one on', async () => {
    const first = sync.later();
    sync.now();
    expect(calls.log).toEqual(['open', `later ${own.number}`, `now ${opened[0]!.number}`]);
    await calls.end();
    await first;
    sync.now();
    expect(opened).toHaveLength(1);
  });

  test('do not overlap: those asked for meanwhile share the next', async () => {
    const started = `later ${own.number}`;
    const first = sync.later();
    const others = [sync.later(), sync.later()];
    expect(calls.log).toEqual(['open', started]);
    await calls.end();
    await first;
    expect(calls.log).toEqual(['open', started, started]);
    const last = sync.later();
    expect(calls.log).toHaveLength(3);
    await calls.end();
    await Promise.all(others);
    await calls.end();
    await last;
    expect(calls.log).toEqual(['open', started, started, started]);
  });

  test('fail for ever after one failed, without asking the kernel', async () => {
    const first = sync.later();
    const second = sync.later();
    const outcomes = Promise.allSettled([first, second]);
    await calls.end('EIO');
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(sync.later()).rejects.toThrow('EIO');
    expect(() => sync.now()).toThrow('EIO');
    expect(calls.log).toEqual(['open', `later ${own.number}`]);
  });

  test('fail asynchronously after a blocking one failed', async () => {
    calls.nowFails = true;
    expect(() => sync.now()).toThrow('EIO');
    calls.nowFails = false;
    expect(() => sync.now()).toThrow('EIO');
    await expect(sync.later()).rejects.toThrow('EIO');
    expect(calls.log).toHaveLength(1);
  });

  test('hold the descriptor until the last that was asked for has ended', async () => {
    const { number } = own;
    const file = fstatSync(number);
    const pending = [sync.later(), sync.later()];
    sync.closeNow();
    own.closeNow();
    await calls.end();
    expect(isOpenOn(number, file)).toBe(true);
    await calls.end();
    await Promise.all(pending);
    // The close itself goes through the libuv pool; it has ended when the number is not this file's any more.
    while (isOpenOn(number, file)) await new Promise((done) => setImmediate(done));
    expect(() => own.number).toThrow(/closed file/);
  });

  test('fail, and may be tried again, where the second description cannot be opened', async () => {
    let fails = true;
    const broken = new NodeSync(
      own,
      () => {
        if (fails) throw systemError('EMFILE', 'open');
        return open();
      },
      calls,
    );
    await expect(broken.later()).rejects.toThrow('EMFILE');
    fails = false;
    const again = broken.later();
    await calls.end();
    await again;
    broken.closeNow();
  });

  test('a descriptor whose call throws at once is not held', async () => {
    await expect(
      own.later(() => {
        throw new TypeError('bad argument');
      }),
    ).rejects.toThrow('bad argument');
    const { number } = own;
    own.closeNow();
    expect(() => closeSync(number)).toThrow('EBADF');
  });
});
