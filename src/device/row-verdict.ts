import type { OperationResult } from '../contract/wire-types.ts';
import type { RowEvent } from './row-transitions.ts';

/** What a verdict does to a row, given how often the row was answered `retry` before. */
export interface VerdictEffect {
  event: RowEvent;
  /** After this verdict; never above the row's `max_retries`. */
  retryCount: number;
}

/**
 * Reads a verdict. Only `retry` counts against the row's retries; an unknown verdict (a newer server) is
 * no verdict: null, and the row stays to be sent again.
 */
export function effectOf(
  result: OperationResult,
  row: { retry_count: number; max_retries: number },
): VerdictEffect | null {
  const unchanged = row.retry_count;
  switch (result.verdict) {
    case 'applied':
      return { event: 'applied', retryCount: unchanged };
    case 'duplicate':
      return { event: 'duplicate', retryCount: unchanged };
    case 'conflict':
      return { event: 'conflicted', retryCount: unchanged };
    case 'rejected':
      return {
        event: result.code === 'operation_id_reused' ? 'id_reused' : 'rejected',
        retryCount: unchanged,
      };
    case 'retry': {
      const retryCount = Math.min(unchanged + 1, row.max_retries);
      return { event: retryCount < row.max_retries ? 'retry_later' : 'retries_used', retryCount };
    }
    default:
      result.verdict satisfies never;
      return null;
  }
}

/** What a person reads beside a row that did not go through. */
export function messageOf(result: OperationResult): string {
  const code = result.code ?? result.verdict;
  return result.message === undefined ? code : `${code}: ${result.message}`;
}
