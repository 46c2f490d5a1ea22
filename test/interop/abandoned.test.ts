import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { Prng } from '@arena-level/common/base/prng';
import { expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { expectHere, expectInLevelDb } from './both-engines.ts';
import { type Model, randomBatches } from './random-batches.ts';

const SEED = seedFromEnvironment(20_251_122);
const program = await bundleForNode(new URL('./abandoned.program.ts', import.meta.url));

test.each([3, 400])(
  `a store of %i batches whose process is killed holds all of them, here and in LevelDB (seed ${SEED})`,
  async (batches) => {
    const directory = temporaryDirectory();
    const writer = spawn(process.execPath, [program, directory, String(SEED), String(batches)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(writer.stdout, 'data');
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    const model: Model = new Map();
    for (const _ of randomBatches(model, batches, new Prng(SEED)));
    expect(model.size).toBeGreaterThan(0);
    const copy = temporaryDirectory();
    cpSync(directory, copy, { recursive: true });
    await expectInLevelDb(copy, model);
    await expectHere(directory, model);
    await expectInLevelDb(directory, model);
  },
);
