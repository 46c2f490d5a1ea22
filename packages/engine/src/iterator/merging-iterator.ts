/**
 * Merges several ordered runs into one.
 *
 * The children are given newest first. (user key, sequence) pairs are unique but for data that was recovered twice;
 * there the newest child's entry comes first.
 *
 * A loser tree over the children chooses the next entry with one comparison per tree level. What comparisons read,
 * the key and sequence of each child, is kept in parallel arrays, so that a comparison touches no child.
 *
 * All children are positioned on the side of the merge that the direction of travel needs: going forward each is at
 * its first entry at or after the current one, going backward at its last entry at or before it. Turning around
 * re-seeks all children but the current one.
 *
 * INVARIANT: not blocked and valid: the winner of the tree is the current entry.
 */
import { compareRanges, EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import { copyTo } from '@arena-level/common/bytes/owned-bytes';
import type { InternalIterator } from '@arena-level/common/iterator/internal-iterator';

const FORWARD = 1;
const BACKWARD = -1;

/** The merge of `children`, newest first. Takes them over: they are released with the merge. */
export function mergeIterators(children: readonly InternalIterator[]): InternalIterator {
  return children.length === 1 ? children[0]! : new MergingIterator(children);
}

export class MergingIterator implements InternalIterator {
  valid = false;
  blocked = false;
  keyBytes: Uint8Array = EMPTY_BYTES;
  keyStart = 0;
  keyEnd = 0;
  sequence = 0;

  readonly #children: readonly InternalIterator[];
  /** Whether each child has an entry, and that entry's key and sequence. */
  readonly #present: Uint8Array;
  readonly #keyBytes: Uint8Array[];
  readonly #keyStarts: Uint32Array;
  readonly #keyEnds: Uint32Array;
  readonly #sequences: Float64Array;
  /** Loser tree: [1, k) hold the child that lost at that node, [0] the winner of all. */
  readonly #tree: Int32Array;
  #direction = FORWARD;
  /** The child that `next` or `prev` moved; -1 when all were moved. */
  #moved = -1;
  /** A load that was under way may still end after the release. */
  #isReleased = false;
  /** The current key across a turn: children may be blocked on a seek to it while its owner moves on. */
  #turnKey: Uint8Array = EMPTY_BYTES;

  constructor(children: readonly InternalIterator[]) {
    const count = children.length;
    this.#children = children;
    this.#present = new Uint8Array(count);
    this.#keyBytes = new Array<Uint8Array>(count).fill(EMPTY_BYTES);
    this.#keyStarts = new Uint32Array(count);
    this.#keyEnds = new Uint32Array(count);
    this.#sequences = new Float64Array(count);
    this.#tree = new Int32Array(Math.max(1, count));
  }

  get kind(): number {
    return this.#children[this.#tree[0]!]!.kind;
  }

  get valueBytes(): Uint8Array {
    return this.#children[this.#tree[0]!]!.valueBytes;
  }

  get valueStart(): number {
    return this.#children[this.#tree[0]!]!.valueStart;
  }

  get valueEnd(): number {
    return this.#children[this.#tree[0]!]!.valueEnd;
  }

  first(): void {
    for (const child of this.#children) child.first();
    this.#allMoved(FORWARD);
  }

  last(): void {
    for (const child of this.#children) child.last();
    this.#allMoved(BACKWARD);
  }

  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    for (const child of this.#children) child.seek(key, keyStart, keyEnd, sequence);
    this.#allMoved(FORWARD);
  }

  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    for (const child of this.#children) child.seekBefore(key, keyStart, keyEnd, sequence);
    this.#allMoved(BACKWARD);
  }

  next(): void {
    if (this.#direction !== FORWARD) {
      this.#turn(FORWARD);
      return;
    }
    const current = this.#tree[0]!;
    this.#children[current]!.next();
    this.#oneMoved(current);
  }

  prev(): void {
    if (this.#direction !== BACKWARD) {
      this.#turn(BACKWARD);
      return;
    }
    const current = this.#tree[0]!;
    this.#children[current]!.prev();
    this.#oneMoved(current);
  }

  /** Blocked children load their blocks at the same time. */
  async unblock(): Promise<void> {
    const loads: Promise<void>[] = [];
    for (const child of this.#children) if (child.blocked) loads.push(child.unblock());
    await Promise.all(loads);
    this.#completeMove();
  }

  unblockNow(): void {
    for (const child of this.#children) if (child.blocked) child.unblockNow();
    this.#completeMove();
  }

  release(): void {
    for (const child of this.#children) child.release();
    this.#isReleased = true;
    this.valid = false;
    this.blocked = false;
    this.#keyBytes.fill(EMPTY_BYTES);
    this.keyBytes = EMPTY_BYTES;
  }

  /**
   * Moves on from the current entry against the direction so far. Of entries with the same key and sequence those
   * of newer children come first, so a newer child's equal lies before the current one and an older child's behind
   * it. (At sequence number 0 that is not told apart and a repeated entry is passed over.)
   */
  #turn(direction: typeof FORWARD | typeof BACKWARD): void {
    const current = this.#tree[0]!;
    const { sequence } = this;
    const length = this.keyEnd - this.keyStart;
    if (this.#turnKey.length < length) this.#turnKey = new Uint8Array(length * 2);
    const key = this.#turnKey;
    copyTo(key, 0, this.keyBytes, this.keyStart, this.keyEnd);
    for (let i = 0; i < this.#children.length; i++) {
      const child = this.#children[i]!;
      const bound = i < current && sequence > 0 ? sequence - 1 : sequence;
      if (direction === FORWARD) {
        if (i === current) child.next();
        else child.seek(key, 0, length, bound);
      } else if (i === current) child.prev();
      else child.seekBefore(key, 0, length, bound);
    }
    this.#allMoved(direction);
  }

  #allMoved(direction: typeof FORWARD | typeof BACKWARD): void {
    this.#direction = direction;
    this.#moved = -1;
    this.#settle();
  }

  #oneMoved(child: number): void {
    this.#moved = child;
    if (this.#children[child]!.blocked) {
      this.blocked = true;
      this.valid = false;
      return;
    }
    this.#readChild(child);
    this.#replay(child);
    this.#exposeWinner();
  }

  /** After all children moved: waits if one is blocked, or builds the tree anew. */
  #settle(): void {
    for (const child of this.#children) {
      if (child.blocked) {
        this.blocked = true;
        this.valid = false;
        return;
      }
    }
    this.blocked = false;
    this.#rebuild();
    this.#exposeWinner();
  }

  #completeMove(): void {
    if (this.#isReleased) return;
    const moved = this.#moved;
    if (moved === -1) {
      this.#settle();
      return;
    }
    this.blocked = false;
    this.#oneMoved(moved);
  }

  #readChild(index: number): void {
    const child = this.#children[index]!;
    if (!child.valid) {
      this.#present[index] = 0;
      this.#keyBytes[index] = EMPTY_BYTES;
      return;
    }
    this.#present[index] = 1;
    this.#keyBytes[index] = child.keyBytes;
    this.#keyStarts[index] = child.keyStart;
    this.#keyEnds[index] = child.keyEnd;
    this.#sequences[index] = child.sequence;
  }

  /** Plays all matches: each child goes up from its leaf until it meets a node that nobody has come to yet. */
  #rebuild(): void {
    const tree = this.#tree;
    const count = this.#children.length;
    tree.fill(-1);
    for (let i = 0; i < count; i++) {
      this.#readChild(i);
      let winner = i;
      let node = (i + count) >>> 1;
      while (node > 0) {
        const other = tree[node]!;
        if (other === -1) {
          tree[node] = winner;
          winner = -1;
          break;
        }
        if (this.#precedes(other, winner)) {
          tree[node] = winner;
          winner = other;
        }
        node >>>= 1;
      }
      if (winner !== -1) tree[0] = winner;
    }
  }

  /** Plays the matches of one child, which was the winner, after it moved. */
  #replay(child: number): void {
    const tree = this.#tree;
    let winner = child;
    for (let node = (child + this.#children.length) >>> 1; node > 0; node >>>= 1) {
      const other = tree[node]!;
      if (this.#precedes(other, winner)) {
        tree[node] = winner;
        winner = other;
      }
    }
    tree[0] = winner;
  }

  /** Whether child `a` is to be visited before child `b` in the direction of travel. */
  #precedes(a: number, b: number): boolean {
    if (this.#present[a] === 0) return false;
    if (this.#present[b] === 0) return true;
    const order =
      compareRanges(
        this.#keyBytes[a]!,
        this.#keyStarts[a]!,
        this.#keyEnds[a]!,
        this.#keyBytes[b]!,
        this.#keyStarts[b]!,
        this.#keyEnds[b]!,
      ) ||
      this.#sequences[b]! - this.#sequences[a]! ||
      a - b;
    return order * this.#direction < 0;
  }

  #exposeWinner(): void {
    const winner = this.#tree[0]!;
    this.valid = winner !== -1 && this.#present[winner] === 1;
    if (!this.valid) return;
    this.keyBytes = this.#keyBytes[winner]!;
    this.keyStart = this.#keyStarts[winner]!;
    this.keyEnd = this.#keyEnds[winner]!;
    this.sequence = this.#sequences[winner]!;
  }
}
