import {
  comparePositions,
  followsOn,
  ORIGIN,
  type StreamPosition,
  type StreamStep,
} from './stream-position.ts';

/**
 * Whether everything after `requested` is still in the stream, so that a resume may promise a replay
 * without a gap (invariant R4). `last` is the stream's last place, `next` the first one after `requested`.
 *
 * An id of another epoch is refused even when nothing happened to be lost: what the stream was before is
 * not known any more. The one exception is a client that connected before anything was ever published: the
 * start of the very first epoch follows on its place.
 */
export function canResume(stream: {
  requested: StreamPosition;
  last: StreamPosition | undefined;
  next: StreamStep | undefined;
}): boolean {
  const { requested, last, next } = stream;
  // An empty stream proves nothing: it may have been emptied.
  if (last === undefined) return false;
  if (comparePositions(requested, last) === 0) return true;
  if (last.epoch !== requested.epoch && comparePositions(requested, ORIGIN) !== 0) return false;
  return next !== undefined && followsOn(requested, next);
}
