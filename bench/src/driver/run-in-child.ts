import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildMessage } from './child.ts';
import type { TaskKind, TaskProgress, Tasks } from './task.ts';

const CHILD: string = fileURLToPath(new URL('./child.js', import.meta.url));

export interface ChildOptions {
  /** For messages: what is being run. */
  readonly label: string;
  readonly interrupt: AbortSignal;
  readonly onProgress?: (progress: TaskProgress) => void;
}

/**
 * Runs one task in a process of its own, so that no run profits from what another has warmed up. Settles when that
 * process is gone, after an interrupt too.
 */
export function runInChild<K extends TaskKind>(
  kind: K,
  request: Tasks[K]['request'],
  { label, interrupt, onProgress }: ChildOptions,
): Promise<Tasks[K]['result']> {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, { execArgv: [], signal: interrupt });
    let result: Tasks[K]['result'] | undefined;
    let failure = 'it sent no result';
    child.on('message', (message: ChildMessage) => {
      if (message.kind === 'progress') onProgress?.(message.progress);
      else if (message.kind === 'result') result = message.result as Tasks[K]['result'];
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
      else reject(new Error(`${label} ended with ${signal ?? `code ${code}`}: ${failure}`));
    });
    child.send({ kind, request });
  });
}
