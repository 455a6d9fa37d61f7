import type { OperationResult } from '../contract/wire-types.ts';
import { rowWaitMs } from './backoff.ts';
import { forgetSessions, type LearnedVersion, learnVersions, lineOf } from './known-versions.ts';
import { markSynced } from './mark-synced.ts';
import { forgetAnsweredUploads } from './recorded-uploads.ts';
import { renewEpoch } from './renew-epoch.ts';
import { nextState, type RowState, type RowStatus, stateOf, statusOf } from './row-transitions.ts';
import { effectOf, messageOf } from './row-verdict.ts';
import { type SqliteDatabase, select } from './sqlite-port.ts';

/** How many rows went where. */
export interface SettleSummary {
  synced: number;
  conflict: number;
  /** Set aside or rejected: a person has to look. */
  failed: number;
  /** Go again by themselves after a while. */
  waiting: number;
  /** Go again under a new epoch. */
  renamed: number;
}

export interface SettleOptions {
  nowMs: number;
  /** 0..1; drawn once, so that the rows of one answer become due together and keep their order. */
  random: number;
  keepSynced: boolean;
}

type SettledRow = {
  id: number;
  status: RowStatus;
  operation: string;
  payload: string;
  retry_count: number;
  max_retries: number;
  session_id: string | null;
  verdict: string | null;
  retry_at: number | null;
};

interface Move {
  row: SettledRow;
  result: OperationResult;
  to: RowState;
  retryCount: number;
  renamed: boolean;
}

/**
 * Writes the server's verdicts to their rows. Verdicts that may not happen to a row (it is unknown, was
 * handed back meanwhile, is already done) change nothing. Within a transaction.
 */
export async function settleResults(
  db: SqliteDatabase,
  results: readonly OperationResult[],
  options: SettleOptions,
): Promise<SettleSummary> {
  const moves = decideMoves(await rowsOf(db, results), results);
  for (const move of moves) {
    if (move.to !== 'synced') await writeVerdict(db, move, options);
  }
  const synced = moves.filter((move) => move.to === 'synced');
  await learnFrom(db, synced);
  await markSynced(
    db,
    synced.map((move) => move.row.id),
    options,
  );
  const renamedIds = moves.filter((move) => move.renamed).map((move) => move.row.id);
  if (renamedIds.length > 0) await renewEpoch(db, renamedIds);
  await forgetAnsweredUploads(
    db,
    moves.map((move) => move.row.id),
  );
  return {
    synced: synced.length,
    conflict: countOf(moves, 'conflict'),
    failed: countOf(moves, 'set_aside') + countOf(moves, 'rejected'),
    waiting: countOf(moves, 'waiting'),
    renamed: renamedIds.length,
  };
}

function countOf(moves: readonly Move[], state: RowState): number {
  return moves.filter((move) => move.to === state).length;
}

function rowsOf(db: SqliteDatabase, results: readonly OperationResult[]): Promise<SettledRow[]> {
  return select<SettledRow>(
    db,
    `SELECT q.id, q.status, q.operation, q.payload, q.retry_count, q.max_retries,
            r.session_id, r.verdict, r.retry_at
     FROM sync_queue AS q JOIN sync_queue_rows AS r ON r.row_id = q.id
     WHERE q.id IN (SELECT value FROM json_each(?)) ORDER BY q.id`,
    [JSON.stringify(results.map((result) => result.id))],
  );
}

function decideMoves(rows: readonly SettledRow[], results: readonly OperationResult[]): Move[] {
  const resultOf = new Map(results.map((result) => [result.id, result]));
  return rows.flatMap((row) => {
    const result = resultOf.get(row.id)!;
    const effect = effectOf(result, row);
    const to = effect === null ? null : nextState(stateOf(row), effect.event);
    if (effect === null || to === null) return [];
    return [{ row, result, to, retryCount: effect.retryCount, renamed: effect.event === 'id_reused' }];
  });
}

async function writeVerdict(
  db: SqliteDatabase,
  { row, result, to, retryCount }: Move,
  { nowMs, random }: SettleOptions,
): Promise<void> {
  await db.run('UPDATE sync_queue SET status = ?, retry_count = ?, error_message = ? WHERE id = ?', [
    statusOf(to),
    retryCount,
    to === 'pending' ? null : messageOf(result),
    row.id,
  ]);
  await db.run(
    `UPDATE sync_queue_rows SET unanswered = 0, verdict = ?, code = ?, conflict_id = ?, retry_at = ?
     WHERE row_id = ?`,
    [
      to === 'pending' ? null : result.verdict,
      to === 'pending' ? null : (result.code ?? null),
      result.conflict_id ?? null,
      to === 'waiting' ? nowMs + rowWaitMs(retryCount, random) : null,
      row.id,
    ],
  );
}

/**
 * Learns line versions. A plain `duplicate` teaches nothing: it tells the line of now, which somebody else
 * may have counted since ours was applied, and a recount that claimed to know it would overwrite theirs
 * without a conflict. A resolution was made known to the person with this answer, so it counts for what
 * is enqueued from now on.
 */
async function learnFrom(db: SqliteDatabase, synced: readonly Move[]): Promise<void> {
  const lastRowId = await newestRowId(db);
  const learned: LearnedVersion[] = [];
  const endedSessions: string[] = [];
  for (const { row, result } of synced) {
    if (row.operation === 'session_complete' && row.session_id !== null) endedSessions.push(row.session_id);
    const { server } = result;
    if (server === undefined || !('version' in server)) continue;
    const line = lineOf(row.operation, JSON.parse(row.payload));
    if (line === null || !Number.isSafeInteger(server.version)) continue;
    if (result.verdict === 'applied') learned.push({ line, version: server.version, afterRowId: 0 });
    else if (result.resolution !== undefined) {
      learned.push({ line, version: server.version, afterRowId: lastRowId });
    }
  }
  await learnVersions(db, learned);
  await forgetSessions(db, endedSessions);
}

async function newestRowId(db: SqliteDatabase): Promise<number> {
  const [row] = await select<{ seq: number }>(
    db,
    "SELECT seq FROM sqlite_sequence WHERE name = 'sync_queue'",
  );
  return row?.seq ?? 0;
}
