import { ErrorCode } from '@arena-level/common/base/errors';
import { Running, runNow, type Steps, wait } from '@arena-level/common/base/steps';
import { beforeEach, describe, expect, test } from 'vitest';
import { CommitLane } from './commit-lane.ts';

let lane: CommitLane;
let log: string[];
/** Ends the step that waits. */
let pending: (() => void)[];
beforeEach(() => {
  lane = new CommitLane();
  log = [];
  pending = [];
});

/** A commit of two steps, each of which can be taken blocking. */
function* commit(name: string): Steps<string> {
  for (const step of [1, 2]) {
    yield* wait(
      () => void log.push(`${name}${step} now`),
      () =>
        new Promise<void>((resolve) => {
          pending.push(() => {
            log.push(`${name}${step}`);
            resolve();
          });
        }),
    );
  }
  return name;
}

function* failing(): Steps<never> {
  yield* wait(
    () => {},
    () => Promise.resolve(),
  );
  throw new Error('EIO');
}

const inLane = (name: string): Running<string> => new Running(lane.run(() => commit(name)));

async function endAll(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) {
    pending.shift()?.();
    await new Promise(setImmediate);
  }
}

describe('the commit lane', () => {
  test('lets one commit through at a time, in the order in which they came', async () => {
    const commits = ['a', 'b', 'c'].map(inLane);
    await endAll();
    expect(await Promise.all(commits.map(({ promise }) => promise))).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
  });

  test('goes on behind a commit that fails', async () => {
    const failed = new Running(lane.run(failing));
    failed.promise.catch(() => {});
    const next = inLane('b');
    await endAll();
    await expect(failed.promise).rejects.toThrow('EIO');
    expect(await next.promise).toBe('b');
  });

  test('is taken over by a blocking commit: what is under way ends first, and its own promise with it', async () => {
    const first = inLane('a');
    expect(runNow(lane.run(() => commit('b')))).toBe('b');
    expect(log).toEqual(['a1 now', 'a2 now', 'b1 now', 'b2 now']);
    expect(await first.promise).toBe('a');
    await endAll();
    expect(log.filter((line) => line.endsWith('now'))).toHaveLength(4);
  });

  test('lets a blocking call finish a commit that waits for another one', async () => {
    const first = inLane('a');
    const second = inLane('b');
    expect(second.finishNow()).toBe('b');
    expect(log).toEqual(['a1 now', 'a2 now', 'b1 now', 'b2 now']);
    expect(await first.promise).toBe('a');
  });

  test('can be brought to rest by a blocking call, also when the commit fails', async () => {
    const failed = new Running(lane.run(failing));
    failed.promise.catch(() => {});
    lane.finishNow();
    await expect(failed.promise).rejects.toThrow('EIO');
    lane.finishNow();
    await lane.settled();
    expect(runNow(lane.run(() => commit('b')))).toBe('b');
  });

  test('resolves when the commit that is under way has ended', async () => {
    await lane.settled();
    const first = inLane('a');
    let isSettled = false;
    const settled = lane.settled().then(() => {
      isSettled = true;
    });
    await new Promise(setImmediate);
    expect(isSettled).toBe(false);
    await endAll();
    await settled;
    await first.promise;
  });

  test('once it is closed ends what is under way, and begins nothing more', async () => {
    const [first, second] = ['a', 'b'].map(inLane);
    let isClosed = false;
    const closing = lane.close().then(() => {
      isClosed = true;
    });
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    const refused = expect(second!.promise).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await endAll();
    await Promise.all([closing, refused]);
    expect(await first!.promise).toBe('a');
    expect(log).toEqual(['a1', 'a2']);
  });
});
