import { expect, test } from 'vitest';
import { judgeStream } from '../../../src/realtime/judge-stream.ts';
import { parsePosition } from '../../../src/realtime/stream-position.ts';

test.each([
  ['nothing was ever published', 0, 0, 0, undefined, 'replace'],
  ['nothing was ever published, but somebody else wrote', 0, 0, 0, '5-1', 'replace'],
  ['everything was sent', 7, 9, 9, '7-9', 'continue'],
  ['the last page was numbered and not sent', 7, 4, 9, '7-4', 'continue'],
  ['the last page was sent in part', 7, 4, 9, '7-6', 'continue'],
  ['the last page was sent and not marked', 7, 4, 9, '7-9', 'continue'],
  ['the epoch began and nothing was sent', 7, 0, 0, '7-0', 'continue'],
  ['the start of the epoch was not written', 7, 0, 0, '6-8', 'announce'],
  ['the start of the epoch was lost with the stream', 7, 0, 0, undefined, 'announce'],
  ['the stream was flushed', 7, 9, 9, undefined, 'replace'],
  ['the stream was flushed before the first page was sent', 7, 0, 5, undefined, 'replace'],
  ['the stream was set back', 7, 9, 9, '7-8', 'replace'],
  ['the stream was set back into the epoch before', 7, 9, 9, '6-8', 'replace'],
  ['the stream is ahead: MongoDB was restored', 7, 9, 9, '7-20', 'replace'],
  ['the stream is an epoch ahead', 7, 0, 0, '8-0', 'replace'],
] as const)('%s', (_, epoch, sentThrough, lastOffset, last, verdict) => {
  expect(judgeStream({ epoch, sentThrough, lastOffset, last: last ? parsePosition(last) : undefined })).toBe(
    verdict,
  );
});
