import type { ClientSession } from 'mongodb';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { SyncConflict, TrailEntry } from '../../contract/schemas/sync-conflict.ts';
import type { LineWrite } from '../../domain/sync/chunk.ts';
import type { Database } from '../database.ts';
import { writeLines } from '../sync/lines.ts';
import { touchPeers } from './touch-peers.ts';

export interface ResolutionWrite {
  conflict: SyncConflict;
  line: LineWrite | undefined;
  /** The session when its conflict state changes. */
  session: CountSession | undefined;
}

/** Writes a decided resolution in the caller's transaction. Throws LineMoved when the line moved on. */
export async function writeResolution(
  database: Database,
  session: ClientSession,
  write: ResolutionWrite,
): Promise<void> {
  const { conflict_id, status, resolution, resolved_by, resolved_at, trail } = write.conflict;
  await touchPeers(database, session, [write.conflict]);
  const done = await database.conflicts.updateOne(
    { conflict_id, status: 'pending' },
    { $set: { status, resolution, resolved_by, resolved_at, trail } },
    { session },
  );
  if (done.matchedCount === 0) throw new Error(`conflict ${conflict_id} is not pending in its own snapshot`);
  if (write.line) await writeLines(database, session, [write.line]);
  if (write.session) {
    const { session_id, sync_status, conflict_items } = write.session;
    await database.sessions.updateOne({ session_id }, { $set: { sync_status, conflict_items } }, { session });
  }
}

/** Replaces a pending conflict's trail in the caller's transaction. */
export async function writeTrail(
  database: Database,
  session: ClientSession,
  conflictId: string,
  trail: readonly TrailEntry[],
): Promise<void> {
  await database.conflicts.updateOne(
    { conflict_id: conflictId, status: 'pending' },
    { $set: { trail: [...trail] } },
    { session },
  );
}
