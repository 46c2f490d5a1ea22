/** The process of the server: takes a request to serve, says its port, and tells how it went when it is stopped. */
import { BenchServer } from './http-server.ts';
import type { ServerRequest, ServerSide } from './server-run.ts';

export type ServerMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'result'; readonly side: ServerSide }
  | { readonly kind: 'failed'; readonly message: string };

function send(message: ServerMessage): void {
  process.send?.(message);
}

process.once('message', async (request: ServerRequest) => {
  try {
    const server = await BenchServer.open(request);
    const stopped = new Promise<void>((stop) => process.once('message', () => stop()));
    const port = await server.listen();
    const ingesting = server.ingestUntil(stopped);
    send({ kind: 'listening', port });
    send({ kind: 'result', side: await ingesting });
  } catch (error) {
    send({
      kind: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    process.exitCode = 1;
  }
  process.disconnect();
});
