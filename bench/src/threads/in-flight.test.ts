import { expect, test } from 'vitest';
import { InFlight } from './in-flight.ts';

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = (): void => undefined;
  let reject = (_: Error): void => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => {
    settled = true;
  });
  await new Promise((turn) => setImmediate(turn));
  return settled;
}

test('as many are let through as may be on their way, and one more for each that has come back', async () => {
  const inFlight = new InFlight(2);
  const all = [deferred(), deferred(), deferred()];
  expect(await isSettled(inFlight.add(all[0]!.promise))).toBe(true);
  const second = inFlight.add(all[1]!.promise);
  expect(await isSettled(second)).toBe(false);
  all[0]!.resolve();
  await second;
  const third = inFlight.add(all[2]!.promise);
  expect(await isSettled(third)).toBe(false);
  all[1]!.resolve();
  await third;
  const end = inFlight.end();
  expect(await isSettled(end)).toBe(false);
  all[2]!.resolve();
  await end;
});

test('one that fails behind others is told at the end, at the latest', async () => {
  const inFlight = new InFlight(3);
  const [first, second] = [deferred(), deferred()];
  await inFlight.add(first.promise);
  await inFlight.add(second.promise);
  second.reject(new Error('the second one'));
  first.resolve();
  await expect(inFlight.end()).rejects.toThrow('the second one');
});
