import { expect, test } from 'vitest';
import { canResume } from '../../../src/realtime/resume.ts';
import { parsePosition, type StreamPosition } from '../../../src/realtime/stream-position.ts';

const at = (id: string): StreamPosition => {
  const position = parsePosition(id);
  if (!position) throw new Error(`${id} is no position`);
  return position;
};
const event = (id: string) => ({ position: at(id) });
const start = (id: string, previous: string) => ({ position: at(id), previous: at(previous) });

test.each([
  ['everything after it is there', '7-3', '7-9', event('7-4'), true],
  ['it is the last one', '7-9', '7-9', undefined, true],
  ['nothing was sent in this epoch yet, before and now', '7-0', '7-0', undefined, true],
  ['the first events of the epoch came since', '7-0', '7-2', event('7-1'), true],
  ['the next one was trimmed', '7-3', '7-9', event('7-5'), false],
  ['it is ahead of the stream, which was set back', '7-12', '7-9', undefined, false],
  ['it is of the epoch before', '6-9', '7-2', start('7-0', '6-9'), false],
  ['it is of an epoch to come', '8-1', '7-9', undefined, false],
  ['the stream was flushed', '7-3', undefined, undefined, false],
  ['it comes from before the very first event', '0-0', '7-2', start('7-0', '0-0'), true],
  ['it comes from an empty stream that had been flushed', '0-0', '7-2', start('7-0', '6-4'), false],
  ['it comes from before the first event, and that was trimmed', '0-0', '7-9', event('7-5'), false],
  ['the stream is empty and nobody knows why', '0-0', undefined, undefined, false],
] as const)('a resume when %s', (_, requested, last, next, complete) => {
  expect(canResume({ requested: at(requested), last: last ? at(last) : undefined, next })).toBe(complete);
});
