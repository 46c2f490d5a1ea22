import type { MessagePort, TransferListItem } from 'node:worker_threads';
import type { Endpoint } from 'comlink';

type Listener = (event: { readonly data: unknown }) => void;

/**
 * A port as comlink takes one. comlink neither closes it nor holds the process by it: both is up to whoever has the port, who
 * has to `unref` it when all listeners are there.
 */
export function nodeEndpoint(port: MessagePort): Endpoint {
  const handlers = new Map<unknown, (data: unknown) => void>();
  return {
    postMessage: (message: unknown, transfer: readonly TransferListItem[] = []) =>
      port.postMessage(message, transfer),
    addEventListener: (_type: string, listener: unknown) => {
      const handler = (data: unknown): void => (listener as Listener)({ data });
      handlers.set(listener, handler);
      port.on('message', handler);
    },
    removeEventListener: (_type: string, listener: unknown) => {
      const handler = handlers.get(listener);
      if (handler !== undefined) port.off('message', handler);
      handlers.delete(listener);
    },
  };
}
