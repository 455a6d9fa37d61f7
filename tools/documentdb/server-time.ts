// $$NOW is put into a command before the engine sees it. The engine has one value for a whole transaction,
// MongoDB one for each command; and the engine loses it (error 9) when two upserts race, or inside $expr of a
// filter. The walk that does it also replaces $dateTrunc, see date-trunc.ts.
import { rewriteDateTrunc } from './date-trunc.ts';
import { asDoc, asDocs, type Doc, isContainer } from './documents.ts';

/** True when an encoded command or sequence holds something that `rewriteCommand` would replace. */
export function needsRewriting(encoded: Buffer): boolean {
  return encoded.includes('$$NOW') || encoded.includes('$dateTrunc');
}

/** A copy of the command's body with `now` in the place of each $$NOW that MongoDB would evaluate. */
export function rewriteCommand(name: string, body: Doc, now: Date): Doc {
  const out: Doc = { ...body };
  for (const field of ['pipeline', 'projection', 'fields', 'let']) {
    if (out[field] !== undefined) out[field] = rewriteExpression(out[field], now);
  }
  for (const field of ['filter', 'query']) {
    if (out[field] !== undefined) out[field] = rewriteFilter(out[field], now);
  }
  if (name.toLowerCase() === 'findandmodify' && Array.isArray(out['update'])) {
    out['update'] = rewriteExpression(out['update'], now);
  }
  if (Array.isArray(out['updates'])) {
    out['updates'] = asDocs(out['updates']).map((statement) => rewriteUpdate(statement, now));
  }
  if (Array.isArray(out['deletes'])) {
    out['deletes'] = asDocs(out['deletes']).map((s) => ({ ...s, q: rewriteFilter(s['q'], now) }));
  }
  return out;
}

function rewriteUpdate(statement: Doc, now: Date): Doc {
  const out: Doc = { ...statement, q: rewriteFilter(statement['q'], now) };
  // An update document ({ $set: … }) holds values, in which '$$NOW' is only text; a pipeline is evaluated.
  if (Array.isArray(out['u'])) out['u'] = rewriteExpression(out['u'], now);
  if (out['c'] !== undefined) out['c'] = rewriteExpression(out['c'], now);
  return out;
}

/** Replaces inside an aggregation expression or pipeline; what stands under $literal stays. */
export function rewriteExpression(value: unknown, now: Date): unknown {
  if (value === '$$NOW') return now;
  if (Array.isArray(value)) return value.map((element) => rewriteExpression(element, now));
  if (!isContainer(value)) return value;
  const out = mapFields(value, (key, inner) => (key === '$literal' ? inner : rewriteExpression(inner, now)));
  return '$dateTrunc' in out ? rewriteDateTrunc(asDoc(out['$dateTrunc'])) : out;
}

/** In a filter only $expr is evaluated; it may stand below $and, $or and the like. */
export function rewriteFilter(filter: unknown, now: Date): unknown {
  if (Array.isArray(filter)) return filter.map((part) => rewriteFilter(part, now));
  if (!isContainer(filter)) return filter;
  return mapFields(filter, (key, inner) => {
    if (key === '$expr') return rewriteExpression(inner, now);
    return key.startsWith('$') ? rewriteFilter(inner, now) : inner;
  });
}

function mapFields(doc: Doc, change: (key: string, value: unknown) => unknown): Doc {
  return Object.fromEntries(Object.entries(doc).map(([key, value]) => [key, change(key, value)]));
}
