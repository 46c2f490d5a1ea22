/** `misbehaving.worker.mjs` as the program of a bare worker thread, for `OwnPool`. */
import { parentPort } from 'node:worker_threads';
import answerTo from './misbehaving.worker.mjs';

parentPort.on('message', async ({ id, request }) =>
  parentPort.postMessage({ id, answer: await answerTo(request) }),
);
