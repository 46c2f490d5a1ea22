/**
 * Opens and closes locks and stores when told to, in a child process or a worker thread. One message, one answer.
 */
import { parentPort, threadId } from 'node:worker_threads';
import { isEngineError } from '@arena-level/common/base/errors';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { open, type Store } from 'arena-level/engine';
import type { ClassicLevel } from 'classic-level';
import { type DirectoryLock, lockDirectory } from '../../packages/engine/src/lock/directory-lock.ts';

export type Command =
  | 'lock'
  | 'force'
  | 'release'
  | 'open'
  | 'close'
  | 'open-classic'
  | 'close-classic'
  | 'identify';

export interface Request {
  readonly command: Command;
  readonly directory: string;
}

export interface Answer {
  readonly outcome: string;
  readonly message?: string;
  readonly pid: number;
  readonly threadId: number;
}

let lock: DirectoryLock | undefined;
let store: Store | undefined;
let classic: ClassicLevel | undefined;

async function obey({ command, directory }: Request): Promise<void> {
  switch (command) {
    case 'lock':
    case 'force':
      lock = lockDirectory(new NodeStorage(directory), directory, { force: command === 'force' });
      break;
    case 'release':
      lock?.release();
      break;
    case 'open':
      store = await open(directory, { flush: 'inline', infoLog: false });
      break;
    case 'close':
      await store?.close();
      break;
    case 'open-classic':
      classic = new (await import('classic-level')).ClassicLevel(directory);
      await classic.open();
      break;
    case 'close-classic':
      await classic?.close();
      break;
    case 'identify':
      break;
  }
}

function codeOf(error: unknown): string {
  const inner =
    error instanceof Error && !isEngineError(error) && error.cause !== undefined ? error.cause : error;
  return String((inner as { code?: unknown }).code ?? inner);
}

async function answer(request: Request): Promise<Answer> {
  const self = { pid: process.pid, threadId };
  try {
    await obey(request);
    return { outcome: 'done', ...self };
  } catch (error) {
    return { outcome: codeOf(error), message: (error as Error).message, ...self };
  }
}

if (parentPort !== null) {
  const port = parentPort;
  port.on('message', async (request: Request) => port.postMessage(await answer(request)));
} else {
  process.on('message', async (request: Request) => process.send!(await answer(request)));
}
