import { comparePositions, type StreamPosition } from './stream-position.ts';

/**
 * What the publisher does about the stream it finds:
 * `continue`: it holds everything that was sent, and some or all of what was numbered; go on behind `last`.
 * `announce`: nothing was published in this epoch yet and its start is missing; write it.
 * `replace`: it is not what was left there (flushed, set back, written by others); begin a new epoch.
 */
export type StreamVerdict = 'continue' | 'announce' | 'replace';

/** Judges the stream's last place against what MongoDB knows of this epoch (invariants R1, R4). */
export function judgeStream(known: {
  epoch: number;
  /** Up to here rows were marked as sent. */
  sentThrough: number;
  /** Up to here rows have an offset. */
  lastOffset: number;
  last: StreamPosition | undefined;
}): StreamVerdict {
  const { epoch, sentThrough, lastOffset, last } = known;
  if (epoch === 0) return 'replace';
  if (last?.epoch === epoch && last.offset >= sentThrough && last.offset <= lastOffset) return 'continue';
  const before = last === undefined || comparePositions(last, { epoch, offset: 0 }) < 0;
  return lastOffset === 0 && before ? 'announce' : 'replace';
}
