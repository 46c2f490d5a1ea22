/** Batches in the forms in which iterators of a database hand out what they read. */
import type { CursorBatch } from '../iterator/entry-batch.ts';
import type { VisibleCursor } from '../iterator/visible-cursor.ts';
import type { Encoded, Form } from './encoded.ts';

/** Bounded in number and bytes: characters count for bytes where text is handed out. */
export abstract class ItemBatch<T> implements CursorBatch {
  readonly items: T[] = [];
  readonly #maxItems: number;
  readonly #maxBytes: number;
  protected readonly forms: EntryForms;
  protected bytes = 0;

  constructor(maxItems: number, maxBytes: number, forms: EntryForms) {
    this.#maxItems = maxItems;
    this.#maxBytes = maxBytes;
    this.forms = forms;
  }

  get isFull(): boolean {
    const count = this.items.length;
    return count >= this.#maxItems || (count > 0 && this.bytes > this.#maxBytes);
  }

  abstract add(cursor: VisibleCursor): void;
}

export type LevelEntry = [key: Encoded | undefined, value: Encoded | undefined];

export interface EntryForms {
  readonly keys: Form;
  readonly values: Form;
}

export class EntryItems extends ItemBatch<LevelEntry> {
  add(cursor: VisibleCursor): void {
    const key = keyIn(this.forms.keys, cursor);
    const value = valueIn(this.forms.values, cursor);
    this.items.push([key, value]);
    this.bytes += key.length + value.length;
  }
}

/** Entries without their values. */
export class KeyedItems extends ItemBatch<LevelEntry> {
  add(cursor: VisibleCursor): void {
    const key = keyIn(this.forms.keys, cursor);
    this.items.push([key, undefined]);
    this.bytes += key.length;
  }
}

/** Entries without their keys, or with neither. */
export class KeylessItems extends ItemBatch<LevelEntry> {
  add(cursor: VisibleCursor): void {
    const value = valueIn(this.forms.values, cursor);
    this.items.push([undefined, value]);
    this.bytes += value.length;
  }
}

export class KeyItems extends ItemBatch<Encoded> {
  add(cursor: VisibleCursor): void {
    const key = keyIn(this.forms.keys, cursor);
    this.items.push(key);
    this.bytes += key.length;
  }
}

export class ValueItems extends ItemBatch<Encoded> {
  add(cursor: VisibleCursor): void {
    const value = valueIn(this.forms.values, cursor);
    this.items.push(value);
    this.bytes += value.length;
  }
}

function keyIn(form: Form, cursor: VisibleCursor): Encoded {
  return form === 'utf8' ? cursor.keyText() : cursor.copyKey();
}

function valueIn(form: Form, cursor: VisibleCursor): Encoded {
  return form === 'utf8' ? cursor.valueText() : cursor.copyValue();
}
