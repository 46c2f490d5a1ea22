import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { expect, test } from 'vitest';
import { EventSink } from '../events/event-sink.ts';
import { ChannelPublisher } from './channel-publisher.ts';

/** Counts what is made to be delivered. */
class CountingSink extends EventSink {
  deliveries = 0;

  override deliver(call: () => void): void {
    this.deliveries++;
    super.deliver(call);
  }
}

test('makes no message where nobody listens, and only those of the channel where somebody does', () => {
  const events = new CountingSink();
  new ChannelPublisher('a store', new ManualClock(), events);
  const tell = (): void => {
    events.emit('stall-begin', { reason: 'healing' });
    events.emit('stall-end', { reason: 'healing', durationMs: 1 });
    events.emit('cleanup-failed', { file: 'LOG', error: new Error('no') });
  };
  tell();
  expect(events.deliveries).toBe(0);
  const listener = (): void => {};
  subscribe('arena-level:stall', listener);
  try {
    tell();
    expect(events.deliveries).toBe(2);
  } finally {
    unsubscribe('arena-level:stall', listener);
  }
  tell();
  expect(events.deliveries).toBe(2);
});
