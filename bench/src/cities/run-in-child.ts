import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildMessage } from './child.ts';
import type { RunProgress, RunRequest, RunResult } from './run.ts';

const CHILD: string = fileURLToPath(new URL('./child.js', import.meta.url));

/**
 * Runs one ingest in a process of its own, so that no run profits from what another has warmed up. Settles when
 * that process is gone, after an interrupt too.
 */
export function runInChild(
  request: RunRequest,
  onProgress: (progress: RunProgress) => void,
  interrupt: AbortSignal,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(CHILD, { execArgv: [], signal: interrupt });
    let result: RunResult | undefined;
    let failure = 'it sent no result';
    child.on('message', (message: ChildMessage) => {
      if (message.kind === 'progress') onProgress(message.progress);
      else if (message.kind === 'result') result = message.result;
      else failure = message.message;
    });
    child.on('error', (error) => {
      failure = error.message;
      if (child.pid === undefined) reject(error);
    });
    // A process can be seen to exit before its last message is: the channel closes behind all messages.
    const channelClosed = new Promise((closed) => child.once('disconnect', closed));
    child.once('exit', async (code, signal) => {
      await channelClosed;
      if (result !== undefined && code === 0) resolve(result);
      else reject(new Error(`the ${request.mode} run ended with ${signal ?? `code ${code}`}: ${failure}`));
    });
    child.send(request);
  });
}
