import { corruption } from '../base/errors.ts';
import type { Steps } from '../base/steps.ts';
import { Block } from '../block/block.ts';
import { readStatedRoot, type StatedRoot } from '../merkle/table-root.ts';
import { fileName } from '../storage/file-desc.ts';
import type { ReadableFile } from '../storage/storage.ts';
import { decodeFooter, FOOTER_BYTES } from './table-format.ts';
import { parseMetaindex, readBytes, readContents } from './table-reader.ts';

/**
 * What a table states of itself: its root and how many blocks are under it. Reads the footer and two meta blocks,
 * checksums verified, and not the data; undefined when there is no Merkle block.
 */
export function* statedRootOf(file: ReadableFile): Steps<StatedRoot | undefined> {
  const name = fileName(file.file);
  const footerOffset = file.size - FOOTER_BYTES;
  if (footerOffset < 0) throw corruption(`a file of ${file.size} bytes is no table`, name);
  const footer = decodeFooter(yield* readBytes(file, name, footerOffset, FOOTER_BYTES), name, file.size);
  const metaindex = new Block(
    yield* readContents(file, name, footer.metaindex),
    name,
    footer.metaindex.offset,
  );
  const { merkle } = parseMetaindex(metaindex, footerOffset);
  if (merkle === undefined) return undefined;
  return readStatedRoot(yield* readContents(file, name, merkle), name, merkle.offset);
}
