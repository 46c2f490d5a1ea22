import { Block } from '@arena-level/common/block/block';
import { BlockCursor } from '@arena-level/common/block/block-cursor';
import { type BlockHandle, decodeBlockHandle } from '@arena-level/common/block/block-handle';
import { decodeFooter, FOOTER_BYTES } from '@arena-level/common/table/table-format';

export type TableRegion = 'data' | 'filter' | 'merkle' | 'metaindex' | 'index' | 'footer';

/** Where each part of an uncompressed table is; of its data blocks the first. Parts it does not have are left out. */
export function tableRegions(file: Uint8Array): Readonly<Record<TableRegion, BlockHandle>> {
  const footerOffset = file.length - FOOTER_BYTES;
  const { metaindex, index } = decodeFooter(file.subarray(footerOffset), 'table', file.length);
  const metas = new Map(entriesOf(file, metaindex));
  const named = (pattern: RegExp): BlockHandle => [...metas].find(([name]) => pattern.test(name))![1];
  return {
    data: entriesOf(file, index)[0]![1],
    filter: named(/^filter\./),
    merkle: named(/merkle/),
    metaindex,
    index,
    footer: { offset: footerOffset, size: FOOTER_BYTES },
  };
}

function entriesOf(file: Uint8Array, { offset, size }: BlockHandle): [string, BlockHandle][] {
  const cursor = new BlockCursor();
  cursor.attach(new Block(new Uint8Array(file.subarray(offset, offset + size)), 'table', offset));
  const entries: [string, BlockHandle][] = [];
  while (cursor.next()) {
    const name = Buffer.from(cursor.keyBytes.subarray(0, cursor.keyEnd)).toString('latin1');
    entries.push([name, decodeBlockHandle(cursor.contents, cursor.valueStart, cursor.valueEnd)!]);
  }
  return entries;
}
