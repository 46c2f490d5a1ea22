/** One task in a process of its own, so that no run profits from what another has warmed up: both ends of it. */
import { fork } from 'node:child_process';

type ChildMessage<Result, Progress> =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'failed'; readonly message: string };

export interface ChildOptions<Progress> {
  /** For messages: what is being run. */
  readonly label: string;
  readonly interrupt?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Options of Node for the process. Default none. */
  readonly execArgv?: readonly string[];
  /** The program that is started with them in place of Node. It starts Node itself. */
  readonly execPath?: string;
}

/** Sends `request` to the program `child`, which answers by `answerParent`. Settles when it is gone, after an interrupt too. */
export function runInChild<Result, Progress>(
  child: string,
  request: object,
  { label, interrupt, onProgress, execArgv = [], execPath = process.execPath }: ChildOptions<Progress>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const peer = fork(child, { execArgv: [...execArgv], execPath, signal: interrupt });
    let result: Result | undefined;
    let failure = 'it sent no result';
    peer.on('message', (message: ChildMessage<Result, Progress>) => {
      if (message.kind === 'progress') onProgress?.(message.progress);
      else if (message.kind === 'result') result = message.result;
      else failure = message.message;
    });
    peer.on('error', (error) => {
      failure = error.message;
      if (peer.pid === undefined) reject(error);
    });
    // A process can be seen to exit before its last message is: the channel closes behind all messages.
    const channelClosed = new Promise((closed) => peer.once('disconnect', closed));
    peer.once('exit', async (code, signal) => {
      await channelClosed;
      if (result !== undefined && code === 0) resolve(result);
      else reject(new Error(`${label} ended with ${signal ?? `code ${code}`}: ${failure}`));
    });
    peer.send(request);
  });
}

/** The other end: does what the parent asks for, once, and tells how it went. */
export function answerParent<Request, Result, Progress>(
  run: (request: Request, report: (progress: Progress) => void) => Promise<Result>,
): void {
  const send = (message: ChildMessage<Result, Progress>): void => {
    process.send?.(message);
  };
  process.once('message', async (request: Request) => {
    try {
      send({
        kind: 'result',
        result: await run(request, (progress) => send({ kind: 'progress', progress })),
      });
    } catch (error) {
      send({ kind: 'failed', message: stackOf(error) });
      process.exitCode = 1;
    }
    process.disconnect();
  });
}

/** All that is known of a failure, for a message to another process. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
