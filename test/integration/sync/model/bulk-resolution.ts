import fc from 'fast-check';
import { expect } from 'vitest';
import { resolve } from './people.ts';
import { step } from './step.ts';

/** All that is pending in a session is decided the same way, over HTTP; each gets an answer of its own. */
export const bulkResolution = fc
  .record({
    session: fc.constantFrom(0, 0, 0, 1),
    who: fc.constantFrom('sue', 'max', 'ana'),
    resolution: fc.constantFrom('keep_local' as const, 'keep_server' as const),
  })
  .map(({ session, who, resolution }) =>
    step(`resolve all of session ${session} ${resolution} by ${who}`, async (world) => {
      const { truth, engine, conflictIds, sessions } = world;
      const session_id = sessions[session]!;
      const { status, body } = await engine.call('POST', '/api/sync/conflicts/resolve', {
        who,
        role: 'supervisor',
        body: { session_id, resolution },
      });
      expect(status).toBe(200);
      const answers = body['results'] as { conflict_id: string; success: boolean }[];
      const pending = truth.disputes.flatMap((dispute, at) =>
        dispute.session === session_id && !dispute.resolution ? [conflictIds[at]!] : [],
      );
      expect(answers.map(({ conflict_id }) => conflict_id).toSorted()).toEqual(pending.toSorted());
      // In the order of the answers: those of one transaction were opened at the same instant.
      for (const { conflict_id, success } of answers) {
        const at = conflictIds.indexOf(conflict_id);
        const seen = truth.line(truth.disputes[at]!)?.version ?? 0;
        const outcome = resolve(truth, at, { who, resolution, merged: 0, seen, fence: undefined });
        expect(success).toBe(outcome === 'resolved');
      }
    }),
  );
