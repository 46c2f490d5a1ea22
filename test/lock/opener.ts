import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { open, type Store } from 'arena-level/engine';
import { type DirectoryLock, lockDirectory } from '../../packages/engine/src/lock/directory-lock.ts';
import { bundleForNode } from '../support/bundle.ts';
import type { Answer, Command } from './opener.program.ts';

let program: Promise<string> | undefined;

function environment(native: boolean): NodeJS.ProcessEnv {
  const { ARENA_LEVEL_NATIVE: _, ...rest } = process.env;
  return native ? rest : { ...rest, ARENA_LEVEL_NATIVE: '0' };
}

/** Somebody who opens stores: a child process or a worker thread running opener.program.ts. */
export class Opener {
  readonly #peer: ChildProcess | Worker;
  readonly #ended: Promise<unknown>;

  constructor(peer: ChildProcess | Worker) {
    this.#peer = peer;
    this.#ended = once(peer, 'exit');
  }

  static async start(kind: 'process' | 'worker', native: boolean): Promise<Opener> {
    program ??= bundleForNode(new URL('opener.program.ts', import.meta.url));
    const path = await program;
    const env = environment(native);
    return new Opener(kind === 'process' ? fork(path, { env }) : new Worker(path, { env }));
  }

  async ask(command: Command, directory = ''): Promise<Answer> {
    const answered = once(this.#peer, 'message');
    if (this.#peer instanceof Worker) this.#peer.postMessage({ command, directory });
    else this.#peer.send({ command, directory });
    const [answer] = await answered;
    return answer as Answer;
  }

  /** Ends it at once, with no chance to clean up. */
  async kill(): Promise<void> {
    if (this.#peer instanceof Worker) await this.#peer.terminate();
    else this.#peer.kill('SIGKILL');
    await this.#ended;
  }
}

/** Locks from the thread of the test. */
export function lockHere(directory: string, native: boolean, force = false): DirectoryLock {
  return withNative(native, () => lockDirectory(new NodeStorage(directory), directory, { force }));
}

/** Opens the store from the thread of the test. The lock is taken before `open` waits for anything. */
export function openHere(directory: string, native: boolean): Promise<Store> {
  return withNative(native, () => open(directory, { flush: 'inline', infoLog: false }));
}

function withNative<T>(native: boolean, call: () => T): T {
  const before = process.env['ARENA_LEVEL_NATIVE'];
  process.env['ARENA_LEVEL_NATIVE'] = native ? '' : '0';
  try {
    return call();
  } finally {
    if (before === undefined) delete process.env['ARENA_LEVEL_NATIVE'];
    else process.env['ARENA_LEVEL_NATIVE'] = before;
  }
}
