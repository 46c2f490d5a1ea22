import type { Block } from '@arena-level/common/block/block';
import type { BlockCursor } from '@arena-level/common/block/block-cursor';
import type { ProblemList } from './problem-list.ts';

/**
 * Visits every entry of a block through `cursor`, and checks that each restart point is an entry with a whole key.
 * An entry that cannot be decoded is noted and ends the walk; the answer is whether the walk was complete.
 */
export function walkBlock(
  block: Block,
  cursor: BlockCursor,
  problems: ProblemList,
  visit: () => void,
): boolean {
  let restart = 0;
  const walked = problems.attempt(() => {
    cursor.attach(block);
    while (cursor.next()) {
      restart = checkRestarts(block, restart, cursor.entryOffset, problems);
      visit();
    }
    return true;
  });
  if (walked === undefined) return false;
  if (restart < block.restartCount && block.restartsOffset > 0) notAnEntry(block, restart, problems);
  return true;
}

/** Checks the restart points up to the entry at `entryOffset`, from number `restart` on; returns the next number. */
function checkRestarts(block: Block, restart: number, entryOffset: number, problems: ProblemList): number {
  let next = restart;
  for (; next < block.restartCount && block.restart(next) <= entryOffset; next++) {
    if (block.restart(next) < entryOffset) notAnEntry(block, next, problems);
    else if (block.contents[entryOffset] !== 0) {
      problems.add(
        `restart point ${next} of the block is an entry that shares bytes of the key before`,
        block.offset,
      );
    }
  }
  return next;
}

function notAnEntry(block: Block, restart: number, problems: ProblemList): void {
  problems.add(`restart point ${restart} of the block is not the start of an entry`, block.offset);
}
