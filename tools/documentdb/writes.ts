// insert, update, delete and findAndModify.
import { type Command, collectionOf, type Reply, retryId, specOf, type Target } from './command.ts';
import { asDocs, type Doc, decodeSequence } from './documents.ts';
import { translateWriteErrors } from './duplicate-keys.ts';
import { bytesOf, queryRow } from './postgres-pools.ts';
import { needsRewriting, rewriteCommand } from './server-time.ts';
import { refuseUpsertWithExpr, type UpsertTurns } from './upserts.ts';

export function insert(command: Command, target: Target): Promise<Reply> {
  return write('insert', command, target, command.body, command.sequences.get('documents'));
}

export function update(command: Command, target: Target, upserts: UpsertTurns): Promise<Reply> {
  const { body, sequence } = withServerTime(command, 'updates');
  const statements = sequence?.includes('upsert') ? decodeSequence(sequence) : asDocs(body['updates']);
  refuseUpsertWithExpr(statements);
  return upserts.run(namespaceOf(command), statements, target, (own) =>
    write('update', command, own, body, sequence),
  );
}

export function remove(command: Command, target: Target): Promise<Reply> {
  const { body, sequence } = withServerTime(command, 'deletes');
  return write('delete', command, target, body, sequence);
}

export function findAndModify(command: Command, target: Target, upserts: UpsertTurns): Promise<Reply> {
  refuseUpsertWithExpr([command.body]);
  // The engine refuses a hint here (115). It is only a hint.
  const { hint: _, ...body } = withServerTime(command, 'updates').body;
  return upserts.run(namespaceOf(command), [body], target, async (own) => {
    const [result] = await queryRow(
      own.client,
      'SELECT p_result::bytea FROM documentdb_api.find_and_modify($1, $2::bytea::documentdb_core.bson, $3)',
      [command.database, specOf(body), retryId(body, own)],
    );
    return bytesOf(result);
  });
}

async function write(
  statement: 'insert' | 'update' | 'delete',
  command: Command,
  target: Target,
  body: Doc,
  sequence: Buffer | undefined,
): Promise<Reply> {
  const [result] = await queryRow(
    target.client,
    `SELECT p_result::bytea FROM documentdb_api.${statement}(
              $1, $2::bytea::documentdb_core.bson, $3::bytea::documentdb_core.bsonsequence, $4)`,
    [command.database, specOf(body), sequence ?? null, retryId(body, target)],
  );
  return translateWriteErrors(command, target, bytesOf(result));
}

// A sequence is passed on as it came, unless something in it must be rewritten: then it moves into the body.
function withServerTime(
  command: Command,
  field: 'updates' | 'deletes',
): { body: Doc; sequence: Buffer | undefined } {
  const sequence = command.sequences.get(field);
  const moves = sequence !== undefined && needsRewriting(sequence);
  const body = moves ? { ...command.body, [field]: decodeSequence(sequence) } : command.body;
  const rewritten =
    moves || needsRewriting(command.raw) ? rewriteCommand(command.name, body, new Date()) : body;
  return { body: rewritten, sequence: moves ? undefined : sequence };
}

function namespaceOf(command: Command): string {
  return `${command.database}.${collectionOf(command)}`;
}
