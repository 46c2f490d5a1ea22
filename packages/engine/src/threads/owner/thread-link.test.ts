import type { MessagePort } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createControl } from '../control/control-buffer.ts';
import { FIRST_SLOT_WORD, SlotState, SlotWord } from '../control/control-layout.ts';
import { ThreadSlot } from '../control/thread-slot.ts';
import { ThreadLink } from './thread-link.ts';

test('a thread is asked to take part also when the count of its messages has wrapped around', () => {
  const { words } = createControl();
  const slot = new ThreadSlot(words, 0);
  slot.hand();
  slot.change(SlotState.Handed, SlotState.Attached);
  Atomics.store(words, FIRST_SLOT_WORD + SlotWord.Taken, 2 ** 31 - 2);
  const posted: unknown[] = [];
  const port = { postMessage: (message: unknown) => posted.push(message) } as unknown as MessagePort;
  const link = new ThreadLink(slot, 0, port, { name: undefined, stallMs: 1000 });
  for (let asked = 1; asked <= 5; asked++) {
    link.nudge(asked);
    link.nudge(asked);
    expect(posted).toHaveLength(asked);
    slot.countTaken();
  }
});
