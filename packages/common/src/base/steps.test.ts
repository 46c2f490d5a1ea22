import { describe, expect, test } from 'vitest';
import { Running, runLater, runNow, type Steps, wait } from './steps.ts';

/** A step whose promise is settled by hand. */
class ManualStep {
  readonly log: string[];
  readonly name: string;
  resolve!: (value: string) => void;
  reject!: (error: unknown) => void;

  constructor(name: string, log: string[]) {
    this.name = name;
    this.log = log;
  }

  *steps(): Steps<string> {
    return yield* wait(
      () => {
        this.log.push(`${this.name} now`);
        return `${this.name} by now`;
      },
      () => {
        this.log.push(`${this.name} later`);
        return new Promise<string>((resolve, reject) => {
          this.resolve = resolve;
          this.reject = reject;
        });
      },
    );
  }
}

function* inOrder(first: ManualStep, second: ManualStep): Steps<string> {
  const one = yield* first.steps();
  const two = yield* second.steps();
  return `${one}, ${two}`;
}

function twoSteps(): { log: string[]; first: ManualStep; second: ManualStep } {
  const log: string[] = [];
  return { log, first: new ManualStep('first', log), second: new ManualStep('second', log) };
}

describe('steps', () => {
  test('run now, one behind the other', () => {
    const { log, first, second } = twoSteps();
    expect(runNow(inOrder(first, second))).toBe('first by now, second by now');
    expect(log).toEqual(['first now', 'second now']);
  });

  test('run later, each after the one before has settled', async () => {
    const { log, first, second } = twoSteps();
    const outcome = runLater(inOrder(first, second));
    expect(log).toEqual(['first later']);
    first.resolve('1');
    await Promise.resolve();
    await Promise.resolve();
    expect(log).toEqual(['first later', 'second later']);
    second.resolve('2');
    expect(await outcome).toBe('1, 2');
  });

  test('throw the error of a step into the sequence, in both ways', async () => {
    function* guarded(): Steps<string> {
      try {
        yield* wait(
          () => {
            throw new Error('now');
          },
          () => Promise.reject(new Error('later')),
        );
        return 'not reached';
      } catch (error) {
        return `caught ${(error as Error).message}`;
      }
    }
    expect(runNow(guarded())).toBe('caught now');
    expect(await runLater(guarded())).toBe('caught later');
  });

  test('a step that throws before it gives a promise counts as failed', async () => {
    function* broken(): Steps<void> {
      yield* wait(
        () => {},
        () => {
          throw new Error('no promise');
        },
      );
    }
    await expect(runLater(broken())).rejects.toThrow('no promise');
  });

  test('taken over, repeat the step that is waited for and run the rest at once', async () => {
    const { log, first, second } = twoSteps();
    const running = new Running(inOrder(first, second));
    expect(running.settled).toBe(false);
    expect(running.finishNow()).toBe('first by now, second by now');
    expect(running.settled).toBe(true);
    expect(log).toEqual(['first later', 'first now', 'second now']);
    // The late answer to the first step changes nothing.
    first.resolve('too late');
    expect(await running.promise).toBe('first by now, second by now');
    expect(log).toHaveLength(3);
  });

  test('a late failure of a step that was taken over is not heard of', async () => {
    const { first, second } = twoSteps();
    const running = new Running(inOrder(first, second));
    running.finishNow();
    first.reject(new Error('too late'));
    expect(await running.promise).toBe('first by now, second by now');
  });

  test('a take-over gives the outcome of a sequence that has settled', async () => {
    const { first, second } = twoSteps();
    const running = new Running(inOrder(first, second));
    first.resolve('1');
    await Promise.resolve();
    await Promise.resolve();
    second.resolve('2');
    await running.promise;
    expect(running.finishNow()).toBe('1, 2');
  });

  test('a take-over that fails throws, and nobody needs to wait for the promise', () => {
    function* failing(): Steps<void> {
      yield* wait(
        () => {
          throw new Error('blocked');
        },
        () => new Promise<void>(() => {}),
      );
    }
    expect(() => new Running(failing()).finishNow()).toThrow('blocked');
  });

  test('a sequence cannot be asked to finish from inside one of its own steps', async () => {
    let running: Running<void>;
    function* selfish(): Steps<void> {
      yield* wait(
        () => {},
        () => Promise.resolve(),
      );
      running.finishNow();
    }
    running = new Running(selfish());
    await expect(running.promise).rejects.toThrow('inside one of its own steps');
  });
});
