/** The child process of one run: takes a request, sends the result. */
import { type OverwriteRequest, runOverwrite } from './run.ts';

process.once('message', async (request: OverwriteRequest) => {
  try {
    process.send?.({ result: await runOverwrite(request) });
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    process.exitCode = 1;
  }
  process.disconnect();
});
