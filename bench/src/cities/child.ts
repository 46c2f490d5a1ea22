/** The child process of one ingest: takes a request, sends progress and the result. */
import { type RunProgress, type RunRequest, type RunResult, runIngest } from './run.ts';

export type ChildMessage =
  | { readonly kind: 'progress'; readonly progress: RunProgress }
  | { readonly kind: 'result'; readonly result: RunResult }
  | { readonly kind: 'failed'; readonly message: string };

function send(message: ChildMessage): void {
  process.send?.(message);
}

process.once('message', async (request: RunRequest) => {
  try {
    const result = await runIngest(request, (progress) => send({ kind: 'progress', progress }));
    send({ kind: 'result', result });
  } catch (error) {
    send({
      kind: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    process.exitCode = 1;
  }
  process.disconnect();
});
