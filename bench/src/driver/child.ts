/** The child process of one run: takes a task, sends progress and the result. */
import { runTask, type Task, type TaskProgress } from './task.ts';

export type ChildMessage =
  | { readonly kind: 'progress'; readonly progress: TaskProgress }
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly message: string };

function send(message: ChildMessage): void {
  process.send?.(message);
}

process.once('message', async (task: Task) => {
  try {
    send({ kind: 'result', result: await runTask(task, (progress) => send({ kind: 'progress', progress })) });
  } catch (error) {
    send({
      kind: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    process.exitCode = 1;
  }
  process.disconnect();
});
