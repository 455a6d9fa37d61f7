import type { Document } from 'mongodb';
import { MAX_LOCK_MS } from '../../domain/locks/lock-rules.ts';

/** Rules that the database itself holds, by collection name (contract 5). */
export const VALIDATORS: Readonly<Record<string, Document>> = {
  item_locks: {
    $and: [
      { locked_at: { $type: 'date' }, expires_at: { $type: 'date' }, item_code: { $type: 'string' } },
      {
        $expr: {
          $and: [
            { $gt: ['$expires_at', '$locked_at'] },
            { $lte: [{ $subtract: ['$expires_at', '$locked_at'] }, MAX_LOCK_MS] },
          ],
        },
      },
    ],
  },
};
