import type { OperationResult, Resolution } from '../contract/wire-types.ts';

/** A member of staff, and which of the results are about a BLIND session. */
export interface BlindReader {
  user_id: string;
  isBlind: (index: number) => boolean;
}

/**
 * Verdicts as their reader may see them: a conflict that was resolved since is a `duplicate` with its
 * resolution (rules, "Identity"), and staff see no quantity that somebody else counted in a BLIND session.
 */
export function visibleResults(
  results: readonly OperationResult[],
  resolutions: ReadonlyMap<string, Resolution>,
  reader: BlindReader | undefined,
): OperationResult[] {
  return results.map((result, index) => {
    const resolution = result.conflict_id === undefined ? undefined : resolutions.get(result.conflict_id);
    const settled: OperationResult =
      result.verdict === 'conflict' && resolution !== undefined ? resolved(result, resolution) : result;
    return reader?.isBlind(index) ? withoutForeignCount(settled, reader.user_id) : settled;
  });
}

// `server` was the line before it was resolved: the device would take an old version for today's.
function resolved(result: OperationResult, resolution: Resolution): OperationResult {
  const { code: _code, message: _message, server: _server, ...rest } = result;
  return { ...rest, verdict: 'duplicate', resolution };
}

function withoutForeignCount(result: OperationResult, userId: string): OperationResult {
  const { server } = result;
  if (!server || !('version' in server) || server.counted_by === userId) return result;
  const { counted_qty: _hidden, ...visible } = server;
  return { ...result, server: visible };
}
