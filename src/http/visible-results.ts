import type { OperationResult, Resolution } from '../contract/wire-types.ts';

/**
 * Verdicts as their reader may see them: a conflict that was resolved since is a `duplicate` with its
 * resolution (rules, "Identity"), and `blindFor`, a member of staff in a BLIND session, sees no quantity
 * that somebody else counted.
 */
export function visibleResults(
  results: readonly OperationResult[],
  resolutions: ReadonlyMap<string, Resolution>,
  blindFor: string | undefined,
): OperationResult[] {
  return results.map((result) => {
    const resolution = result.conflict_id === undefined ? undefined : resolutions.get(result.conflict_id);
    const settled: OperationResult =
      result.verdict === 'conflict' && resolution !== undefined ? resolved(result, resolution) : result;
    return blindFor === undefined ? settled : withoutForeignCount(settled, blindFor);
  });
}

function resolved(result: OperationResult, resolution: Resolution): OperationResult {
  const { code: _code, message: _message, ...rest } = result;
  return { ...rest, verdict: 'duplicate', resolution };
}

function withoutForeignCount(result: OperationResult, userId: string): OperationResult {
  const { server } = result;
  if (!server || !('version' in server) || server.counted_by === userId) return result;
  const { counted_qty: _hidden, ...visible } = server;
  return { ...result, server: visible };
}
