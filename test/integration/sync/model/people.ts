// What people do to the truth: claims, resolutions, voids, manual locks; no code of src/ is used here.
import { type Line, type Lock, placeOf, type Truth } from './truth.ts';

const heldByAnother = (lock: Lock | undefined, who: string): boolean =>
  lock !== undefined && lock.reason !== 'offline_sync' && lock.by !== who;

/** Rules, "Conflicts", Claim. */
export function claim(truth: Truth, index: number, who: string): string {
  const dispute = truth.disputes[index]!;
  if (dispute.resolution) return 'already_resolved';
  const lock = truth.lockOf(dispute.item);
  if (heldByAnother(lock, who)) return 'item_locked';
  if (lock) lock.end = 'released';
  truth.take(dispute.item, dispute.session, who, 'conflict_resolution');
  dispute.steps.push(`claimed ${who}`);
  return 'claimed';
}

export interface Wish {
  resolution: 'keep_local' | 'keep_server' | 'merge';
  merged: number;
  seen: number;
  fence: number | undefined;
  who: string;
}

/** Rules, "Conflicts", Resolve. */
export function resolve(truth: Truth, index: number, wish: Wish): string {
  const dispute = truth.disputes[index]!;
  if (dispute.resolution) return 'already_resolved';
  const lock = truth.lockOf(dispute.item);
  if (wish.fence !== undefined) {
    if (lock?.fence !== wish.fence || lock.by !== wish.who) return 'lock_lost';
  } else if (heldByAnother(lock, wish.who)) return 'item_locked';
  if (wish.seen !== (truth.line(dispute)?.version ?? 0)) return 'version_changed';
  dispute.resolution = wish.resolution;
  dispute.steps.push(`resolved ${wish.who}`);
  if (wish.resolution !== 'keep_server') {
    const { session, item, place, by, at, adjusted, device, epoch } = dispute;
    const qty = wish.resolution === 'merge' ? wish.merged : dispute.qty;
    const version = (truth.lines.get(placeOf(dispute))?.version ?? 0) + 1;
    truth.write({ session, item, place, qty, version, by, at, adjusted, device, epoch, voided: false });
  }
  if (lock?.session === dispute.session && truth.pending(dispute).length === 0) lock.end = 'resolved';
  return 'resolved';
}

/** A void is a change of the line like any other; a second one changes nothing. */
export function voidLine(truth: Truth, line: Line): void {
  if (!line.voided) truth.write({ ...line, version: line.version + 1, voided: true });
}

export function takeManually(truth: Truth, item: string, session: string, who: string): boolean {
  if (truth.lockOf(item)) return false;
  truth.take(item, session, who, 'manual');
  return true;
}

/** Only the holder of the current fence renews, and what comes with a conflict has no holder. */
export function renew(truth: Truth, item: string, who: string, fence: number): boolean {
  const lock = truth.lockOf(item);
  if (!lock || lock.fence !== fence || lock.by !== who || lock.reason === 'offline_sync') return false;
  lock.renewals += 1;
  return true;
}

/** Staff hold nothing: the lock that came with a conflict is nobody's to release. */
export function release(truth: Truth, item: string, who: string, fence: number, force: boolean): boolean {
  const lock = truth.lockOf(item);
  if (!lock || lock.fence !== fence) return false;
  if (!force && (lock.by !== who || lock.reason === 'offline_sync')) return false;
  lock.end = force ? 'forced' : 'released';
  return true;
}
