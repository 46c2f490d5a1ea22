/** The process of the server: takes a request to serve, says its port, and tells how it went when it is stopped. */
import { stackOf } from '../support/child-run.ts';
import { BenchServer } from './http-server.ts';
import type { ServerMessage, ServerRequest } from './server-messages.ts';

function send(message: ServerMessage): void {
  process.send?.(message);
}

process.once('message', async (request: ServerRequest) => {
  try {
    const server = await BenchServer.open(request);
    const stopped = new Promise<void>((stop) => process.once('message', () => stop()));
    const port = await server.listen();
    // The idle reading of the event loop is taken before the first request.
    const side = await server.ingestUntil(stopped, () => send({ kind: 'listening', port }));
    send({ kind: 'result', side });
  } catch (error) {
    send({ kind: 'failed', message: stackOf(error) });
    process.exitCode = 1;
  }
  process.disconnect();
});
