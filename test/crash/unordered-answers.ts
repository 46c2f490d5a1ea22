import type { Prng } from '@arena-level/common/base/prng';
import type { FlushOutcome, HeldBuild, HeldExecutor } from '../support/held-executor.ts';

/** Turns of the event loop after which a build that is alone is answered: writers may wait for it. */
const PATIENCE_TURNS = 200;

/**
 * Builds and answers what `executor` holds while `work` goes on, as two worker threads would: tables are written and
 * answered in an order drawn at random. Returns how many answers overtook that to an older build.
 */
export async function answerInAnyOrder(
  executor: HeldExecutor,
  work: Promise<void>,
  prng: Prng,
): Promise<number> {
  const built = new Map<HeldBuild, FlushOutcome>();
  let overtakings = 0;
  let turnsAlone = 0;
  let settled = false;
  const ended = work.finally(() => {
    settled = true;
  });
  while (!settled) {
    await new Promise(setImmediate);
    const { held } = executor;
    turnsAlone = held.length === 1 ? turnsAlone + 1 : 0;
    if (held.length < 2 && turnsAlone < PATIENCE_TURNS) continue;
    const build = held[prng.below(held.length)]!;
    const outcome = built.get(build);
    if (outcome === undefined) {
      built.set(build, build.build());
    } else {
      if (build !== held[0]) overtakings++;
      build.answer(outcome);
    }
  }
  await ended;
  return overtakings;
}
