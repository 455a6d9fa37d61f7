// Negative control: whoever sends a fence is believed, whatever it is and whoever holds the item, and nothing
// that is done under a lock meets the next take.
import { replaceSource } from './replace-source.ts';

replaceSource([
  {
    file: 'src/domain/sync/decide-resolution.ts',
    from: "if (lock?.fence !== request.fence || lock.locked_by !== request.user_id) return { kind: 'lock_lost' };",
    to: '',
  },
  {
    file: 'src/domain/locks/lock-rules.ts',
    from: "lock.reason !== 'offline_sync' && lock.locked_by === claim.user_id && lock.fence === claim.fence;",
    to: 'lock.fence > 0 && claim.fence > 0;',
  },
  {
    file: 'src/db/locks/renew-lock.ts',
    from: '      fence,\n      locked_by: user_id,\n',
    to: '',
  },
  {
    file: 'src/db/locks/hold-fences.ts',
    from: '): Promise<void> {\n  if (itemCodes.length === 0) return;',
    to: '): Promise<void> {\n  if (itemCodes.length >= 0) return;',
  },
]);
