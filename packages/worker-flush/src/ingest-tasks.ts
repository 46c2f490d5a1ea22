/** The tasks of an ingest beside the building of runs. Expected failures are answers: these throw nothing. */
import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import type {
  BatchSizes,
  BatchTransport,
  ParseRequest,
  ParseResponse,
  UnloadRequest,
  UnloadResponse,
} from '@arena-level/common/protocol/ingest-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import { BatchEncoder, BatchList } from './batch-encoder.ts';
import { ingestFailure } from './ingest-failure.ts';
import { InputRun } from './input-run.ts';
import { parsePiece } from './parse-piece.ts';
import { RingSink } from './ring-sink.ts';

/** Parses a piece and encodes its entries as batches. */
export async function parseToBatches(request: ParseRequest): Promise<ParseResponse> {
  try {
    const { encoder, list } = encoderFor(request);
    const parsed = await parsePiece(request, encoder);
    encoder.finish();
    return { kind: 'parsed', parsed, batches: list.batches };
  } catch (error) {
    return ingestFailure(error);
  }
}

/** The entries of a table that holds nothing but values, in order. */
export function unloadTable(request: UnloadRequest, storage: Storage): UnloadResponse {
  let run: InputRun | undefined;
  try {
    const { encoder, list } = encoderFor(request);
    run = new InputRun(storage, [request.table], {}, EMPTY_BYTES);
    for (run.first(); !run.ended; run.advance()) {
      const { batch, at } = run;
      encoder.put(
        batch.keys.subarray(batch.keyStarts[at]!, batch.keyEnds[at]!),
        batch.contents.subarray(batch.valueStarts[at]!, batch.valueEnds[at]!),
      );
    }
    encoder.finish();
    return { kind: 'unloaded', batches: list.batches };
  } catch (error) {
    return ingestFailure(error);
  } finally {
    run?.close();
  }
}

/** `list` has what does not go through a ring. */
function encoderFor(request: BatchSizes & BatchTransport): {
  readonly encoder: BatchEncoder;
  readonly list: BatchList;
} {
  const list = new BatchList();
  const sink = request.ring === undefined ? list : new RingSink(request.ring);
  return { encoder: new BatchEncoder(request, sink, request.skipEntries), list };
}
