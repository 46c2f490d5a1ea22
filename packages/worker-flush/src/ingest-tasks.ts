/** The tasks of an ingest beside the building of runs. Expected failures are answers: these throw nothing. */
import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import type {
  ParseRequest,
  ParseResponse,
  UnloadRequest,
  UnloadResponse,
} from '@arena-level/common/protocol/ingest-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import { BatchEncoder } from './batch-encoder.ts';
import { ingestFailure } from './ingest-failure.ts';
import { InputRun } from './input-run.ts';
import { parsePiece } from './parse-piece.ts';

/** Parses a piece and encodes its entries as batches. */
export async function parseToBatches(request: ParseRequest): Promise<ParseResponse> {
  try {
    const encoder = new BatchEncoder(request);
    const parsed = await parsePiece(request, encoder);
    return { kind: 'parsed', parsed, batches: encoder.batches() };
  } catch (error) {
    return ingestFailure(error);
  }
}

/** The entries of a table that holds nothing but values, in order. */
export function unloadTable(request: UnloadRequest, storage: Storage): UnloadResponse {
  let run: InputRun | undefined;
  try {
    const encoder = new BatchEncoder(request);
    run = new InputRun(storage, [request.table], {}, EMPTY_BYTES);
    for (run.first(); !run.ended; run.advance()) {
      const { batch, at } = run;
      encoder.put(
        batch.keys.subarray(batch.keyStarts[at]!, batch.keyEnds[at]!),
        batch.contents.subarray(batch.valueStarts[at]!, batch.valueEnds[at]!),
      );
    }
    return { kind: 'unloaded', batches: encoder.batches() };
  } catch (error) {
    return ingestFailure(error);
  } finally {
    run?.close();
  }
}
