import { type Channel, channel } from 'node:diagnostics_channel';
import type { ChannelMessages, ChannelName } from './messages.ts';

/** The channels by what they carry. A subscriber keeps a channel alive; so do we, or a lookup would find another one. */
const CHANNELS: { readonly [N in ChannelName]: Channel } = {
  'arena-level:open': channel('arena-level:open'),
  'arena-level:rotation': channel('arena-level:rotation'),
  'arena-level:flush': channel('arena-level:flush'),
  'arena-level:compaction': channel('arena-level:compaction'),
  'arena-level:clear': channel('arena-level:clear'),
  'arena-level:ingest': channel('arena-level:ingest'),
  'arena-level:thread': channel('arena-level:thread'),
  'arena-level:stall': channel('arena-level:stall'),
  'arena-level:error': channel('arena-level:error'),
};

let lastId = 0;

/** For messages that belong together. */
export function newMessageId(): number {
  return ++lastId;
}

/** Whether a message would be heard. */
export function isHeard(name: ChannelName): boolean {
  return CHANNELS[name].hasSubscribers;
}

/** A subscriber that throws does so as an uncaught exception; the caller does not notice. */
export function publish<N extends ChannelName>(name: N, message: ChannelMessages[N]): void {
  CHANNELS[name].publish(message);
}
