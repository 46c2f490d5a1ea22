/** Hears what the channels carry, for the test that is running. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ChannelMessages, ChannelName } from 'arena-level/engine';
import { expect, onTestFinished } from 'vitest';

const NAMES: readonly ChannelName[] = [
  'arena-level:open',
  'arena-level:rotation',
  'arena-level:flush',
  'arena-level:compaction',
  'arena-level:clear',
  'arena-level:ingest',
  'arena-level:thread',
  'arena-level:stall',
  'arena-level:error',
];

export type Heard = {
  [N in ChannelName]: { readonly name: N; readonly message: ChannelMessages[N] };
}[ChannelName];

export class Listening {
  readonly heard: Heard[] = [];

  constructor(names: readonly ChannelName[] = NAMES) {
    for (const name of names) {
      const listener = (message: unknown): void => void this.heard.push({ name, message } as Heard);
      subscribe(name, listener);
      onTestFinished(() => void unsubscribe(name, listener));
    }
  }

  of<N extends ChannelName>(name: N): ChannelMessages[N][] {
    return this.heard
      .filter((each) => each.name === name)
      .map(({ message }) => message as ChannelMessages[N]);
  }

  /** Each begin has its end, behind it, and the other way round; only trouble may begin several times. */
  expectPairs(): void {
    const open = new Map<number, Heard>();
    for (const each of this.heard) {
      const { name, message } = each;
      const begun = open.get(message.id);
      if (message.phase === 'begin') {
        if (name !== 'arena-level:error') expect(begun, `${name} begins once`).toBeUndefined();
        open.set(message.id, each);
      } else {
        expect(begun, `${name} ended without a begin`).toBeDefined();
        expect(begun).toMatchObject({
          name,
          message: { reason: message.reason, location: message.location },
        });
        expect(message.durationMs).toBeGreaterThanOrEqual(0);
        open.delete(message.id);
      }
    }
    expect([...open.values()], 'begun and not ended').toEqual([]);
  }
}
