/** The process of the server: takes a request to serve, says its port, measures from the word to start, and tells how it went when it is
 * stopped. */
import { stackOf } from '../support/child-run.ts';
import { BenchServer } from './http-server.ts';
import type { ServerMessage, ServerRequest } from './server-messages.ts';

function send(message: ServerMessage): void {
  process.send?.(message);
}

function nextMessage(): Promise<void> {
  return new Promise((came) => process.once('message', () => came()));
}

process.once('message', async (request: ServerRequest) => {
  try {
    const server = await BenchServer.open(request);
    const warmedUp = nextMessage();
    send({ kind: 'listening', port: await server.listen() });
    await warmedUp;
    const stopped = nextMessage();
    // The idle reading of the event loop is taken before the first request that counts.
    const side = await server.ingestUntil(stopped, () => send({ kind: 'started' }));
    send({ kind: 'result', side });
  } catch (error) {
    send({ kind: 'failed', message: stackOf(error) });
    process.exitCode = 1;
  }
  process.disconnect();
});
