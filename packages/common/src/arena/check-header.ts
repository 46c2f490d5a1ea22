import { EngineError, ErrorCode } from '../base/errors.ts';
import { MAX_ARENA_BYTES } from '../base/limits.ts';
import { isArenaState } from './arena-state.ts';
import { kindFromWord } from './index-kind.ts';
import {
  ARENA_LAYOUT_VERSION,
  ARENA_MAGIC,
  arenaByteLength,
  bucketBitsFor,
  firstNodeFor,
  HEADER_BYTES,
  HEADER_WORDS,
  HeaderWord,
  MAX_ARENA_ENTRIES,
  MAX_HEIGHT,
  MAX_NODE_WORDS,
  MAX_PREFIX_BYTES,
  nodeWordsFor,
} from './layout.ts';

/** BASE_SEQUENCE_HIGH of MAX_SEQUENCE. */
const MAX_SEQUENCE_HIGH = 2 ** 21 - 1;

/**
 * Checks that shared memory is an arena of this layout, before any view of its regions is made.
 *
 * The words that describe the regions must agree with each other and with the size of the memory; the words that
 * change must be in range. While the owner inserts, another thread sees the latter one by one, so no relation
 * between them is asked for.
 */
export function checkHeader(shared: SharedArrayBuffer): void {
  demand(shared instanceof SharedArrayBuffer, 'it is not shared memory');
  demand(shared.byteLength >= HEADER_BYTES, 'it is shorter than a header');
  const header = new Int32Array(shared, 0, HEADER_WORDS);
  demand(header[HeaderWord.Magic] === ARENA_MAGIC, 'the magic number is missing');
  demand(header[HeaderWord.LayoutVersion] === ARENA_LAYOUT_VERSION, 'it has the layout of another version');
  const kind = kindFromWord(header[HeaderWord.Kind]!);
  if (kind === undefined) throw damaged('its index kind is unknown');

  const nodeWords = header[HeaderWord.NodeWordsCapacity]!;
  const kvBytes = header[HeaderWord.KvBytesCapacity]!;
  const bucketBits = header[HeaderWord.BucketBits]!;
  demand(inRange(kvBytes, 1, MAX_ARENA_BYTES), 'the capacity of kvData is out of range');
  demand(
    inRange(nodeWords, nodeWordsFor(kind, 1), MAX_NODE_WORDS),
    'the capacity of nodeData is out of range',
  );
  demand(
    arenaByteLength({ nodeWords, kvBytes }) === shared.byteLength,
    'its capacities do not add up to its size',
  );
  demand(
    bucketBits === bucketBitsFor(kind, nodeWords),
    'the bucket table does not fit the capacity of nodeData',
  );

  const firstNode = firstNodeFor(kind, bucketBits);
  const count = Atomics.load(header, HeaderWord.VisibleCount);
  demand(isArenaState(Atomics.load(header, HeaderWord.State)), 'its state is unknown');
  demand(Atomics.load(header, HeaderWord.Generation) >= 0, 'its generation is out of range');
  demand(
    inRange(header[HeaderWord.BaseSequenceHigh]!, 0, MAX_SEQUENCE_HIGH),
    'its base sequence is out of range',
  );
  demand(inRange(header[HeaderWord.PrefixLength]!, 0, MAX_PREFIX_BYTES), 'its common prefix is out of range');
  demand(isFlag(Atomics.load(header, HeaderWord.Clean)), 'the word `clean` is not a flag');
  demand(isFlag(Atomics.load(header, HeaderWord.Cancel)), 'the word `cancel` is not a flag');
  demand(Atomics.load(header, HeaderWord.Progress) >= 0, 'its progress is out of range');
  demand(inRange(count, 0, MAX_ARENA_ENTRIES), 'its visible count is out of range');
  demand(
    inRange(header[HeaderWord.NodeWordsUsed]!, firstNode, nodeWords),
    'the node words used are out of range',
  );
  demand(inRange(header[HeaderWord.KvBytesUsed]!, 0, kvBytes), 'the kv bytes used are out of range');
  demand(inRange(header[HeaderWord.Height]!, 1, MAX_HEIGHT), 'its height is out of range');
}

/** The error of an arena that is not what a thread was told it is. */
export function damaged(what: string): EngineError {
  return new EngineError(ErrorCode.Internal, `shared memory is not the arena it should be: ${what}`);
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw damaged(what);
}

function inRange(value: number, least: number, greatest: number): boolean {
  return value >= least && value <= greatest;
}

function isFlag(value: number): boolean {
  return value === 0 || value === 1;
}
